//! Parameters that contradict each other. POE dies of some and warns of others; here each is one failure
//! of the call that it was for. What POE dies of besides, a missing event, does not compile here.

use std::net::Ipv4Addr;

use testkit::unix::Folder;
use wheels::{Domain, Operation, Service, SocketFactory, SocketFactoryBuilder, SocketType};

use crate::support::at_once;

const EINVAL: i32 = 22;
const EAFNOSUPPORT: i32 = 97;

fn builder() -> SocketFactoryBuilder {
    SocketFactory::builder()
}

#[test]
fn a_remote_address_needs_a_port_and_a_remote_port_an_address() {
    let connect = Operation::Connect;
    let no_port = "a remote address without a remote port";
    let no_address = "a remote port without a remote address";
    at_once([
        (builder().remote_address("127.0.0.1"), connect, EINVAL, no_port),
        (builder().remote_address("::1"), connect, EINVAL, no_port),
        (builder().remote_address("example.invalid"), connect, EINVAL, no_port),
        (builder().remote_address("1").socket_domain(Domain::Vsock), connect, EINVAL, no_port),
        (builder().remote_port(80), connect, EINVAL, no_address),
        (SocketFactory::connect("*:80"), connect, EINVAL, no_address),
        (SocketFactory::connect(":80"), connect, EINVAL, no_address),
        (SocketFactory::datagram("127.0.0.1:0").remote_port(80), connect, EINVAL, no_address),
        (builder().remote_port(80).bind_address("::1"), connect, EINVAL, no_address),
    ]);
}

#[test]
fn a_unix_socket_has_no_port() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let text = "a UNIX socket has no port";
    let unix = || builder().socket_domain(Domain::Unix);
    at_once([
        (SocketFactory::unix_listen(&path).bind_port(0), Operation::Bind, EINVAL, text),
        (builder().bind_address(path.clone()).bind_port("http"), Operation::Bind, EINVAL, text),
        (SocketFactory::datagram((path.clone(), 80)), Operation::Bind, EINVAL, text),
        (unix().bind_port(80), Operation::Bind, EINVAL, text),
        (SocketFactory::unix_connect(&path).remote_port(80), Operation::Connect, EINVAL, text),
        (SocketFactory::unix_connect(&path).bind_port(80), Operation::Bind, EINVAL, text),
        // In POE a consistency error of its own, with a made-up EADDRINUSE.
        (
            SocketFactory::unix_listen(&path).remote_port(80),
            Operation::Connect,
            EINVAL,
            "a remote port without a remote address",
        ),
        (
            SocketFactory::listen_everywhere(0).socket_domain(Domain::Unix),
            Operation::Bind,
            EINVAL,
            text,
        ),
    ]);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_unix_socket_needs_a_path_to_listen_at() {
    let unix = builder().socket_domain(Domain::Unix);
    let text = "a UNIX socket without a path";
    at_once([
        (unix.clone(), Operation::Bind, EINVAL, text),
        (unix.socket_type(SocketType::SeqPacket), Operation::Bind, EINVAL, text),
    ]);
}

