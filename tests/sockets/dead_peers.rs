//! Peers that are gone without a word: their end takes no packet any more, and so confirms none.

use std::io::Write;
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use testkit::net;
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{Operation, SocketFactory, SocketOptions};

const ETIMEDOUT: i32 = 110;
const SECOND: Duration = Duration::from_secs(1);

/// Nothing comes to it any more, and it does not know.
fn go_deaf<'a>(socket: impl Into<SockRef<'a>>) {
    // A program of one instruction: of each packet, no byte is kept (BPF_RET).
    socket.into().attach_filter(&[SockFilter::new(6, 0, 0, 0)]).expect("SO_ATTACH_FILTER");
}

/// A stream whose peer has gone deaf is told to be broken, whether or not something is sent.
fn gives_up(options: &SocketOptions, speaks: bool) {
    let (mut rig, addr) =
        Rig::listening(SocketFactory::builder().bind_address("127.0.0.1").options(options.clone()));
    let peer = net::connect(addr);
    rig.run_until_established(1);
    go_deaf(&peer);
    rig.act(move |host, cx| {
        let id = host.stream(cx);
        if speaks {
            host.streams[&id].put(cx, "are you there?");
        }
    });
    rig.run_until("the failure", |heard| heard.len() == 2);
    assert_eq!(cause(&rig.failures()[0]), (Operation::Read, ETIMEDOUT));

    // Who comes then is served as ever.
    let _other = net::connect(addr);
    rig.run_until_established(2);
}

#[test]
fn p42_a_silent_peer_that_is_gone_is_asked_and_given_up() {
    gives_up(&SocketOptions::new().keepalive(SECOND, SECOND, 1), false);
}

#[test]
fn p42_a_peer_that_confirms_nothing_is_given_up() {
    gives_up(&SocketOptions::new().user_timeout(SECOND / 2), true);
}

#[test]
fn p42_one_option_is_for_both() {
    let options = SocketOptions::new().dead_peer_timeout(SECOND);
    gives_up(&options, false);
    gives_up(&options, true);
}

#[test]
fn p42_a_server_that_is_gone_is_given_up_by_its_client() {
    let (listener, addr) = net::listener();
    let options = SocketOptions::new().dead_peer_timeout(SECOND);
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, SocketFactory::connect(addr).options(options));
    });
    rig.run_until_established(1);
    let server = net::accept(&listener);
    go_deaf(&server);
    rig.act(|host, cx| host.stream(cx));
    rig.run_until("the failure", |heard| matches!(heard.last(), Some(Heard::Failed(_))));
    assert_eq!(cause(&rig.failures()[0]), (Operation::Read, ETIMEDOUT));
}

#[test]
fn p42_who_is_asked_and_answers_is_kept() {
    let options = SocketOptions::new().keepalive(SECOND, SECOND, 1);
    let (mut rig, addr) =
        Rig::listening(SocketFactory::builder().bind_address("127.0.0.1").options(options));
    let mut quiet = net::connect(addr);
    let deaf = net::connect(addr);
    rig.run_until_established(2);
    go_deaf(&deaf);
    rig.act(|host, cx| {
        host.stream(cx);
        host.stream(cx);
    });
    // The one that was asked at the same time and does not answer is the clock.
    rig.run_until("a failure", |heard| heard.len() == 3);
    assert_eq!(rig.failures().len(), 1);
    quiet.write_all(b"still here").expect("write");
    rig.run_until("a word", |heard| heard.len() == 4);
    assert!(matches!(rig.heard().last(), Some(Heard::Came(_))), "{:?}", rig.heard());
}
