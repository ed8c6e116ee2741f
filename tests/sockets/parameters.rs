//! Every parameter and every class of values that it takes: which socket comes of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;

use socket2::Type;
use testkit::machine::{self, has_ipv6};
use testkit::net::{self, Reserved};
use testkit::unix::{self, Folder};
use wheels::{
    Address, Domain, Host, Protocol, Service, SocketFactory, SocketFactoryBuilder, SocketType,
    UnixAddress,
};

use crate::support::{kind_of, local_addr, peer_addr, socket_of};

/// As the system numbers them: `AF_UNIX`, `AF_INET`, `AF_INET6`.
const UNIX: i32 = 1;
const INET: i32 = 2;
const INET6: i32 = 10;
/// `SOCK_STREAM`, `SOCK_DGRAM`, `SOCK_SEQPACKET`.
const STREAM: i32 = 1;
const DGRAM: i32 = 2;
const SEQPACKET: i32 = 5;
/// `IPPROTO_TCP`, `IPPROTO_UDP`; UNIX sockets have none.
const TCP: i32 = 6;
const UDP: i32 = 17;
const NONE: i32 = 0;

fn builder() -> SocketFactoryBuilder {
    SocketFactory::builder()
}

#[test]
fn family_type_and_protocol_follow_from_each_other() {
    let dgram = || builder().socket_type(SocketType::Dgram);
    let rows = [
        (builder(), (INET, STREAM, TCP)),
        (builder().socket_domain(Domain::Inet), (INET, STREAM, TCP)),
        (builder().socket_type(SocketType::Stream), (INET, STREAM, TCP)),
        // POE asks for TCP here, which carries no datagrams (F5).
        (dgram(), (INET, DGRAM, UDP)),
        (dgram().bind_address("127.0.0.1"), (INET, DGRAM, UDP)),
        (builder().socket_protocol("tcp"), (INET, STREAM, TCP)),
        (builder().socket_protocol("udp"), (INET, DGRAM, UDP)),
        // Aliases of the database.
        (builder().socket_protocol("TCP"), (INET, STREAM, TCP)),
        (builder().socket_protocol("UDP"), (INET, DGRAM, UDP)),
        (builder().socket_protocol(6), (INET, STREAM, TCP)),
        (builder().socket_protocol(17), (INET, DGRAM, UDP)),
        (builder().socket_protocol(Protocol::Name("udp".into())), (INET, DGRAM, UDP)),
        (dgram().socket_protocol("udp"), (INET, DGRAM, UDP)),
        (builder().socket_type(SocketType::Stream).socket_protocol("tcp"), (INET, STREAM, TCP)),
        (SocketFactory::datagram("127.0.0.1:0"), (INET, DGRAM, UDP)),
    ];
    for (builder, kind) in rows {
        assert_eq!(kind_of(socket_of(&builder)), kind, "{builder:?}");
    }
}

#[test]
fn family_type_and_protocol_of_ipv6() {
    if !has_ipv6("family_type_and_protocol_of_ipv6") {
        return;
    }
    let inet6 = || builder().socket_domain(Domain::Inet6);
    let rows = [
        (inet6(), (INET6, STREAM, TCP)),
        (inet6().socket_type(SocketType::Dgram), (INET6, DGRAM, UDP)),
        (inet6().socket_protocol("udp"), (INET6, DGRAM, UDP)),
        (builder().bind_address("::1"), (INET6, STREAM, TCP)),
        (SocketFactory::datagram("[::1]:0"), (INET6, DGRAM, UDP)),
    ];
    for (builder, kind) in rows {
        assert_eq!(kind_of(socket_of(&builder)), kind, "{builder:?}");
    }
}

#[test]
fn family_type_and_protocol_of_unix_sockets() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let text = path.to_str().unwrap().to_owned();
    let unix = || builder().socket_domain(Domain::Unix);
    let rows = [
        (unix().bind_address(text.clone()), (UNIX, STREAM, NONE)),
        (unix().bind_address(text).socket_type(SocketType::Dgram), (UNIX, DGRAM, NONE)),
        (unix().socket_type(SocketType::Dgram), (UNIX, DGRAM, NONE)),
        (SocketFactory::unix_listen(&path), (UNIX, STREAM, NONE)),
        (
            SocketFactory::unix_listen(&path).socket_type(SocketType::SeqPacket),
            (UNIX, SEQPACKET, NONE),
        ),
        (SocketFactory::datagram(path.clone()), (UNIX, DGRAM, NONE)),
    ];
    for (builder, kind) in rows {
        assert_eq!(kind_of(socket_of(&builder)), kind, "{builder:?}");
        // A datagram socket that was taken out of the wheels' hands leaves its path behind.
        let _left = std::fs::remove_file(&path);
    }
}

