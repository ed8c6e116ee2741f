//! Peers that are there no more, and did not say so.

use std::time::Duration;

use wheels::{Operation, SocketFactory, SocketOptions};

use super::{alone, loopbacks};
use crate::program::Program;
use crate::session::End;

const ETIMEDOUT: i32 = 110;

/// A client of a server with these options that has said something, and then is cut off. What the server is
/// told.
fn cut_off(options: &SocketOptions, speak: bool) {
    for (kind, ip) in ["TCP4", "TCP6"].into_iter().zip(loopbacks()) {
        let server = SocketFactory::listen((ip, 9)).options(options.clone());
        let (mut end, _) = End::echo(server);
        let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        let mut client = Program::start("socat", &["-t60", "-", &format!("{kind}:{host}:9")]);
        client.say(b"hello");
        client.run_until_said(&mut end.kernel, 5);
        let scissors =
            "add table inet t; add chain inet t in { type filter hook input priority 0; };
            add rule inet t in tcp dport 9 drop";
        Program::start("nft", &[scissors]).finish(&mut end.kernel);
        if speak {
            end.act(|host, cx| host.streams.values().next().unwrap().put(cx, "are you there?"));
        }
        assert_eq!(end.run_until_failed(), (Operation::Read, ETIMEDOUT));
        Program::start("nft", &["delete table inet t"]).finish(&mut end.kernel);
        // The listener is none the worse for it.
        let mut other = Program::start("socat", &["-t60", "-", &format!("{kind}:{host}:9")]);
        other.say(b"hello");
        other.run_until_said(&mut end.kernel, 5);
        end.end();
    }
}

/// Whether there are filters is seen before the first is needed.
const FILTERS: &[&str] = &["nft", "list ruleset"];

#[test]
fn p42_a_peer_that_is_silent_is_asked_and_then_given_up() {
    alone(&[FILTERS], || {
        let second = Duration::from_secs(1);
        cut_off(&SocketOptions::new().keepalive(second, second, 1), false);
    });
}

#[test]
fn p42_a_peer_that_does_not_confirm_what_was_sent_is_given_up() {
    alone(&[FILTERS], || {
        cut_off(&SocketOptions::new().user_timeout(Duration::from_millis(500)), true);
    });
}

#[test]
fn p42_a_dead_peer_is_given_up_whether_or_not_something_is_sent() {
    alone(&[FILTERS], || {
        let options = SocketOptions::new().dead_peer_timeout(Duration::from_secs(3));
        cut_off(&options, true);
        cut_off(&options, false);
    });
}
