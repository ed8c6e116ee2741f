use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::sockopt;
use socket2::{SockFilter, SockRef};

use super::SocketOptions;
use crate::address::{Address, UnixAddress};
use crate::family::{Domain, Row, SocketType};
use crate::sys;

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENODEV: i32 = 19;
const ETIMEDOUT: i32 = 110;
const EOPNOTSUPP: i32 = 95;

const TCP: [(Domain, SocketType); 2] =
    [(Domain::Inet, SocketType::Stream), (Domain::Inet6, SocketType::Stream)];
const UDP: [(Domain, SocketType); 2] =
    [(Domain::Inet, SocketType::Dgram), (Domain::Inet6, SocketType::Dgram)];
const UNIX: [(Domain, SocketType); 3] = [
    (Domain::Unix, SocketType::Stream),
    (Domain::Unix, SocketType::SeqPacket),
    (Domain::Unix, SocketType::Dgram),
];
/// There may be no such sockets here; options are refused without asking the system.
const VSOCK: (Domain, SocketType) = (Domain::Vsock, SocketType::Stream);

#[test]
fn by_default_tcp_sends_at_once_and_nothing_else_is_set() {
    for kind in TCP {
        let (socket, untouched) = (with(&SocketOptions::new(), kind), made(kind));
        assert!(sockopt::tcp_nodelay(&socket).unwrap());
        assert!(!sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_user_timeout(&socket).unwrap(), 0);
        for buffer in [sockopt::socket_recv_buffer_size, sockopt::socket_send_buffer_size] {
            assert_eq!(buffer(&socket).unwrap(), buffer(&untouched).unwrap());
        }
    }
    for kind in UDP.into_iter().chain(UNIX) {
        with(&SocketOptions::new(), kind);
    }
    assert_eq!(SocketOptions::new(), SocketOptions::default());
}

#[test]
fn a_program_that_writes_in_crumbs_may_have_nagles_delay() {
    for kind in TCP {
        assert!(!sockopt::tcp_nodelay(with(&SocketOptions::new().nagle(), kind)).unwrap());
    }
}

#[test]
fn seconds_of_keepalive_are_whole_and_no_more_than_the_system_takes() {
    let (short, long) = (Duration::from_millis(1_001), Duration::MAX);
    let cases = [(short, Duration::from_secs(2)), (long, Duration::from_secs(32_767))];
    for (kind, (given, told)) in TCP.into_iter().zip(cases) {
        let socket = with(&SocketOptions::new().keepalive(given, given, 127), kind);
        assert!(sockopt::socket_keepalive(&socket).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&socket).unwrap(), told);
        assert_eq!(sockopt::tcp_keepintvl(&socket).unwrap(), told);
        assert_eq!(sockopt::tcp_keepcnt(&socket).unwrap(), 127);
    }
}

#[test]
fn milliseconds_of_the_user_timeout_are_whole_and_no_more_than_the_system_takes() {
    let cases = [
        (Duration::from_nanos(1), 1),
        (Duration::from_millis(1_500), 1_500),
        (Duration::from_micros(1_001), 2),
        (Duration::MAX, 0x7fff_ffff),
    ];
    for (given, told) in cases {
        let socket = with(&SocketOptions::new().user_timeout(given), TCP[0]);
        assert_eq!(sockopt::tcp_user_timeout(socket).unwrap(), told, "{given:?}");
    }
}

#[test]
fn a_dead_peers_timeout_is_both_and_the_probes_end_when_it_does() {
    let socket = with(&SocketOptions::new().dead_peer_timeout(Duration::from_secs(40)), TCP[0]);
    let [idle, interval] = [sockopt::tcp_keepidle, sockopt::tcp_keepintvl]
        .map(|time| time(&socket).unwrap().as_secs());
    let count = u64::from(sockopt::tcp_keepcnt(&socket).unwrap());
    assert_eq!((idle, interval, idle + interval * count), (20, 5, 40));
    assert!(sockopt::socket_keepalive(&socket).unwrap());
    assert_eq!(sockopt::tcp_user_timeout(&socket).unwrap(), 40_000);

    for (after, millis) in [(Duration::from_millis(1), 1), (Duration::MAX, 0x7fff_ffff)] {
        let socket = with(&SocketOptions::new().dead_peer_timeout(after), TCP[0]);
        assert_eq!(sockopt::tcp_user_timeout(socket).unwrap(), millis);
    }
}