#[test]
fn what_does_not_listen_has_no_queue() {
    let folder = Folder::new();
    let connects = "what connects has no queue";
    let datagrams = "what does not listen has no queue";
    let listen = Operation::Listen;
    at_once([
        (SocketFactory::connect("127.0.0.1:1").listen_queue(5), listen, EINVAL, connects),
        (
            SocketFactory::unix_connect(folder.at("socket")).listen_queue(5),
            listen,
            EINVAL,
            connects,
        ),
        (SocketFactory::datagram("127.0.0.1:0").listen_queue(5), listen, EINVAL, datagrams),
        (SocketFactory::datagram(folder.at("socket")).listen_queue(5), listen, EINVAL, datagrams),
        (builder().socket_type(SocketType::Dgram).listen_queue(0), listen, EINVAL, datagrams),
        (
            SocketFactory::listen_everywhere(0).socket_type(SocketType::Dgram).listen_queue(5),
            listen,
            EINVAL,
            datagrams,
        ),
    ]);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_connection_has_one_near_end() {
    let builder = SocketFactory::connect("127.0.0.1:1").also("127.0.0.1:0");
    at_once([(builder, Operation::Bind, EINVAL, "a connection has one near end")]);
}

#[test]
fn an_address_is_of_the_family_that_was_asked_for() {
    let in_family = |domain| builder().socket_domain(domain);
    let folder = Folder::new();
    let path = folder.at("socket");
    let no_inet = format!("no address of AF_INET: {}", path.display()).leak();
    let bind = Operation::Bind;
    at_once([
        (
            in_family(Domain::Inet).bind_address("::1"),
            bind,
            EAFNOSUPPORT,
            "no address of AF_INET: ::1",
        ),
        (
            in_family(Domain::Inet6).bind_address(Ipv4Addr::LOCALHOST),
            bind,
            EAFNOSUPPORT,
            "no address of AF_INET6: 127.0.0.1",
        ),
        (
            in_family(Domain::Inet).bind_address("::1").bind_port("http"),
            bind,
            EAFNOSUPPORT,
            "no address of AF_INET: ::1",
        ),
        (in_family(Domain::Inet).bind_address(path), bind, EAFNOSUPPORT, no_inet),
        (
            in_family(Domain::Unix).bind_address([127, 0, 0, 1]),
            bind,
            EAFNOSUPPORT,
            "no address of AF_UNIX: 127.0.0.1",
        ),
        (
            in_family(Domain::Vsock).bind_address("::1"),
            bind,
            EAFNOSUPPORT,
            "no address of AF_VSOCK: ::1",
        ),
        (
            in_family(Domain::Vsock).bind_address("localhost"),
            bind,
            EAFNOSUPPORT,
            "no address of AF_VSOCK: localhost",
        ),
        (
            in_family(Domain::Inet6).remote_address("127.0.0.1").remote_port(1),
            Operation::Connect,
            EAFNOSUPPORT,
            "no address of AF_INET6: 127.0.0.1",
        ),
        (
            in_family(Domain::Inet).bind_address("127.0.0.1").bind_port(0).also("[::1]:0"),
            bind,
            EAFNOSUPPORT,
            "no address of AF_INET: ::1",
        ),
    ]);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn both_ends_are_of_one_family() {
    let folder = Folder::new();
    let v4 = || SocketFactory::connect("127.0.0.1:1");
    let v6 = || SocketFactory::connect("[::1]:1");
    let bind = Operation::Bind;
    at_once([
        (v4().bind_address("::1"), bind, EAFNOSUPPORT, "[::1]:0 is no address of AF_INET"),
        (
            v6().bind_address("127.0.0.1"),
            bind,
            EAFNOSUPPORT,
            "127.0.0.1:0 is no address of AF_INET6",
        ),
        (
            SocketFactory::unix_connect(folder.at("socket")).bind_address("127.0.0.1"),
            bind,
            EAFNOSUPPORT,
            "127.0.0.1:0 is no address of AF_UNIX",
        ),
    ]);
}

#[test]
fn text_that_is_no_place_is_a_failure_of_the_call_that_it_was_for() {
    let bad = [
        "",
        "nowhere",
        "127.0.0.1",
        "::1",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1",
        "127.0.0.1:",
        ":",
        "*:",
        "a:b:c",
        "[]:80",
        "[*]:80",
    ];
    for text in bad {
        let words: &str = format!("neither host:port nor a path: {text:?}").leak();
        at_once([
            (SocketFactory::listen(text), Operation::Bind, EINVAL, words),
            (SocketFactory::listen(text.to_owned()), Operation::Bind, EINVAL, words),
            (SocketFactory::datagram(text), Operation::Bind, EINVAL, words),
            (SocketFactory::connect(text), Operation::Connect, EINVAL, words),
            (SocketFactory::listen("127.0.0.1:0").also(text), Operation::Bind, EINVAL, words),
        ]);
    }
}

#[test]
fn a_port_of_a_place_may_be_bad_too() {
    const EAI_SERVICE: i32 = -8;
    for (text, words) in [
        ("127.0.0.1:65536", "no such service: 65536"),
        ("[::1]:-1", "no such service: -1"),
        (":+80", "no such service: +80"),
        ("*: 80", "no such service:  80"),
    ] {
        let operation = Operation::GetServByName;
        at_once([(SocketFactory::listen(text), operation, EAI_SERVICE, words)]);
    }
    let pair = SocketFactory::listen(("127.0.0.1", Service::Port(100_000)));
    at_once([(pair, Operation::GetServByName, EAI_SERVICE, "no such service: 100000")]);
}
