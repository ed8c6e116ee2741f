//! The echo servers and their client as a user meets them: programs.
//!
//! `cargo test` builds the examples before it runs this. (`cargo test --test e2e` alone does not: it
//! runs those that were built last.)

mod chat;
mod crawler;
mod families;
mod folder;
mod http;
mod jobs;
mod prefork;
mod program;
mod proxy;
mod syslog;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use program::{End, Program, Server};
use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

const SERVER_USAGE: &str = "usage: echo_server [ADDR:PORT] [--lines]\n";
const CLIENT_USAGE: &str = "usage: echo_client ADDR:PORT\n";
const BOT_USAGE: &str = "usage: irc_bot HOST:PORT NICK CHANNEL\n";

#[test]
fn the_server_echoes_bytes() {
    let server = Server::start(&[]);
    let mut stream = server.connect();
    assert_eq!(echo(&mut stream, b"half a li"), b"half a li");
    assert_eq!(echo(&mut stream, b"ne\r\n\0\xff"), b"ne\r\n\0\xff");
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn the_server_echoes_lines() {
    let server = Server::start(&["--lines"]);
    let mut stream = server.connect();
    stream.write_all(b"one\ntw").unwrap();
    assert_eq!(read(&mut stream, 4), b"one\n");
    assert_eq!(echo_of(&mut stream, b"o\nthree\r\n\nla", 12), b"two\nthree\r\n\n");
    stream.write_all(b"st").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"last\n");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn interrupt_and_terminate_end_the_server_in_order() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::start(&[]);
        let mut stream = server.connect();
        assert_eq!(echo(&mut stream, b"hello"), b"hello");
        assert_eq!(server.end(signal), End::silent(0));
        assert_eq!(rest(&mut stream), b"");
    }
}

#[test]
fn the_server_logs_on_standard_error() {
    let server = Server::start_logging(&[], Some("info"));
    let mut stream = server.connect();
    let peer = stream.local_addr().unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"");
    let end = server.end(Signal::INT);
    assert_eq!((end.code, end.stdout.as_str()), (Some(0), ""));
    for said in [format!("{peer} accepted"), "read: end of stream".into(), "INT: good bye".into()] {
        assert!(end.stderr.contains(&said), "{said:?} is not in {}", end.stderr);
    }
}

#[test]
fn the_server_of_datagrams_echoes_each() {
    let server = Server::start_program("udp_echo", &[], None);
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    client.connect(server.address).unwrap();
    let mut buffer = [0; 65_535];
    for message in [&b"hello"[..], b"", &[7; 10_000]] {
        client.send(message).unwrap();
        let len = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], message);
    }
    let taken = server.address.to_string();
    let said = format!("bind: Address already in use ({taken})\n");
    let second = Program::start("udp_echo", &[&taken], Stdio::null()).end();
    assert_eq!(second, End::complained(1, said));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn the_server_of_poes_manual_rotates_each_line() {
    let server = Server::listening(Program::start("rot13_server", &["0"], Stdio::null()));
    let mut stream = server.connect();
    assert_eq!(echo_of(&mut stream, b"Hello, World!\r\nab", 15), b"Uryyb, Jbeyq!\r\n");
    assert_eq!(echo_of(&mut stream, b"yz [\xff]\n", 10), b"nolm [\xff]\r\n");
    stream.write_all(b"the answer comes before the end\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), b"gur nafjre pbzrf orsber gur raq\r\n");
    let taken = server.address.port().to_string();
    let second = Program::start("rot13_server", &[&taken], Stdio::null()).end();
    let said = "Server bind error 98: Address already in use\n";
    assert_eq!(second, End::complained(0, said));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
    let confused = Program::start("rot13_server", &["127.0.0.1:0"], Stdio::null()).end();
    assert_eq!(confused, End::complained(2, "usage: rot13_server [PORT]\n"));
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start("echo_server", &[&address], Stdio::null()).end();
    let said = format!("bind: Address already in use ({address})\n");
    assert_eq!(end, End::complained(1, said));
}

#[test]
fn bad_arguments_of_the_server_are_answered_with_its_usage() {
    let bad: [&[&str]; 6] = [
        &["127.0.0.1"],
        &["7777"],
        &["localhost:0"],
        &["127.0.0.1:70000"],
        &["127.0.0.1:0", "--bytes"],
        &["127.0.0.1:0", "--lines", "more"],
    ];
    for arguments in bad {
        let end = Program::start("echo_server", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, SERVER_USAGE), "{arguments:?}");
    }
}

#[test]
fn bad_arguments_of_the_client_are_answered_with_its_usage() {
    let bad: [&[&str]; 3] = [&[], &["127.0.0.1"], &["127.0.0.1:1", "more"]];
    for arguments in bad {
        let end = Program::start("echo_client", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, CLIENT_USAGE), "{arguments:?}");
    }
}

#[test]
fn bad_arguments_of_the_bot_are_answered_with_its_usage() {
    let bad: [&[&str]; 4] = [
        &[],
        &["irc.test:6667", "bot"],
        &["irc.test", "bot", "#test"],
        &["irc.test:1", "bot", "test"],
    ];
    for arguments in bad {
        let end = Program::start("irc_bot", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, BOT_USAGE), "{arguments:?}");
    }
}