#[test]
fn a_connection_whose_peer_is_gone_ends_when_it_is_idle() {
    dies_of_its_peer(|_| ());
}

#[test]
fn a_connection_whose_peer_is_gone_ends_when_it_has_data_on_its_way() {
    dies_of_its_peer(|mut stream| stream.write_all(b"anybody there?").unwrap());
}

fn dies_of_its_peer(act: impl FnOnce(&TcpStream)) {
    let options = SocketOptions::new().dead_peer_timeout(Duration::from_secs(1));
    let (stream, peer) = connected(&options);
    // A program for the system's packet filter: return zero, drop everything. Some systems let only the
    // privileged have one on TCP, and nothing else leaves a peer both open and silent.
    let drop_all = SockFilter::new(0x06, 0, 0, 0);
    if let Err(error) = SockRef::from(&peer).attach_filter(&[drop_all]) {
        assert_eq!(error.raw_os_error(), Some(EPERM));
        return;
    }
    act(&stream);
    // A bug is a failed test, not one that hangs.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let error = (&stream).read(&mut [0]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(ETIMEDOUT));
}

#[test]
fn a_buffer_has_twice_its_size_up_to_the_systems_limit() {
    let sized = |bytes, kind| {
        let socket = with(&SocketOptions::new().receive_buffer(bytes).send_buffer(bytes), kind);
        let receive = sockopt::socket_recv_buffer_size(&socket).unwrap();
        [receive, sockopt::socket_send_buffer_size(&socket).unwrap()]
    };
    for kind in TCP.into_iter().chain(UDP) {
        assert_eq!(sized(20_000, kind), [40_000; 2]);
        assert!(sized(usize::MAX, kind).iter().all(|size| *size >= 40_000));
        assert!(sized(0, kind).iter().all(|size| *size > 0));
    }
    for kind in UNIX {
        let socket = with(&SocketOptions::new().send_buffer(20_000), kind);
        assert_eq!(sockopt::socket_send_buffer_size(socket).unwrap(), 40_000);
    }
}

#[test]
fn what_ip_has_is_set_for_both_of_its_families() {
    let options = SocketOptions::new().traffic_class(46 << 2).hop_limit(33).reuse_port();
    for kind in TCP.into_iter().chain(UDP) {
        let socket = with(&options, kind);
        assert_eq!(sockopt::ip_tos(&socket).unwrap(), 46 << 2);
        assert_eq!(sockopt::ip_ttl(&socket).unwrap(), 33);
        assert!(sockopt::socket_reuseport(&socket).unwrap());
        if kind.0 == Domain::Inet6 {
            assert_eq!(sockopt::ipv6_tclass(&socket).unwrap(), 46 << 2);
            assert_eq!(sockopt::ipv6_unicast_hops(&socket).unwrap(), 33);
        }
    }
}

#[test]
fn datagrams_may_be_broadcast() {
    for kind in UDP {
        let socket = with(&SocketOptions::new().broadcast(), kind);
        assert!(sockopt::socket_broadcast(&socket).unwrap());
    }
}

#[test]
fn a_device_is_one_there_is() {
    for kind in TCP.into_iter().chain(UDP) {
        let socket = with(&SocketOptions::new().device("lo"), kind);
        let device = SockRef::from(&socket).device().unwrap();
        assert_eq!(device.as_deref(), Some(&b"lo"[..]));
    }
    // The system itself would take each of them for another name, but the first.
    for name in ["nosuch0", "", "lo\0", "a_name_of_16_byt", &"x".repeat(1000)] {
        let refused = refusal(&SocketOptions::new().device(name), TCP[0]);
        assert_eq!(refused, Some(("SO_BINDTODEVICE", ENODEV)), "{name:?}");
    }
}

