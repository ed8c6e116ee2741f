//! The proxy.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

use crate::program::{self, End, Program, Server};
use crate::{read, rest};

/// A proxy, and what it is the proxy of.
fn start(more_arguments: &[&str], log: Option<&str>) -> (Server, TcpListener) {
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap().to_string();
    let arguments = [&[address.as_str()], more_arguments].concat();
    (Server::start_program("tcp_proxy", &arguments, log), upstream)
}

/// Both ends of a connection.
fn connect((proxy, upstream): (&Server, &TcpListener)) -> (TcpStream, TcpStream) {
    let mut client = proxy.connect();
    let (mut server, _) = upstream.accept().unwrap();
    client.write_all(b"hello").unwrap();
    assert_eq!(read(&mut server, 5), b"hello");
    (client, server)
}

fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    drop(stream);
}

fn assert_reset(stream: &mut TcpStream) {
    let end = stream.read_to_end(&mut Vec::new());
    assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
}

#[test]
fn each_side_gets_what_the_other_says_and_that_it_says_no_more() {
    let (proxy, upstream) = start(&[], Some("info"));
    let (mut client, mut server) = connect((&proxy, &upstream));
    let address = client.local_addr().unwrap();
    client.write_all(b" there").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), b" there");
    server.write_all(b"an answer").unwrap();
    assert_eq!(read(&mut client, 9), b"an answer");
    server.write_all(b", and the rest of it").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut client), b", and the rest of it");
    drop((client, server));
    let end = proxy.end(Signal::TERM);
    assert_eq!((end.code, end.stdout.as_str()), (Some(0), ""));
    let said = format!("{address}: 11 bytes up, 29 bytes down, read: end of stream");
    assert!(end.stderr.contains(&said), "{said:?} is not in {}", end.stderr);
}

#[test]
fn thirty_two_megabytes_pass_in_both_directions_at_once() {
    let (proxy, upstream) = start(&[], None);
    let (client, server) = connect((&proxy, &upstream));
    let bytes: &Vec<u8> = &(0..8 << 20).flat_map(u32::to_le_bytes).collect();
    thread::scope(|scope| {
        for stream in [&client, &server] {
            let (mut reader, mut writer) = (stream, stream);
            scope.spawn(move || {
                let mut received = Vec::new();
                reader.read_to_end(&mut received).unwrap();
                assert!(received == *bytes, "what came is what was sent");
            });
            scope.spawn(move || {
                writer.write_all(bytes).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
        }
    });
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
}

#[test]
fn who_cannot_be_connected_is_hung_up_on() {
    let refusing = program::refusing();
    let address = refusing.local_addr().unwrap().to_string();
    let proxy = Server::start_program("tcp_proxy", &[&address], Some("warn"));
    for _ in 0..3 {
        assert_eq!(rest(&mut proxy.connect()), b"");
    }
    let end = proxy.end(Signal::TERM);
    assert_eq!(end.code, Some(0));
    let said = format!("connect: Connection refused ({address})");
    assert_eq!(end.stderr.matches(&said).count(), 3, "{}", end.stderr);
}

#[test]
fn p12_when_one_side_breaks_the_other_is_told_that_something_is_lost() {
    let (proxy, upstream) = start(&[], None);
    let (mut client, mut server) = connect((&proxy, &upstream));
    client.write_all(b"half").unwrap();
    assert_eq!(read(&mut server, 4), b"half");
    reset(client);
    assert_reset(&mut server);
    let (mut client, mut server) = connect((&proxy, &upstream));
    server.write_all(b"half").unwrap();
    assert_eq!(read(&mut client, 4), b"half");
    reset(server);
    assert_reset(&mut client);
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
}

#[test]
fn the_end_of_the_proxy_waits_for_its_connections() {
    let (proxy, upstream) = start(&["60"], None);
    let (mut client, mut server) = connect((&proxy, &upstream));
    drop(upstream); // or whoever comes meanwhile is connected too
    proxy.program.kill(Signal::TERM);
    while TcpStream::connect(proxy.address).is_ok() {}
    client.write_all(b"still there?").unwrap();
    assert_eq!(read(&mut server, 12), b"still there?");
    server.write_all(b"yes").unwrap();
    drop(server);
    assert_eq!(rest(&mut client), b"yes");
    drop(client);
    assert_eq!(proxy.program.end(), End::silent(0));
}

#[test]
fn the_end_of_the_proxy_waits_no_longer_than_it_was_told() {
    let (proxy, upstream) = start(&["0"], None);
    let (mut client, mut server) = connect((&proxy, &upstream));
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
    assert_eq!(rest(&mut client), b"");
    assert_eq!(rest(&mut server), b"");
}

#[test]
fn a_second_signal_ends_the_proxy_at_once() {
    let (proxy, upstream) = start(&["3600"], None);
    let (mut client, server) = connect((&proxy, &upstream));
    drop(upstream);
    proxy.program.kill(Signal::INT);
    while TcpStream::connect(proxy.address).is_ok() {}
    assert_eq!(proxy.end(Signal::INT), End::silent(0));
    assert_eq!(rest(&mut client), b"");
    drop(server);
}

#[test]
fn bad_arguments_of_the_proxy_are_answered_with_its_usage() {
    for arguments in [&[][..], &["127.0.0.1:0"], &["a", "b", "soon"], &["a", "b", "1", "more"]] {
        let end = Program::start("tcp_proxy", arguments, Stdio::null()).end();
        let usage = "usage: tcp_proxy LISTEN UPSTREAM [SECONDS]\n";
        assert_eq!(end, End::complained(2, usage), "{arguments:?}");
    }
    let end = Program::start("tcp_proxy", &["127.0.0.1:no", "b"], Stdio::null()).end();
    assert_eq!(end.code, Some(1), "{}", end.stderr);
}
