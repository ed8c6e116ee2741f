//! Every operation that can fail, each made to fail by what is really there.
//!
//! A row is a factory and the failure that it must tell. Not here: `accept`, which fails while a listener
//! lives (`rest.rs`, `accept_errors.rs`), what takes a lowered limit or another user (`tests/limits`), and
//! what no state of the machine brings about in time (`faults.rs`): a `listen` that fails, a `getpeername`,
//! an `epoll_ctl`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV6};
use std::path::Path;

use socket2::Type;
use testkit::machine::{self, has_ipv6};
use testkit::net::{self, Refusing};
use testkit::unix::{self, Folder};
use wheels::{
    Domain, Operation, Service, SocketFactory, SocketFactoryBuilder, SocketOptions, SocketType,
    UnixAddress,
};

use crate::support::{at_once, later};

const ENOENT: i32 = 2;
const ENOTDIR: i32 = 20;
const EINVAL: i32 = 22;
const ENAMETOOLONG: i32 = 36;
const EPROTOTYPE: i32 = 91;
const EPROTONOSUPPORT: i32 = 93;
const ESOCKTNOSUPPORT: i32 = 94;
const EOPNOTSUPP: i32 = 95;
const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;
const ECONNREFUSED: i32 = 111;
const EAI_NONAME: i32 = -2;
const EAI_SERVICE: i32 = -8;

fn builder() -> SocketFactoryBuilder {
    SocketFactory::builder()
}

#[test]
fn domain_where_a_family_has_no_sockets_of_that_type() {
    let seqpacket = || builder().socket_type(SocketType::SeqPacket);
    let no_v4 = "AF_INET has no SOCK_SEQPACKET here";
    let no_v6 = "AF_INET6 has no SOCK_SEQPACKET here";
    let no_vsock = "AF_VSOCK has no SOCK_DGRAM here";
    let vsock = builder().socket_domain(Domain::Vsock).socket_type(SocketType::Dgram);
    at_once([
        (seqpacket(), Operation::Domain, ESOCKTNOSUPPORT, no_v4),
        (seqpacket().bind_address("::1"), Operation::Domain, ESOCKTNOSUPPORT, no_v6),
        (
            seqpacket().remote_address("127.0.0.1").remote_port(1),
            Operation::Domain,
            ESOCKTNOSUPPORT,
            no_v4,
        ),
        (vsock, Operation::Domain, ESOCKTNOSUPPORT, no_vsock),
        (
            SocketFactory::listen_everywhere(0).socket_type(SocketType::SeqPacket),
            Operation::Domain,
            ESOCKTNOSUPPORT,
            no_v4,
        ),
    ]);
}

#[test]
fn getprotobyname_and_getprotobynumber_of_what_the_database_does_not_have() {
    const NOBODYS: &str = "no such protocol: nobodys";
    let row = (builder().socket_protocol("nobodys"), Operation::GetProtoByName);
    later([(row.0, row.1, EPROTONOSUPPORT, NOBODYS)]);
    if !Path::new("/etc/protocols").exists() {
        machine::skip("getprotobynumber", "no /etc/protocols");
        return;
    }
    let by_number = |number: i32| builder().socket_protocol(number);
    let unknown = (Operation::GetProtoByNumber, EPROTONOSUPPORT);
    later([
        (by_number(-1), unknown.0, unknown.1, "no such protocol: -1"),
        (by_number(100_000), unknown.0, unknown.1, "no such protocol: 100000"),
    ]);
}