#[test]
fn a_mark_is_set_or_the_privilege_is_missing() {
    let socket = made(UDP[0]);
    match apply(&SocketOptions::new().mark(7), &socket, UDP[0]) {
        None => assert_eq!(SockRef::from(&socket).mark().unwrap(), 7),
        Some(refused) => assert_eq!(refused, ("SO_MARK", EPERM)),
    }
}

#[test]
fn zero_of_what_zero_makes_no_sense_of_is_refused() {
    let (zero, second) = (Duration::ZERO, Duration::from_secs(1));
    let cases = [
        (SocketOptions::new().keepalive(zero, second, 1), "TCP_KEEPIDLE"),
        (SocketOptions::new().keepalive(second, zero, 1), "TCP_KEEPINTVL"),
        (SocketOptions::new().keepalive(second, second, 0), "TCP_KEEPCNT"),
        (SocketOptions::new().keepalive(second, second, 128), "TCP_KEEPCNT"),
        (SocketOptions::new().user_timeout(zero), "TCP_USER_TIMEOUT"),
        (SocketOptions::new().dead_peer_timeout(zero), "TCP_KEEPIDLE"),
        (SocketOptions::new().hop_limit(0), "IP_TTL"),
    ];
    for (options, name) in cases {
        for kind in TCP {
            assert_eq!(refusal(&options, kind), Some((name, EINVAL)), "{options:?}");
        }
    }
}

#[test]
fn an_option_that_sockets_of_a_kind_do_not_have_is_refused_by_its_name() {
    let second = Duration::from_secs(1);
    let of_tcp = [
        (SocketOptions::new().nagle(), "TCP_NODELAY"),
        (SocketOptions::new().keepalive(second, second, 1), "SO_KEEPALIVE"),
        (SocketOptions::new().user_timeout(second), "TCP_USER_TIMEOUT"),
        (SocketOptions::new().dead_peer_timeout(second), "SO_KEEPALIVE"),
    ];
    refuse(&of_tcp, &UDP);
    refuse(&of_tcp, &UNIX);
    refuse(&of_tcp, &[VSOCK]);
    let of_ip = [
        (SocketOptions::new().receive_buffer(20_000), "SO_RCVBUF"),
        (SocketOptions::new().traffic_class(0), "IP_TOS"),
        (SocketOptions::new().hop_limit(1), "IP_TTL"),
        (SocketOptions::new().mark(0), "SO_MARK"),
        (SocketOptions::new().device("lo"), "SO_BINDTODEVICE"),
        (SocketOptions::new().reuse_port(), "SO_REUSEPORT"),
    ];
    refuse(&of_ip, &UNIX);
    refuse(&of_ip, &[VSOCK]);
    let of_datagrams = [(SocketOptions::new().broadcast(), "SO_BROADCAST")];
    refuse(&of_datagrams, &TCP);
    refuse(&of_datagrams, &UNIX);
    refuse(&[(SocketOptions::new().send_buffer(20_000), "SO_SNDBUF")], &[VSOCK]);
}

#[test]
fn what_is_accepted_has_the_options_of_its_listener() {
    let second = Duration::from_secs(1);
    let options = SocketOptions::new()
        .keepalive(second * 3, second * 2, 5)
        .user_timeout(second * 9)
        .receive_buffer(20_000)
        .send_buffer(30_000)
        .traffic_class(46 << 2)
        .hop_limit(33)
        .device("lo");
    for (kind, local) in TCP
        .into_iter()
        .zip([Address::from((Ipv4Addr::LOCALHOST, 0)), Address::from((Ipv6Addr::LOCALHOST, 0))])
    {
        let [listener, accepted] = accepted(&options, kind, &local).map(|socket| told(&socket));
        assert_eq!(accepted, listener, "{kind:?}");
        assert_eq!((listener.user_timeout, listener.nodelay), (9_000, true));
    }
}

