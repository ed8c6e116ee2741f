//! The echo server of several processes, with netcats at its doors.

use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use crate::foreign;
use crate::program::{End, Server};

#[test]
fn twenty_netcats_are_answered_by_three_processes() {
    let server = Server::start_program("prefork_echo", &["3"], None);
    let port = server.address.port().to_string();
    let start = |_| foreign::start_with("nc", &["-N", "127.0.0.1", &port], Stdio::piped());
    let mut clients: Vec<_> = (0..20).map(start).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.stdin().write_all(format!("netcat {number}\n").as_bytes()).unwrap();
    }
    for (number, client) in clients.into_iter().enumerate() {
        assert_eq!(client.end(), End::printed(format!("netcat {number}\n")));
    }
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}