#[test]
fn the_bot_comes_back_until_it_is_told_to_end() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    let bot = Program::start("irc_bot", &[&*address, "bot", "#test"], Stdio::null());
    let hello = b"NICK bot\r\nUSER bot 0 * :a bot\r\n";
    for _ in 0..2 {
        let (mut stream, _) = server.accept().unwrap();
        assert_eq!(read(&mut stream, hello.len()), hello);
    }
    let (mut stream, _) = server.accept().unwrap();
    stream.write_all(b":irc.test 001 bot :Welcome\r\n:bot!b@h JOIN :#test\r\n").unwrap();
    assert_eq!(read(&mut stream, hello.len() + 12), [&hello[..], b"JOIN #test\r\n"].concat());
    bot.kill(Signal::TERM);
    assert_eq!(rest(&mut stream), b"QUIT :good bye\r\n");
    drop(stream);
    assert_eq!(bot.end(), End::printed("bot is in #test\n"));
}

#[test]
fn the_client_sends_its_input_and_prints_the_answers() {
    for mode in [&[][..], &["--lines"]] {
        let server = Server::start(mode);
        let mut client = client(&server, Stdio::piped());
        let mut stdin = client.stdin();
        stdin.write_all(b"hello\n").unwrap();
        assert_eq!(client.line(), "hello\n");
        stdin.write_all(b"and\n\nlast").unwrap();
        drop(stdin);
        assert_eq!(client.end(), End::printed("and\n\nlast\n"));
        assert_eq!(server.end(Signal::TERM), End::silent(0));
    }
}

#[test]
fn a_client_with_nothing_to_say_ends() {
    let server = Server::start(&[]);
    assert_eq!(client(&server, Stdio::null()).end(), End::silent(0));
    assert_eq!(client(&server, File::open("/dev/null").unwrap().into()).end(), End::silent(0));
    let mut silent = client(&server, Stdio::piped());
    drop(silent.stdin());
    assert_eq!(silent.end(), End::silent(0));
}

#[test]
fn a_hundred_thousand_lines_of_a_file_come_back() {
    let lines = many_lines();
    let path = scratch("lines.txt");
    std::fs::write(&path, &lines).unwrap();
    let server = Server::start(&["--lines"]);
    let end = client(&server, File::open(&path).unwrap().into()).end();
    std::fs::remove_file(&path).unwrap();
    assert_same(&end, &lines);
}

#[test]
fn a_hundred_thousand_lines_of_a_pipe_come_back() {
    let lines = many_lines();
    let server = Server::start(&[]);
    let mut client = client(&server, Stdio::piped());
    let mut stdin = client.stdin();
    thread::scope(|scope| {
        scope.spawn(|| {
            stdin.write_all(lines.as_bytes()).unwrap();
            drop(stdin);
        });
        assert_same(&client.end(), &lines);
    });
}

#[test]
fn a_refused_connection_is_one_clear_line() {
    let socket = program::refusing();
    let closed = socket.local_addr().unwrap().to_string();
    let end = Program::start("echo_client", &[&closed], Stdio::null()).end();
    assert_eq!(end, End::complained(1, format!("connect: Connection refused ({closed})\n")));
}

#[test]
fn the_client_ends_when_the_server_does_though_its_input_is_open() {
    let server = Server::start(&[]);
    let mut client = client(&server, Stdio::piped());
    let mut stdin = client.stdin();
    stdin.write_all(b"hello\n").unwrap();
    assert_eq!(client.line(), "hello\n");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
    assert_eq!(client.end(), End::silent(0));
    drop(stdin);
}

#[test]
fn an_interrupted_client_ends_in_order() {
    let server = Server::start(&[]);
    let mut client = client(&server, Stdio::piped());
    let mut stdin = client.stdin();
    stdin.write_all(b"hello\n").unwrap();
    assert_eq!(client.line(), "hello\n");
    client.kill(Signal::INT);
    assert_eq!(client.end(), End::silent(0));
}

#[test]
fn ten_clients_are_served_at_once() {
    let server = Server::start(&[]);
    let mut streams: Vec<TcpStream> = (0..10).map(|_| server.connect()).collect();
    for round in 0..100 {
        let message = |number: usize| format!("client {number}, round {round}\n").into_bytes();
        for (number, stream) in streams.iter_mut().enumerate() {
            stream.write_all(&message(number)).unwrap();
        }
        for (number, stream) in streams.iter_mut().enumerate().rev() {
            let sent = message(number);
            assert_eq!(read(stream, sent.len()), sent);
        }
    }
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn clients_that_reset_leave_the_server_alone() {
    let server = Server::start(&[]);
    let mut patient = server.connect();
    for asked in [&b""[..], b"an answer that nobody reads"] {
        for _ in 0..10 {
            let mut stream = server.connect();
            stream.write_all(asked).unwrap();
            set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        }
    }
    assert_eq!(echo(&mut patient, b"still there?"), b"still there?");
    assert_eq!(echo(&mut server.connect(), b"and for me?"), b"and for me?");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

fn client(server: &Server, stdin: Stdio) -> Program {
    Program::start("echo_client", &[server.address.to_string()], stdin)
}

fn echo(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    echo_of(stream, bytes, bytes.len())
}

/// Sends, and reads as much as is expected.
fn echo_of(stream: &mut TcpStream, bytes: &[u8], expected: usize) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    read(stream, expected)
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// What comes before the end of the stream.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

fn many_lines() -> String {
    (1..=100_000).fold(String::new(), |mut lines, number| {
        writeln!(lines, "line {number}").unwrap();
        lines
    })
}

/// Without printing a megabyte when it fails.
fn assert_same(end: &End, lines: &str) {
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    assert_eq!(end.stdout.len(), lines.len(), "as many bytes came back as were sent");
    assert!(end.stdout == lines, "what came back is what was sent");
}

/// A file of this test run alone.
fn scratch(name: &str) -> PathBuf {
    let name = format!("{}-{name}", std::process::id());
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}
