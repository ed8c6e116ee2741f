//! The examples of sockets that are not TCP's alone.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::program::{End, Program};

#[test]
fn unix_echo_answers_streams_and_datagrams_and_leaves_no_paths() {
    let folder = Folder::new("unix_echo");
    let path = folder.at("echo");
    let mut server = Program::start("unix_echo", &[&path], Stdio::null());
    assert_eq!(server.listening(), path);
    let datagrams = format!("{path}.datagrams");
    assert_eq!(server.listening(), datagrams);
    for path in [&path, &datagrams] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }

    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"hello").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");

    // Who has no name gets no answer, and does no harm.
    UnixDatagram::unbound().unwrap().send_to(b"anonymous", &datagrams).unwrap();
    let client = UnixDatagram::bind(folder.at("client")).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    client.send_to(b"message", &datagrams).unwrap();
    let mut buffer = [0; 100];
    let (len, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..len], from.as_pathname()), (&b"message"[..], Some(datagrams.as_ref())));

    let second = Program::start("unix_echo", &[&path], Stdio::null()).end();
    let said = format!("bind: Address already in use ({path})\n");
    assert_eq!(second, End::complained(1, said));
    assert_eq!(server.end_by(Signal::TERM), End::silent(0));
    fs::remove_file(folder.at("client")).unwrap();
    assert!(folder.is_empty());
}

#[test]
fn multi_listen_is_reached_wherever_it_says() {
    let folder = Folder::new("multi_listen");
    let path = folder.at("door");
    let places = ["0", "127.0.0.1:0", &path];
    let mut server = Program::start("multi_listen", &places, Stdio::null());
    // The IPv6 socket is not there on a machine without.
    let mut everywhere = server.listening();
    if everywhere.starts_with('[') {
        let port = port_of(&everywhere);
        everywhere = server.listening();
        assert_eq!(port_of(&everywhere), port, "one port of both families");
        if let Ok(client) = TcpStream::connect((Ipv6Addr::LOCALHOST, port)) {
            assert_welcome(client, &format!("and came in at [::1]:{port}\r\n"));
        }
    }
    let port = port_of(&everywhere);
    assert_eq!(everywhere, format!("0.0.0.0:{port}"));
    let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    assert_welcome(client, &format!("and came in at 127.0.0.1:{port}\r\n"));

    let also = server.listening();
    assert_welcome(TcpStream::connect(&*also).unwrap(), &format!("and came in at {also}\r\n"));
    assert_eq!(server.listening(), path);
    let client = UnixStream::connect(&path).unwrap();
    assert_welcome(client, &format!("you are unnamed, and came in at {path}\r\n"));

    assert_eq!(server.end_by(Signal::TERM), End::silent(0));
    assert!(folder.is_empty());
}

fn port_of(place: &str) -> u16 {
    place.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

#[track_caller]
fn assert_welcome(mut client: impl Read, expected: &str) {
    let mut said = String::new();
    client.read_to_string(&mut said).expect("an orderly end");
    assert!(said.ends_with(expected), "{said:?}");
}