#[test]
fn socket_where_type_and_protocol_do_not_go_together() {
    let folder = Folder::new();
    let words = "Protocol not supported";
    let datagrams = builder().socket_type(SocketType::Dgram);
    at_once([
        (datagrams.socket_protocol("tcp"), Operation::Socket, EPROTONOSUPPORT, words),
        (
            builder().socket_type(SocketType::Stream).socket_protocol(17),
            Operation::Socket,
            EPROTONOSUPPORT,
            words,
        ),
        // POE warns and goes on.
        (
            SocketFactory::unix_listen(folder.at("socket")).socket_protocol("tcp"),
            Operation::Socket,
            EPROTONOSUPPORT,
            words,
        ),
    ]);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn setsockopt_of_an_option_that_is_refused() {
    let folder = Folder::new();
    let no_device = SocketOptions::new().device("nosuch0");
    let listening = builder().bind_address("127.0.0.1");
    let datagram = SocketFactory::datagram("127.0.0.1:0");
    let unix = SocketFactory::unix_listen(folder.at("socket"));
    let refused = Operation::SetSockOpt;
    let (enodev, words) = (19, "SO_BINDTODEVICE: No such device");
    at_once([
        (listening.options(no_device.clone()), refused, enodev, words),
        (datagram.options(no_device.clone()), refused, enodev, words),
        (SocketFactory::connect("127.0.0.1:1").options(no_device), refused, enodev, words),
        (
            unix.options(SocketOptions::new().receive_buffer(4096)),
            refused,
            EOPNOTSUPP,
            "SO_RCVBUF: Operation not supported",
        ),
    ]);
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn bind_to_an_address_of_the_internet_that_cannot_be_had() {
    let (_other, taken) = net::listener();
    let in_use = "Address already in use";
    let foreign = "Cannot assign requested address";
    // TEST-NET-1 and its sister: nobody has an address there.
    at_once([
        (SocketFactory::listen(taken), Operation::Bind, EADDRINUSE, in_use),
        (builder().bind_address("192.0.2.1"), Operation::Bind, EADDRNOTAVAIL, foreign),
        (SocketFactory::datagram("192.0.2.1:0"), Operation::Bind, EADDRNOTAVAIL, foreign),
        (
            SocketFactory::connect("127.0.0.1:1").bind_address("192.0.2.1"),
            Operation::Bind,
            EADDRNOTAVAIL,
            foreign,
        ),
    ]);
    if has_ipv6("bind to an IPv6 address") {
        let address = "2001:db8::1";
        at_once([(builder().bind_address(address), Operation::Bind, EADDRNOTAVAIL, foreign)]);
    }
}

#[test]
fn a_link_local_address_keeps_its_link_though_its_port_is_looked_up() {
    let test = "a_link_local_address_keeps_its_link_though_its_port_is_looked_up";
    let services = machine::services(test, "tcp");
    let service = services.into_iter().find(|(_, port)| *port >= 1024);
    let (Some((service, _)), true) = (service, has_ipv6(test)) else { return };
    // Without the link it would be no place at all (EINVAL). Loopback has no such address.
    let address = SocketAddrV6::new("fe80::1234".parse().unwrap(), 0, 0, 1);
    let text = "fe80::1234%1";
    let words = "Cannot assign requested address";
    at_once([
        (SocketFactory::listen(address), Operation::Bind, EADDRNOTAVAIL, words),
        (builder().bind_address(text), Operation::Bind, EADDRNOTAVAIL, words),
    ]);
    later([
        (
            SocketFactory::listen(address).bind_port(&*service),
            Operation::Bind,
            EADDRNOTAVAIL,
            words,
        ),
        (SocketFactory::listen((text, &*service)), Operation::Bind, EADDRNOTAVAIL, words),
    ]);
}

#[test]
fn bind_to_a_port_of_datagrams_that_is_taken_though_reuse_was_asked_for() {
    let other = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let builder = SocketFactory::datagram(other.local_addr().unwrap()).reuse(true);
    at_once([(builder, Operation::Bind, EADDRINUSE, "Address already in use")]);
}

#[test]
fn bind_to_a_path_that_cannot_be_had() {
    let folder = Folder::new();
    fs::create_dir(folder.at("folder")).unwrap();
    fs::write(folder.at("file"), "text").unwrap();
    let _other = unix::listening(&folder.at("socket"), 1);
    let nowhere = "No such file or directory";
    let in_use = "Address already in use";
    let at = |name: &str| SocketFactory::unix_listen(folder.at(name));
    at_once([
        (at("none/socket"), Operation::Bind, ENOENT, nowhere),
        (at("file/socket"), Operation::Bind, ENOTDIR, "Not a directory"),
        (at("folder"), Operation::Bind, EADDRINUSE, in_use),
        (at("file"), Operation::Bind, EADDRINUSE, in_use),
        (at("socket"), Operation::Bind, EADDRINUSE, in_use),
        (at("new").mode(0o1777), Operation::Bind, EINVAL, "Invalid argument"),
        (SocketFactory::unix_listen("/"), Operation::Bind, EADDRINUSE, in_use),
        (SocketFactory::datagram(folder.at("none/socket")), Operation::Bind, ENOENT, nowhere),
        (
            SocketFactory::unix_connect(folder.at("socket")).bind_address(folder.at("file")),
            Operation::Bind,
            EADDRINUSE,
            in_use,
        ),
    ]);
    assert_eq!(folder.names(), ["file", "folder", "socket"]);
}

#[test]
fn pack_sockaddr_un_of_what_is_no_path() {
    let long = UnixAddress::from(&"x".repeat(108));
    let nul = UnixAddress::from("/tmp/a\0b");
    let none = UnixAddress::from("");
    let (too_long, invalid) = ("File name too long", "Invalid argument");
    for (address, errnum, words) in
        [(long, ENAMETOOLONG, too_long), (nul, EINVAL, invalid), (none, EINVAL, invalid)]
    {
        let operation = Operation::PackSockaddrUn;
        at_once([
            (SocketFactory::unix_listen(address.clone()), operation, errnum, words),
            (SocketFactory::unix_connect(address.clone()), operation, errnum, words),
            (builder().bind_address(address.clone()), operation, errnum, words),
            (SocketFactory::datagram(address), operation, errnum, words),
        ]);
    }
    let text = builder().socket_domain(Domain::Unix).bind_address("");
    at_once([(text, Operation::PackSockaddrUn, EINVAL, invalid)]);
}

#[test]
fn getservbyname_of_what_is_no_port_and_no_service() {
    let at = |service: Service| builder().bind_address("127.0.0.1").bind_port(service);
    let to = |service: Service| builder().remote_address("127.0.0.1").remote_port(service);
    let operation = Operation::GetServByName;
    // POE takes the first of them for port 80 (F15), and the second for port 0.
    let services = [
        (Service::Port(65_536 + 80), "no such service: 65616"),
        (Service::Port(65_536), "no such service: 65536"),
        (Service::from("-1"), "no such service: -1"),
        (Service::from("+80"), "no such service: +80"),
        (Service::from(""), "no such service: "),
    ];
    for (service, words) in services {
        at_once([
            (at(service.clone()), operation, EAI_SERVICE, words),
            (builder().bind_port(service.clone()), operation, EAI_SERVICE, words),
            (to(service), operation, EAI_SERVICE, words),
        ]);
    }
    let nobodys = || Service::from("nobodys-service");
    let words = "no such service: nobodys-service";
    later([
        (at(nobodys()), operation, EAI_SERVICE, words),
        (builder().bind_port(nobodys()), operation, EAI_SERVICE, words),
        (to(nobodys()), operation, EAI_SERVICE, words),
        (SocketFactory::listen_everywhere(nobodys()), operation, EAI_SERVICE, words),
    ]);
    let vsock = builder().socket_domain(Domain::Vsock).bind_port("http");
    at_once([(vsock, operation, EAI_SERVICE, "no such service: http")]);
}

#[test]
fn getaddrinfo_of_what_is_no_host() {
    let words = "Name or service not known";
    let operation = Operation::GetAddrInfo;
    // The first has four letters, which POE takes for a packed address (F2).
    for name in ["a..b", "127.0.0.1:80"] {
        later([
            (builder().bind_address(name).bind_port(1), operation, EAI_NONAME, words),
            (builder().remote_address(name).remote_port(1), operation, EAI_NONAME, words),
        ]);
    }
    at_once([(builder().bind_address(""), operation, EAI_NONAME, words)]);
}

#[test]
fn connect_to_where_nobody_listens() {
    let port = Refusing::new();
    let folder = Folder::new();
    let _datagrams = unix::bound(&folder.at("datagrams"), Type::DGRAM);
    let _deaf = unix::bound(&folder.at("deaf"), Type::STREAM);
    drop(unix::listening(&folder.at("dead"), 1));
    fs::write(folder.at("file"), "text").unwrap();
    let to = |name: &str| SocketFactory::unix_connect(folder.at(name));
    let refused = "Connection refused";
    at_once([
        (to("nothing"), Operation::Connect, ENOENT, "No such file or directory"),
        (to("file"), Operation::Connect, ECONNREFUSED, refused),
        (to("dead"), Operation::Connect, ECONNREFUSED, refused),
        (to("deaf"), Operation::Connect, ECONNREFUSED, refused),
        (to("datagrams"), Operation::Connect, EPROTOTYPE, "Protocol wrong type for socket"),
        (
            SocketFactory::unix_connect(&format!("@{}", folder.at("nobody").display())),
            Operation::Connect,
            ECONNREFUSED,
            refused,
        ),
    ]);
    later([(SocketFactory::connect(port.addr), Operation::Connect, ECONNREFUSED, refused)]);
}
