//! What only a network can do, in one of the test's own: packets are dropped or looked at, names of
//! services are free, and nobody is in the way.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use wheels::{Address, Operation, SocketFactory, SocketFactoryBuilder, SocketOptions, SocketType};

use crate::program::{self, Program};
use crate::session::{End, Manner};

const EPERM: i32 = 1;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const ENETUNREACH: i32 = 101;
const ETIMEDOUT: i32 = 110;
const EHOSTUNREACH: i32 = 113;

/// The first interface of every network.
const LOOPBACK: u32 = 1;

/// Runs a test on a thread whose network is its own: a loopback, and what `changes` add to it. The network
/// goes with the thread and the programs it started.
fn alone(changes: &'static [&'static [&'static str]], test: fn()) {
    let thread = thread::spawn(move || match enter(changes) {
        Ok(()) => test(),
        Err(error) => {
            // Past the harness, which keeps what a test that passes prints to itself.
            let _told = writeln!(io::stderr(), "SKIPPED, it may have no such network: {error}");
        }
    });
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn enter(changes: &[&[&str]]) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    for change in [UP].iter().chain(changes) {
        let done = Command::new(change[0]).args(&change[1..]).output()?;
        if !done.status.success() {
            let noted = String::from_utf8_lossy(&done.stderr);
            return Err(io::Error::other(format!("{}: {noted}", change.join(" "))));
        }
    }
    Ok(())
}

const UP: &[&str] = &["ip", "link", "set", "lo", "up"];

/// A link-local address. Nobody else is asked whether he has it.
const LINK_LOCAL: &[&str] = &["ip", "-6", "address", "add", "fe80::1/64", "dev", "lo", "nodad"];

/// Packets to ports 9 and 10 are dropped and rejected; to port 11 come those that are marked, of voice, and
/// allowed three hops.
const FILTERS: &[&str] = &[
    "nft",
    "add table inet t; add chain inet t in { type filter hook input priority 0; };
    add rule inet t in tcp dport 9 drop;
    add rule inet t in tcp dport 10 reject with icmpx admin-prohibited;
    add rule inet t in ip daddr 127.0.0.1 tcp dport 11 meta mark 7 ip dscp ef ip ttl 3 accept;
    add rule inet t in ip6 daddr ::1 tcp dport 11 meta mark 7 ip6 dscp ef ip6 hoplimit 3 accept;
    add rule inet t in tcp dport 11 drop",
];

fn loopbacks() -> [IpAddr; 2] {
    [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
}

fn within(milliseconds: u64, builder: SocketFactoryBuilder) -> SocketFactoryBuilder {
    builder.connect_timeout(Duration::from_millis(milliseconds))
}

#[test]
fn a_port_that_is_filtered_is_one_failure_each_in_the_order_of_their_times() {
    alone(&[FILTERS], || {
        for ip in loopbacks() {
            let mut end = End::new(Manner::Listen);
            for milliseconds in [300, 100, 200] {
                end.build(within(milliseconds, SocketFactory::connect((ip, 9))));
            }
            end.run_until_told("three failures", |told| told.failures.len() == 3);
            assert_eq!(end.failures(), [(Operation::Connect, ETIMEDOUT); 3]);
            let told: Vec<_> =
                end.told.borrow().failures.iter().map(|failure| failure.wheel).collect();
            let by_time =
                end.act(|host, _| [1, 2, 0].map(|place| host.factories[place].id()).to_vec());
            assert_eq!(told, by_time);
            // Whatever still comes of it is for nobody.
            for _ in 0..20 {
                end.kernel.run_one_turn(Duration::from_millis(5)).unwrap();
            }
            assert_eq!((end.failures().len(), end.told.borrow().peers.len()), (3, 0));
            end.end();
        }
    });
}

#[test]
fn a_port_that_is_forbidden_is_told_at_once() {
    alone(&[FILTERS], || {
        let mut end = End::new(Manner::Listen);
        end.build(SocketFactory::connect("127.0.0.1:10"));
        assert_eq!(end.run_until_failed(), (Operation::Connect, EHOSTUNREACH));
        end.end();
    });
}

#[test]
fn a_network_that_no_way_leads_to_is_told_at_once() {
    alone(&[], || {
        for far in ["192.0.2.1:80", "[2001:db8::1]:80"] {
            for kind in [SocketType::Stream, SocketType::Dgram] {
                let mut end = End::new(Manner::Listen);
                end.build(SocketFactory::connect(far).socket_type(kind));
                assert_eq!(end.run_until_failed(), (Operation::Connect, ENETUNREACH), "{far}");
                end.end();
            }
        }
    });
}

#[test]
fn a_network_that_is_closed_says_so() {
    const CLOSED: &[&str] = &["ip", "route", "add", "unreachable", "203.0.113.0/24"];
    const HOLE: &[&str] = &["ip", "route", "add", "blackhole", "198.51.100.0/24"];
    alone(&[CLOSED, HOLE], || {
        // Linux says of a black hole that there is none such.
        for (far, errnum) in [("203.0.113.1:80", EHOSTUNREACH), ("198.51.100.1:80", EINVAL)] {
            let mut end = End::new(Manner::Listen);
            end.build(SocketFactory::connect(far));
            assert_eq!(end.run_until_failed(), (Operation::Connect, errnum), "{far}");
            end.end();
        }
    });
}

#[test]
fn a_link_local_address_goes_with_its_link() {
    alone(&[LINK_LOCAL], || {
        let ip = "fe80::1".parse().unwrap();
        // By the number of the link, and by its name, which the system knows.
        let (mut server, place) = End::echo(SocketFactory::listen("[fe80::1%1]:0"));
        let port = u16::try_from(place.port().unwrap()).unwrap();
        assert_eq!(place, Address::Ip(SocketAddrV6::new(ip, port, 0, LOOPBACK).into()));

        let mut client = Program::start("nc", &["-N", "-6", "fe80::1%lo", &port.to_string()]);
        client.say(b"hello");
        assert_eq!(client.run_until_said(&mut server.kernel, 5), b"hello");
        client.finish(&mut server.kernel);
        let peer = server.told.borrow().peers[0].as_ip();
        assert!(matches!(peer, Some(SocketAddr::V6(peer)) if peer.scope_id() == LOOPBACK));
        server.end();

        let script = "
listener.close()
listener = socket.socket(socket.AF_INET6)
listener.bind(('fe80::1', 0, 0, 1))
listener.listen()
say(listener.getsockname()[1])
for _ in range(3):
    say(listener.accept()[1][3])
";
        let mut end = End::new(Manner::Listen);
        let mut server = program::python_server("INET6", "STREAM", "", script);
        let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
        end.build(SocketFactory::connect(("fe80::1%1", port)));
        end.build(SocketFactory::connect(("fe80::1%lo", port)));
        end.build(SocketFactory::connect(SocketAddrV6::new(ip, port, 0, LOOPBACK)));
        end.run_until_told("connections", |told| told.peers.len() == 3);
        let said = String::from_utf8(server.finish(&mut end.kernel)).unwrap();
        assert_eq!(said, format!("{port}\n1\n1\n1\n"));
        assert_eq!(end.failures(), []);

        end.build(SocketFactory::connect(("fe80::1", port)));
        assert_eq!(end.run_until_failed(), (Operation::Connect, EINVAL), "which link?");
        end.end();
    });
}

#[test]
fn ports_have_the_names_that_the_machine_has_for_them() {
    alone(&[], || {
        let (mut end, place) =
            End::echo(SocketFactory::builder().bind_address("127.0.0.1").bind_port("http-alt"));
        assert_eq!(place, Address::from(([127, 0, 0, 1], 8080)));
        let mut client = Program::start("socat", &["-t60", "-", "TCP4:127.0.0.1:http-alt"]);
        client.say(b"hello");
        assert_eq!(client.run_until_said(&mut end.kernel, 5), b"hello");
        client.finish(&mut end.kernel);
        end.end();

        let mut end = End::new(Manner::Speak(b"hello".into()));
        let mut server = Program::start("socat", &["-dd", "-t60", "TCP6-LISTEN:domain", "PIPE"]);
        assert_eq!(server.run_until_up(&mut end.kernel), Some(53));
        end.build(SocketFactory::connect("[::1]:domain"));
        end.run_until_told("an echo", |told| told.bytes == b"hello");
        end.end();
    });
}

#[test]
fn a_socket_of_one_device_hears_by_it_alone() {
    alone(&[], || {
        let device = |name| SocketOptions::default().device(name);
        let (mut end, place) = End::echo(SocketFactory::listen("0.0.0.0:0").options(device("lo")));
        let at = format!("TCP4:127.0.0.1:{}", place.port().unwrap());
        let mut client = Program::start("socat", &["-t60", "-", &at]);
        client.say(b"hello");
        assert_eq!(client.run_until_said(&mut end.kernel, 5), b"hello");
        client.finish(&mut end.kernel);
        end.end();

        let mut end = End::new(Manner::Listen);
        end.build(SocketFactory::listen("0.0.0.0:0").options(device("none")));
        assert_eq!(end.run_until_failed(), (Operation::SetSockOpt, ENODEV));
        end.end();
    });
}

/// The filter lets in only what has all three.
#[test]
fn marks_and_classes_and_hops_are_on_the_packets() {
    alone(&[FILTERS], || {
        let voice = 46 << 2;
        let all = SocketOptions::default().mark(7).traffic_class(voice).hop_limit(3);
        let none = SocketOptions::default();
        let others = [none.clone(), all.clone().mark(8), all.clone().traffic_class(0)];
        for ip in loopbacks() {
            let (mut server, _) = End::echo(SocketFactory::listen((ip, 11)));
            let connect = |options: &SocketOptions| {
                within(100, SocketFactory::connect((ip, 11))).options(options.clone())
            };
            let mut end = End::new(Manner::Listen);
            for options in &others {
                end.build(connect(options));
            }
            end.build(connect(&all.clone().hop_limit(4)));
            end.run_until_told("failures", |told| told.failures.len() == 4);
            assert_eq!(end.failures(), [(Operation::Connect, ETIMEDOUT); 4]);
            end.build(connect(&all));
            end.run_until_told("a connection", |told| told.peers.len() == 1);
            server.run_until_told("its client", |told| told.peers.len() == 1);
            end.end();
            server.end();
        }
    });
}

#[test]
fn marking_takes_a_privilege() {
    alone(&[], || {
        // The thread's own: it ends with it.
        let mut mine = capabilities(None).expect("capget");
        mine.effective = CapabilitySet::empty();
        set_capabilities(None, mine).expect("capset");
        let mut end = End::new(Manner::Listen);
        end.build(SocketFactory::listen("127.0.0.1:0").options(SocketOptions::default().mark(7)));
        assert_eq!(end.run_until_failed(), (Operation::SetSockOpt, EPERM));
        let errstr = end.told.borrow().failures[0].errstr.clone();
        assert_eq!(errstr, "SO_MARK: Operation not permitted");
        end.end();
    });
}

#[test]
fn a_listener_everywhere_is_one_of_ipv4_where_there_is_no_ipv6() {
    const NO_IPV6: &[&str] = &["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"];
    alone(&[NO_IPV6], || {
        let (mut end, place) = End::echo(SocketFactory::listen_everywhere(0));
        let at = format!("TCP4:127.0.0.1:{}", place.port().unwrap());
        let mut client = Program::start("socat", &["-t60", "-", &at]);
        client.say(b"hello");
        assert_eq!(client.run_until_said(&mut end.kernel, 5), b"hello");
        client.finish(&mut end.kernel);
        end.end();
    });
}
