//! Packets that do not come through, and those that do.

use std::time::Duration;

use wheels::{Operation, SocketFactory, SocketFactoryBuilder, SocketOptions, SocketType};

use super::{alone, loopbacks};
use crate::program::Program;
use crate::session::{End, Manner};

const EACCES: i32 = 13;
const ETIMEDOUT: i32 = 110;
const EHOSTUNREACH: i32 = 113;

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
            end.build(SocketFactory::connect((ip, 11)).options(all.clone()));
            end.run_until_told("a connection", |told| told.peers.len() == 1);
            server.run_until_told("its client", |told| told.peers.len() == 1);
            end.end();
            server.end();
        }
    });
}

/// The first address of a name does not answer: the next is begun while the first is waited for.
#[test]
fn p53_a_name_is_connected_to_in_the_family_that_answers() {
    const BOTH: &[&str] = &[
        "sh",
        "-c",
        "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt &&
        printf '::1 both.test\n127.0.0.1 both.test\n' >/mnt/hosts &&
        mount --bind /mnt/hosts /etc/hosts",
    ];
    const NOT_V6: &[&str] = &[
        "nft",
        "add table inet t; add chain inet t in { type filter hook input priority 0; };
        add rule inet t in ip6 daddr ::1 tcp dport 12 drop;
        add rule inet t in ip daddr 127.0.0.1 tcp dport 13 drop",
    ];
    alone(&[BOTH, NOT_V6], || {
        for (port, answers) in [(12, "127.0.0.1"), (13, "::1")] {
            let at = format!("TCP{}-LISTEN:{port}", if port == 12 { 4 } else { 6 });
            let mut end = End::new(Manner::Speak(b"hello".into()));
            let mut server = Program::start("socat", &["-dd", "-t60", &at, "PIPE"]);
            server.run_until_up(&mut end.kernel);
            end.build(SocketFactory::connect(("both.test", port)));
            end.run_until_told("an echo", |told| told.bytes == b"hello");
            let peer = end.told.borrow().peers[0].ip().unwrap().to_string();
            assert_eq!((&*peer, end.failures()), (answers, vec![]));
            end.end();
        }
    });
}

/// What is told to a sender of messages closes nothing.
#[test]
fn p23_a_message_that_is_rejected_is_a_failure_and_the_next_goes_its_way() {
    const REJECTED: &[&str] = &[
        "nft",
        "add table inet t; add chain inet t in { type filter hook input priority 0; };
        add rule inet t in udp dport 9 udp length 13 reject with icmpx admin-prohibited",
    ];
    alone(&[REJECTED], || {
        for (family, ip) in ["UDP4", "UDP6"].into_iter().zip(loopbacks()) {
            let mut end = End::new(Manner::Speak(b"hello".into()));
            let at = format!("{family}-LISTEN:9");
            let mut server = Program::start("socat", &["-dd", &at, "PIPE"]);
            server.run_until_up(&mut end.kernel);
            end.build(SocketFactory::connect((ip, 9)).socket_type(SocketType::Dgram));
            let (operation, errnum) = end.run_until_failed();
            assert!(matches!(operation, Operation::Read | Operation::Write), "{operation}");
            assert!([EHOSTUNREACH, EACCES].contains(&errnum), "{errnum}");
            end.act(|host, cx| host.mailboxes.values().next().unwrap().send(cx, "hello, hello"));
            end.run_until_told("an echo", |told| told.messages.len() == 1);
            assert_eq!(end.told.borrow().messages[0].0, b"hello, hello");
            end.end();
        }
    });
}
