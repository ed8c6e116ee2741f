//! Ways that lead nowhere, or by one link, and what has a name.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV6, TcpListener};

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use wheels::{Address, Operation, SocketFactory, SocketOptions, SocketType};

use super::alone;
use crate::program::{self, Program};
use crate::session::{End, Manner};

const EPERM: i32 = 1;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const EADDRNOTAVAIL: i32 = 99;
const ENETUNREACH: i32 = 101;
const EHOSTUNREACH: i32 = 113;

/// The first interface of every network.
const LOOPBACK: u32 = 1;

/// A link-local address. Nobody else is asked whether he has it.
const LINK_LOCAL: &[&str] = &["ip", "-6", "address", "add", "fe80::1/64", "dev", "lo", "nodad"];

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

/// As on a machine with many connections: IPv4 has hardly a port left, IPv6 has all.
#[test]
fn p54_a_port_that_is_free_in_both_families_is_found_though_few_are() {
    const HUNDRED: &[&str] =
        &["sh", "-c", "echo 40000 40099 >/proc/sys/net/ipv4/ip_local_port_range"];
    alone(&[HUNDRED], || {
        let all = (40000..40100).filter(|port| *port != 40031);
        let taken: Vec<_> =
            all.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap()).collect();
        for _ in 0..10 {
            let (end, place) = End::echo(SocketFactory::listen_everywhere(0));
            assert_eq!(place.port(), Some(40031));
            end.end();
        }
        drop(taken);
    });
}

/// Each connection to one place takes a port of its own; to another place it may be the same.
#[test]
fn p74_who_has_no_port_left_to_a_place_is_told_so_and_reaches_others() {
    const TEN: &[&str] = &["sh", "-c", "echo 40000 40009 >/proc/sys/net/ipv4/ip_local_port_range"];
    alone(&[TEN], || {
        let servers =
            [50_001, 50_002].map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
        let to = |place: usize| SocketFactory::connect(servers[place].local_addr().unwrap());
        let mut end = End::new(Manner::Listen);
        for _ in 0..10 {
            end.build(to(0));
        }
        end.run_until_told("ten connections", |told| told.peers.len() == 10);
        end.build(to(0));
        assert_eq!(end.run_until_failed(), (Operation::Connect, EADDRNOTAVAIL));
        end.build(to(1));
        end.run_until_told("another", |told| told.peers.len() == 11);
        end.end();
    });
}
