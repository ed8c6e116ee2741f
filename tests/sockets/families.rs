//! Families other than the internet's: streams and messages in order, who is at the other end, and
//! sockets between machines, where the system has them.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use reactor::Clock;
use socket2::{Socket, Type};
use testkit::machine;
use testkit::net;
use testkit::rig::{Heard, Host, Rig, cause};
use testkit::unix::{self, Folder};
use wheels::{
    Address, Credentials, Domain, Operation, SocketFactory, SocketFactoryBuilder, SocketType,
};

use crate::support::{failure_of, local_addr, peer_addr, socket_of, staying};

const EAFNOSUPPORT: i32 = 97;

#[test]
fn a_unix_stream_is_served_and_connected_as_one_of_tcp() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut rig = echo(SocketFactory::unix_listen(&path), SocketFactory::unix_connect(&path));
    rig.run_until("the echo", |heard| heard.contains(&Heard::Word("echo")));
    assert_eq!(came(&rig.heard()).concat(), b"hellohello");
    assert_eq!(rig.failures(), []);
}

#[test]
fn messages_of_a_seqpacket_socket_keep_their_bounds() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let server = SocketFactory::unix_listen(&path).socket_type(SocketType::SeqPacket);
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, server);
    });
    let client = unix::try_connect(&path, Type::SEQPACKET).unwrap();
    for message in [&b"one"[..], b"three", b"five"] {
        client.send(message).unwrap();
    }
    rig.run_until_established(1);
    let kind = rig.act(|host, cx| {
        let kind = host.sockets[0].socket_type();
        host.stream(cx);
        kind
    });
    assert_eq!(kind, SocketType::SeqPacket);
    rig.run_until("the messages", |heard| came(heard).len() == 3);
    assert_eq!(came(&rig.heard()), [&b"one"[..], b"three", b"five"]);
    // And the other way.
    rig.act(|host, cx| {
        let stream = host.streams.values().next().unwrap();
        stream.put(cx, "four");
    });
    rig.turn();
    client.set_nonblocking(false).unwrap();
    let mut client = std::io::BufReader::new(UnixStream::from(OwnedFd::from(client)));
    assert_eq!(std::io::BufRead::fill_buf(&mut client).unwrap(), b"four");
}

#[test]
fn a_seqpacket_connection_is_made_by_a_factory_too() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let seqpacket = |builder: SocketFactoryBuilder| builder.socket_type(SocketType::SeqPacket);
    let server = seqpacket(SocketFactory::unix_listen(&path));
    let mut rig = echo(server, seqpacket(SocketFactory::unix_connect(&path)));
    rig.run_until("the echo", |heard| heard.contains(&Heard::Word("echo")));
    assert_eq!(came(&rig.heard()), ["hello", "hello"]);
}

#[test]
fn a_datagram_socket_is_connected_though_its_receiver_has_no_room() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let receiver = unix::bound(&path, Type::DGRAM);
    let flood = unix::try_connect(&path, Type::DGRAM).unwrap();
    while flood.send(b"flood").is_ok() {}
    // The system does not say of such a socket that it is writable.
    let builder = SocketFactory::unix_connect(&path).socket_type(SocketType::Dgram);
    let mut rig = Rig::start_on(Clock::virtual_time(), |host, cx| {
        host.build(cx, builder);
    });
    rig.run_to_end();
    assert_eq!((rig.peers().len(), rig.failures()), (1, vec![]));
    drop(receiver);
}

#[test]
fn a_datagram_socket_cannot_be_connected_to_port_zero() {
    const ENOTCONN: i32 = 107;
    // To the system it can, and then it is not.
    let builder = SocketFactory::connect("127.0.0.1:0").socket_type(SocketType::Dgram);
    assert_eq!(cause(&failure_of(builder)), (Operation::GetPeerName, ENOTCONN));
}