#[test]
fn bind_address_of_ipv4() {
    let any: IpAddr = Ipv4Addr::UNSPECIFIED.into();
    let local: IpAddr = Ipv4Addr::new(127, 0, 10, 1).into();
    let rows = [
        (builder(), any),
        (builder().bind_address("0.0.0.0"), any),
        (builder().bind_address("127.0.10.1"), local),
        (builder().bind_address("127.0.10.1".to_owned()), local),
        (builder().bind_address(local), local),
        (builder().bind_address(Ipv4Addr::new(127, 0, 10, 1)), local),
        // Packed.
        (builder().bind_address([127, 0, 10, 1]), local),
        (builder().bind_address([0; 4]), any),
        (builder().bind_address(Host::Ip(local)), local),
        (builder().socket_domain(Domain::Inet).bind_address("127.0.10.1"), local),
    ];
    for (builder, ip) in rows {
        let local = local_addr(socket_of(&builder));
        assert_eq!(local.ip(), Some(ip), "{builder:?}");
        assert_ne!(local.port(), Some(0), "{builder:?}");
    }
}

#[test]
fn bind_address_of_ipv6() {
    if !has_ipv6("bind_address_of_ipv6") {
        return;
    }
    let any: IpAddr = Ipv6Addr::UNSPECIFIED.into();
    let local: IpAddr = Ipv6Addr::LOCALHOST.into();
    let mut packed = [0; 16];
    packed[15] = 1;
    let rows = [
        (builder().socket_domain(Domain::Inet6), any),
        (builder().bind_address("::"), any),
        (builder().bind_address("::1"), local),
        // Four letters, and an address all the same.
        (builder().bind_address("0::1"), local),
        (builder().bind_address("0:0:0:0:0:0:0:1"), local),
        (builder().bind_address(local), local),
        (builder().bind_address(Ipv6Addr::LOCALHOST), local),
        (builder().bind_address(packed), local),
        (builder().bind_address([0; 16]), any),
    ];
    for (builder, ip) in rows {
        let local = local_addr(socket_of(&builder));
        assert_eq!(local.ip(), Some(ip), "{builder:?}");
        assert_ne!(local.port(), Some(0), "{builder:?}");
    }
}

#[test]
fn bind_address_of_unix_sockets() {
    let folder = Folder::new();
    let path = folder.at("a socket");
    let text = path.to_str().unwrap().to_owned();
    let abstract_text = format!("@{text}");
    let zero_text = format!("\0{text}");
    let here = Address::from(UnixAddress::Path(path.clone()));
    let nowhere = Address::from(UnixAddress::Abstract(text.clone().into_bytes()));
    let unix = || builder().socket_domain(Domain::Unix);
    let rows = [
        (builder().bind_address(text.clone()), &here),
        (builder().bind_address(&*text), &here),
        (builder().bind_address(&*path), &here),
        (builder().bind_address(path.clone()), &here),
        (builder().bind_address(UnixAddress::Path(path.clone())), &here),
        (unix().bind_address(&*text), &here),
        (builder().bind_address(&*abstract_text), &nowhere),
        (builder().bind_address(zero_text), &nowhere),
        (builder().bind_address(UnixAddress::Abstract(text.clone().into_bytes())), &nowhere),
        (unix().bind_address(&*abstract_text), &nowhere),
        (SocketFactory::unix_listen(&abstract_text), &nowhere),
    ];
    for (builder, expected) in rows {
        assert_eq!(local_addr(socket_of(&builder)), *expected, "{builder:?}");
        assert_eq!(folder.names(), [""; 0], "{builder:?}");
    }
}

#[test]
fn a_path_without_a_slash_is_one_where_the_family_says_so() {
    let name = format!("sockets-test-{}", std::process::id());
    if let Err(error) = std::fs::write(&name, "").and_then(|()| std::fs::remove_file(&name)) {
        machine::skip("a_path_without_a_slash_is_one_where_the_family_says_so", &error.to_string());
        return;
    }
    let builder = builder().socket_domain(Domain::Unix).bind_address(&*name);
    assert_eq!(local_addr(socket_of(&builder)), Address::from(UnixAddress::Path(name.into())));
}

