//! Their clients of our servers.

use testkit::unix::Folder;
use wheels::{Address, SocketFactory, SocketFactoryBuilder, UnixAddress};

use crate::program::Program;
use crate::session::End;

/// Bytes that somebody might take for something else.
const WORDS: &[u8] = b"one\r\ntwo\n\0\x01\x7f\x80\xff\r\x1b[0m\n\n end";

/// The program says it to a server that says it back, and ends when it hears no more.
#[track_caller]
fn echoes(server: SocketFactoryBuilder, client: impl FnOnce(&Address) -> Program) -> Address {
    let (mut end, place) = End::echo(server);
    let mut client = client(&place);
    client.say(WORDS);
    client.run_until_said(&mut end.kernel, WORDS.len());
    assert_eq!(client.finish(&mut end.kernel), WORDS);
    end.run_until_told("its end", |told| told.ends == 1);
    assert_eq!((&end.told.borrow().bytes[..], &end.failures()[..]), (WORDS, &[][..]));
    let peer = end.told.borrow().peers[0].clone();
    end.end();
    peer
}

fn socat(address: &str) -> Program {
    Program::start("socat", &["-t60", "-", address])
}

#[test]
fn socat_by_tcp_of_ipv4() {
    let peer = echoes(SocketFactory::listen("127.0.0.1:0"), |at| socat(&format!("TCP4:{at}")));
    assert_eq!(peer.ip().unwrap().to_string(), "127.0.0.1");
}

#[test]
fn socat_by_tcp_of_ipv6() {
    let peer = echoes(SocketFactory::listen("[::1]:0"), |at| socat(&format!("TCP6:{at}")));
    assert_eq!(peer.ip().unwrap().to_string(), "::1");
}

#[test]
fn socat_by_a_path() {
    let folder = Folder::new();
    let path = folder.at("echo");
    let server = SocketFactory::unix_listen(&path);
    let peer = echoes(server, |at| socat(&format!("UNIX-CONNECT:{at}")));
    assert_eq!(peer, Address::Unix(UnixAddress::Unnamed));
    assert!(!path.exists());
}