#[test]
fn p58_both_ends_know_whose_process_is_at_the_other() {
    let folder = Folder::new();
    let path = folder.at("socket");
    for kind in [SocketType::Stream, SocketType::SeqPacket] {
        let mut rig = Rig::start({
            let path = path.clone();
            let client = folder.at("client");
            move |host, cx| {
                host.build(cx, SocketFactory::unix_listen(&path).socket_type(kind));
                let to = SocketFactory::unix_connect(&path).socket_type(kind);
                host.build(cx, to.bind_address(client));
            }
        });
        rig.run_until_established(2);
        let us = Credentials {
            pid: rustix::process::getpid().as_raw_nonzero().get(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        rig.act(move |host, _| {
            for socket in &host.sockets {
                assert_eq!(socket.peer_credentials().unwrap(), us);
            }
        });
        // The one that was let in has a path too, as its client took one.
        let mut peers: Vec<_> = rig.peers().iter().map(Address::to_string).collect();
        peers.sort();
        let expected = [folder.at("client"), path.clone()].map(|path| path.display().to_string());
        assert_eq!(peers, expected);
    }
}

#[test]
fn p58_who_cannot_be_known_is_an_error_and_not_somebody() {
    const ENODATA: i32 = 61;
    let (_listener, addr) = net::listener();
    let folder = Folder::new();
    let path = folder.at("socket");
    let _other = unix::bound(&path, Type::DGRAM);
    let datagrams = || SocketFactory::unix_connect(&path).socket_type(SocketType::Dgram);
    // Linux gives the user -1 for all of them.
    for builder in
        [SocketFactory::connect(addr), datagrams(), SocketFactory::datagram(folder.at("alone"))]
    {
        let mut rig = staying(builder.clone());
        rig.run_until_established(1);
        let told =
            rig.act(|host, _| host.sockets[0].peer_credentials().map_err(|e| e.raw_os_error()));
        assert_eq!(told, Err(Some(ENODATA)), "{builder:?}");
    }
}

#[test]
fn vsock_listens_on_every_machine_that_has_it() {
    let listens = || SocketFactory::builder().socket_domain(Domain::Vsock);
    if !has_vsock("vsock_listens_on_every_machine_that_has_it") {
        let failure = failure_of(listens());
        assert_eq!(cause(&failure), (Operation::Socket, EAFNOSUPPORT));
        return;
    }
    let any = |port| Address::Vsock { cid: u32::MAX, port };
    for builder in
        [listens(), listens().bind_address("4294967295"), SocketFactory::listen(any(u32::MAX))]
    {
        let mut rig = staying(builder.clone());
        let local = rig.act(|host, cx| host.factory().local_addr(cx));
        let Some(Address::Vsock { cid: u32::MAX, port }) = local else {
            panic!("{local:?}, {:?} of {builder:?}", rig.failures());
        };
        // Above those for the privileged, and so above 65,535 now and then.
        assert!((1024..u32::MAX).contains(&port));
        let taken = failure_of(SocketFactory::listen(any(port)));
        assert_eq!(cause(&taken), (Operation::Bind, 98));
    }
}

#[test]
fn vsock_connects_to_nobody_where_there_is_no_such_machine() {
    let to_nobody = SocketFactory::connect(Address::Vsock { cid: 0xffff_ff00, port: 1024 });
    let failure = failure_of(to_nobody.connect_timeout(std::time::Duration::from_secs(5)));
    if has_vsock("vsock_connects_to_nobody_where_there_is_no_such_machine") {
        // ENODEV, ECONNRESET, ETIMEDOUT: it depends on what carries it, if anything does.
        assert_eq!(failure.operation, Operation::Connect, "{failure}");
        assert_ne!(failure.errnum, 0);
    } else {
        assert_eq!(cause(&failure), (Operation::Socket, EAFNOSUPPORT));
    }
}

#[test]
fn vsock_talks_to_its_own_machine_where_that_is_possible() {
    let test = "vsock_talks_to_its_own_machine_where_that_is_possible";
    if !has_vsock(test) {
        return;
    }
    let server = SocketFactory::builder().socket_domain(Domain::Vsock);
    let mut rig = staying(server);
    let local = rig.act(|host, cx| host.factory().local_addr(cx));
    let port = local.and_then(|local| local.port()).unwrap();
    rig.act(move |host, cx| {
        let own = Address::Vsock { cid: 1, port };
        host.build(
            cx,
            SocketFactory::connect(own).connect_timeout(std::time::Duration::from_secs(5)),
        );
    });
    rig.run_until("both ends or a failure", |heard| {
        heard.len() == 2 || matches!(heard, [Heard::Failed(_)])
    });
    if let [failure, ..] = &rig.failures()[..] {
        assert_eq!(failure.operation, Operation::Connect);
        machine::skip(test, &format!("no way to itself: {failure}"));
        return;
    }
    assert!(rig.peers().contains(&Address::Vsock { cid: 1, port }));
    rig.act(|host, cx| {
        let streams = [host.stream(cx), host.stream(cx)];
        host.streams[&streams[0]].put(cx, "hello");
    });
    rig.run_until("hello", |heard| came(heard).concat() == b"hello");
}

fn has_vsock(test: &str) -> bool {
    match Socket::new(socket2::Domain::VSOCK, Type::STREAM, None) {
        Ok(_) => true,
        Err(error) => {
            machine::skip(test, &format!("no vsock: {error}"));
            false
        }
    }
}

/// A session that serves and connects. The server sends back what comes, and the client says hello.
fn echo(server: SocketFactoryBuilder, client: SocketFactoryBuilder) -> Rig {
    Rig::start(move |host, cx| {
        let server = host.build(cx, server);
        let mut client_stream = None;
        host.build(cx, client);
        host.react(move |host, cx, heard| match heard {
            Heard::Established { wheel, .. } => {
                let stream = host.stream(cx);
                if *wheel != server {
                    host.streams[&stream].put(cx, "hello");
                    client_stream = Some(stream);
                }
            }
            Heard::Came(input) if Some(input.wheel) != client_stream => {
                host.streams[&input.wheel].put(cx, input.item.clone());
            }
            Heard::Came(_) => Host::say(cx, "echo"),
            Heard::Failed(_) | Heard::Word(_) | Heard::Stopped => {}
        });
    })
}

/// What came, by all streams.
fn came(heard: &[Heard]) -> Vec<Bytes> {
    let came = heard.iter().filter_map(|heard| match heard {
        Heard::Came(input) => Some(input.item.clone()),
        Heard::Established { .. } | Heard::Failed(_) | Heard::Word(_) | Heard::Stopped => None,
    });
    came.collect()
}

#[test]
fn an_ipv4_address_in_the_form_of_an_ipv6_one_is_an_ipv4_address() {
    let (_listener, addr) = net::listener();
    let far = socket_of(&SocketFactory::connect(("::ffff:127.0.0.1", addr.port())));
    assert_eq!(peer_addr(&far), addr);
    let near = socket_of(&SocketFactory::listen("[::ffff:127.0.0.1]:0"));
    assert_eq!(local_addr(&near).ip(), Some(addr.ip()));
}