#[test]
fn bind_port_by_number_and_by_digits() {
    let reserved = Reserved::new(Ipv4Addr::new(127, 0, 10, 2));
    let (ip, port) = (reserved.addr.ip(), reserved.addr.port());
    let at = || builder().bind_address(ip).reuse(true);
    let rows = [
        at().bind_port(port),
        at().bind_port(port.to_string()),
        at().bind_port(format!("000{port}")),
        at().bind_port(Service::Port(port.into())),
        at().bind_port(Service::Text(port.to_string())),
        at().bind_port("0").bind_port(port),
    ];
    for builder in rows {
        assert_eq!(local_addr(socket_of(&builder)), reserved.addr, "{builder:?}");
    }
}

#[test]
fn bind_port_and_remote_port_by_the_name_of_a_service() {
    let test = "bind_port_and_remote_port_by_the_name_of_a_service";
    // Some may be taken. On an address of our own, that is unlikely.
    let ip = Ipv4Addr::new(127, 0, 10, 3);
    let services = machine::services(test, "tcp");
    let free = services.iter().filter(|(_, port)| *port >= 1024).find_map(|(name, port)| {
        let listener = std::net::TcpListener::bind((ip, *port)).ok()?;
        Some((name, *port, listener))
    });
    let Some((name, port, listener)) = free else {
        machine::skip(test, "no service whose port is free");
        return;
    };
    let remote = builder().remote_address(ip).remote_port(&**name);
    assert_eq!(peer_addr(socket_of(&remote)), SocketAddr::from((ip, port)));
    drop(listener);
    let local = builder().bind_address(ip).bind_port(&**name).reuse(true);
    assert_eq!(local_addr(socket_of(&local)), SocketAddr::from((ip, port)));
    // Of datagrams, only where it is theirs too.
    if machine::services(test, "udp").iter().any(|udp| udp == &(name.clone(), port)) {
        let datagram = SocketFactory::datagram((ip, &**name));
        assert_eq!(local_addr(socket_of(&datagram)), SocketAddr::from((ip, port)));
    }
}

#[test]
fn remote_address_of_ipv4() {
    let (_listener, addr) = net::listener();
    let port = addr.port();
    let to = |host: Host| builder().remote_address(host).remote_port(port);
    let rows = [
        to("127.0.0.1".into()),
        to("127.0.0.1".to_owned().into()),
        to(addr.ip().into()),
        to(Ipv4Addr::LOCALHOST.into()),
        // Packed, of which POE's manual speaks (F1).
        to([127, 0, 0, 1].into()),
        to([127, 0, 0, 1].into()).socket_domain(Domain::Inet),
        to(addr.ip().into()).remote_port(port.to_string()),
        to(addr.ip().into()).socket_protocol("tcp"),
        SocketFactory::connect(addr),
        SocketFactory::connect(Address::from(addr)),
        SocketFactory::connect(addr.to_string()),
        SocketFactory::connect(("127.0.0.1", port)),
        SocketFactory::connect(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)),
    ];
    for builder in rows {
        let socket = socket_of(&builder);
        assert_eq!(peer_addr(&socket), addr, "{builder:?}");
        assert_eq!(kind_of(&socket), (INET, STREAM, TCP), "{builder:?}");
    }
}

#[test]
fn remote_address_of_ipv6() {
    if !has_ipv6("remote_address_of_ipv6") {
        return;
    }
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let port = addr.port();
    let to = |host: Host| builder().remote_address(host).remote_port(port);
    let rows = [
        to("::1".into()),
        to(addr.ip().into()),
        to(Ipv6Addr::LOCALHOST.into()),
        to(Ipv6Addr::LOCALHOST.octets().into()),
        to("::1".into()).socket_domain(Domain::Inet6),
        SocketFactory::connect(addr),
        SocketFactory::connect(addr.to_string()),
        SocketFactory::connect(("::1", port)),
        SocketFactory::connect(SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0)),
    ];
    for builder in rows {
        let socket = socket_of(&builder);
        assert_eq!(peer_addr(&socket), addr, "{builder:?}");
        assert_eq!(kind_of(&socket), (INET6, STREAM, TCP), "{builder:?}");
    }
}