#[test]
fn a_buffer_of_unix_sockets_is_set_on_what_is_accepted_too() {
    let options = SocketOptions::new().send_buffer(30_000);
    for kind in [UNIX[0], UNIX[1]] {
        let name = format!("@wheels options {} {}", std::process::id(), kind.1);
        let sockets = accepted(&options, kind, &UnixAddress::from(&name).into());
        for socket in sockets {
            assert_eq!(sockopt::socket_send_buffer_size(socket).unwrap(), 60_000);
        }
    }
}

/// A listener with these options and what it accepts.
fn accepted(options: &SocketOptions, kind: (Domain, SocketType), local: &Address) -> [OwnedFd; 2] {
    let (listener, client) = (with(options, kind), made(kind));
    sys::bind(&listener, local).unwrap();
    sys::listen(&listener, 1).unwrap();
    SockRef::from(&client).set_nonblocking(false).unwrap();
    sys::connect(&client, &sys::local_addr(&listener).unwrap()).unwrap();
    let (socket, _) = sys::accept(&listener).unwrap();
    options.apply_accepted(&socket, &Row::find(kind.0, kind.1).unwrap()).unwrap();
    [listener, socket]
}

#[derive(PartialEq, Eq, Debug)]
struct Told {
    nodelay: bool,
    keepalive: (bool, Duration, Duration, u32),
    user_timeout: u32,
    buffers: [usize; 2],
    ip: (u8, u32),
    device: Option<Vec<u8>>,
}

fn told(socket: &OwnedFd) -> Told {
    Told {
        nodelay: sockopt::tcp_nodelay(socket).unwrap(),
        keepalive: (
            sockopt::socket_keepalive(socket).unwrap(),
            sockopt::tcp_keepidle(socket).unwrap(),
            sockopt::tcp_keepintvl(socket).unwrap(),
            sockopt::tcp_keepcnt(socket).unwrap(),
        ),
        user_timeout: sockopt::tcp_user_timeout(socket).unwrap(),
        buffers: [
            sockopt::socket_recv_buffer_size(socket).unwrap(),
            sockopt::socket_send_buffer_size(socket).unwrap(),
        ],
        ip: (sockopt::ip_tos(socket).unwrap(), sockopt::ip_ttl(socket).unwrap()),
        device: SockRef::from(socket).device().unwrap(),
    }
}

fn refuse(cases: &[(SocketOptions, &'static str)], kinds: &[(Domain, SocketType)]) {
    for (options, name) in cases {
        for kind in kinds {
            assert_eq!(refusal(options, *kind), Some((*name, EOPNOTSUPP)), "{kind:?}");
        }
    }
}

/// A connection with these options, and its other end.
fn connected(options: &SocketOptions) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let socket = with(options, TCP[0]);
    SockRef::from(&socket).set_nonblocking(false).unwrap();
    sys::connect(&socket, &listener.local_addr().unwrap().into()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    (socket.into(), peer)
}

/// A socket of that kind with these options.
fn with(options: &SocketOptions, kind: (Domain, SocketType)) -> OwnedFd {
    let socket = made(kind);
    assert_eq!(apply(options, &socket, kind), None, "{options:?} {kind:?}");
    socket
}

fn refusal(options: &SocketOptions, kind: (Domain, SocketType)) -> Option<(&'static str, i32)> {
    let instead = if kind == VSOCK { UNIX[0] } else { kind };
    apply(options, &made(instead), kind)
}

fn apply(
    options: &SocketOptions,
    socket: &OwnedFd,
    (domain, kind): (Domain, SocketType),
) -> Option<(&'static str, i32)> {
    let row = Row::find(domain, kind).unwrap();
    let refused = options.apply(socket, &row).err()?;
    Some((refused.0, io::Error::raw_os_error(&refused.1).unwrap()))
}

fn made((domain, kind): (Domain, SocketType)) -> OwnedFd {
    sys::socket(domain, kind, None).unwrap()
}
