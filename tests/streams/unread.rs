//! What has come and is not delivered yet, as a session may ask.

use std::io::Write;

use testkit::net;
use wheels::ReadWrite;
use wheels::filter::{Block, Line};

use crate::support::{Heard, Rig, await_input, item, pair, wide_pair};

/// A session that notes, at each item, whether more is there and whether more may be.
macro_rules! asking {
    ($builder:expr) => {{
        let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let place = std::rc::Rc::clone(&asked);
        let rig = Rig::new($builder).react(move |host, cx, heard| {
            if matches!(heard, Heard::Item(_)) {
                let stream = host.stream();
                place.borrow_mut().push((stream.has_unread(cx), stream.is_reading(cx)));
            }
        });
        (rig, asked)
    }};
}

#[test]
fn records_that_came_together_are_unread_until_the_last() {
    let (ours, mut peer) = pair();
    let (mut rig, asked) = asking!(ReadWrite::builder(ours).filter(Line::new()));
    assert!(!rig.act(|host, cx| host.stream().has_unread(cx)));
    peer.write_all(b"one\ntwo\nthree\n").expect("write");
    rig.hear(3);
    assert_eq!(*asked.borrow(), [(true, false), (true, false), (false, false)]);
    rig.turn();
    assert!(!rig.act(|host, cx| host.stream().is_reading(cx)));
}

#[test]
fn half_a_record_is_unread_until_it_is_whole() {
    let (ours, mut peer) = pair();
    let (mut rig, asked) = asking!(ReadWrite::builder(ours).filter(Line::new()));
    peer.write_all(b"half").expect("write");
    rig.notice();
    let has_unread = |rig: &mut Rig<Line>| rig.act(|host, cx| host.stream().has_unread(cx));
    assert!(has_unread(&mut rig));
    peer.write_all(b" and half\n").expect("write");
    assert_eq!(rig.hear(1), [item("half and half")]);
    assert_eq!(*asked.borrow(), [(false, false)]);
    assert!(!has_unread(&mut rig));
}

#[test]
fn records_that_wait_for_the_end_of_a_pause_are_unread() {
    let (ours, mut peer) = pair();
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, heard| {
            if *heard == item("one") {
                host.stream().pause_input(cx);
            }
        });
    peer.write_all(b"one\ntwo\n").expect("write");
    rig.hear(1);
    rig.turns(3);
    assert!(rig.act(|host, cx| host.stream().has_unread(cx)));
    rig.act(|host, cx| host.stream().resume_input(cx));
    rig.hear(2);
    assert!(!rig.act(|host, cx| host.stream().has_unread(cx)));
}

#[test]
fn a_stream_that_had_its_share_of_the_turn_is_still_reading() {
    let (ours, mut peer) = wide_pair();
    send_two_shares(&mut peer);
    await_input(&ours);
    // Records that end where the share does: nothing is unread, and more is there.
    let (mut rig, asked) = asking!(ReadWrite::builder(ours).filter(Block::fixed(64)));
    rig.turn();
    let first = asked.borrow().len();
    assert!(first < 2048, "{first} records");
    let (unread, reading) =
        rig.act(|host, cx| (host.stream().has_unread(cx), host.stream().is_reading(cx)));
    assert_eq!((unread, reading), (false, true));
    net::run_until(&mut rig.kernel, "all of them", || asked.borrow().len() == 2048);
    rig.turn();
    assert!(!rig.act(|host, cx| host.stream().is_reading(cx)));
}

/// In records of 64 bytes.
fn send_two_shares(peer: &mut std::net::TcpStream) {
    peer.write_all(&[b'x'; 128 * 1024]).expect("write");
}