#[test]
fn remote_address_of_unix_sockets() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let _listener = unix::listening(&path, 64);
    let text = path.to_str().unwrap().to_owned();
    let here = Address::from(UnixAddress::Path(path.clone()));
    let rows = [
        builder().remote_address(&*text),
        builder().remote_address(text.clone()),
        builder().remote_address(&*path),
        builder().remote_address(path.clone()),
        builder().remote_address(UnixAddress::from(&path)),
        builder().remote_address(&*text).socket_domain(Domain::Unix),
        SocketFactory::unix_connect(&path),
        SocketFactory::unix_connect(path.clone()),
        SocketFactory::connect(&*text),
        SocketFactory::connect(path),
        SocketFactory::connect(here.clone()),
    ];
    for builder in rows {
        let socket = socket_of(&builder);
        assert_eq!(peer_addr(&socket), here, "{builder:?}");
        assert_eq!(kind_of(&socket), (UNIX, STREAM, NONE), "{builder:?}");
    }

    let name = std::os::unix::net::SocketAddr::from_abstract_name(&text).unwrap();
    let _listener = UnixListener::bind_addr(&name).unwrap();
    let nowhere = Address::from(UnixAddress::Abstract(text.clone().into_bytes()));
    let at = format!("@{text}");
    for builder in [
        builder().remote_address(&*at),
        SocketFactory::unix_connect(&at),
        SocketFactory::connect(&*at),
        SocketFactory::connect(nowhere.clone()),
    ] {
        assert_eq!(peer_addr(socket_of(&builder)), nowhere, "{builder:?}");
    }
}

#[test]
fn datagram_sockets_are_bound_connected_both_or_neither() {
    let there = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = there.local_addr().unwrap();
    let dgram = || builder().socket_type(SocketType::Dgram);
    let neither = socket_of(&dgram());
    assert_eq!(local_addr(&neither), SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    let bound = socket_of(&dgram().bind_port(0));
    assert_ne!(local_addr(&bound).port(), Some(0));
    let connected = socket_of(&SocketFactory::connect(addr).socket_type(SocketType::Dgram));
    assert_eq!(peer_addr(&connected), addr);
    let both = socket_of(
        &SocketFactory::datagram("127.0.10.4:0").remote_address(addr.ip()).remote_port(addr.port()),
    );
    assert_eq!(peer_addr(&both), addr);
    assert_eq!(local_addr(&both).ip(), Some(Ipv4Addr::new(127, 0, 10, 4).into()));

    let folder = Folder::new();
    let path = folder.at("there");
    let _there = unix::bound(&path, Type::DGRAM);
    let unix = || SocketFactory::unix_connect(&path).socket_type(SocketType::Dgram);
    assert_eq!(local_addr(socket_of(&unix())), Address::from(UnixAddress::Unnamed));
    let both = socket_of(&unix().bind_address(folder.at("here")));
    assert_eq!(local_addr(&both).path(), Some(&*folder.at("here")));
    assert_eq!(peer_addr(&both).path(), Some(&*path));
}

#[test]
fn a_listen_queue_has_room_for_as_many_and_one_more() {
    // UNIX sockets say exactly when a queue is full. Zero and what is too large mean the system's limit.
    let limit = machine::setting("net/core/somaxconn").unwrap_or(4096);
    let many = usize::try_from(limit).unwrap().min(150) + 1;
    let folder = Folder::new();
    let path = folder.at("socket");
    for (queue, room) in [(1, 2), (5, 6), (0, many), (u32::MAX, many), (1 << 31, many)] {
        let _listener = socket_of(
            &SocketFactory::unix_listen(&path).unlink_on_close(false).listen_queue(queue),
        );
        let clients = (0..many).map_while(|_| unix::try_connect(&path, Type::STREAM).ok());
        assert_eq!(clients.collect::<Vec<_>>().len(), room, "a queue of {queue}");
    }
    let _listener = socket_of(&SocketFactory::unix_listen(&path).unlink_on_close(false));
    let clients = (0..many).map_while(|_| unix::try_connect(&path, Type::STREAM).ok());
    assert_eq!(clients.collect::<Vec<_>>().len(), many, "a queue of the system's limit");
}
