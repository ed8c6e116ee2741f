//! Paused: nothing is told, nothing is lost, and nobody is woken.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use reactor::Clock;
use testkit::net::{self, Peer};
use wheels::filter::{Line, Stream};
use wheels::{Operation, ReadWrite};

use crate::data::noise;
use crate::support::{
    END, HIGH, Heard, LOW, Rig, half_close, item, items, narrow_pair, pair, wide_pair,
};

const EPIPE: i32 = 32;
const ECONNRESET: i32 = 104;

/// Turns of a kernel that waits for a while: as few as there is to do.
fn turns_while_it_waits(rig: &mut Rig<Stream>) -> u64 {
    let before = rig.kernel.stats();
    rig.act(|_, cx| cx.delay("word", Duration::from_millis(100), "over"));
    rig.until("the timer", |heard| heard.contains(&Heard::Word("over")));
    // The loop of `until` wakes by itself every 5 ms; a wheel that spins does without pause.
    rig.kernel.stats().turns - before.turns
}

#[test]
fn p29_a_peer_that_breaks_while_paused_wakes_nobody_and_is_told_after_its_last_words() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    rig.notice();
    peer.write_all(b"last words").expect("write");
    rig.notice();
    net::reset(peer);
    rig.notice();
    rig.turns(3);
    let before = rig.kernel.stats();
    let turns = turns_while_it_waits(&mut rig);
    let after = rig.kernel.stats();
    assert_eq!(after.notices, before.notices);
    assert!(turns < 50, "{turns} turns");
    assert_eq!(rig.take_heard(), [Heard::Word("over")]);
    rig.act(|host, cx| host.stream().resume_input(cx));
    let told = rig.end();
    let failed = Heard::Failed(Operation::Read, ECONNRESET, 0);
    assert_eq!(told, [item("last words"), failed, Heard::Stopped]);
}

#[test]
fn p29_a_peer_that_ends_while_paused_wakes_nobody_and_is_told_afterwards() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    rig.notice();
    peer.write_all(b"last words").expect("write");
    drop(peer);
    rig.notice();
    rig.turns(3);
    let turns = turns_while_it_waits(&mut rig);
    assert!(turns < 50, "{turns} turns");
    assert_eq!(rig.take_heard(), [Heard::Word("over")]);
    rig.act(|host, cx| host.stream().resume_input(cx));
    assert_eq!(rig.end(), [item("last words"), END, Heard::Stopped]);
}

#[test]
fn an_idle_stream_costs_no_turns() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    peer.write_all(b"hello").expect("write");
    half_close(&peer);
    // Kept alive by what it has to send.
    rig.act(|host, cx| drop(host.put(cx, noise(15 << 20))));
    rig.until("the end", |heard| heard.contains(&END));
    rig.take_heard();
    rig.turns(3);
    let turns = turns_while_it_waits(&mut rig);
    assert!(turns < 50, "{turns} turns");
    assert!(rig.is_alive());
}

#[test]
fn p30_p72_what_arrives_while_paused_is_delivered_without_a_new_packet() {
    const ALL: usize = 100_000;
    let (ours, mut peer) = wide_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    rig.notice();
    peer.write_all(&noise(ALL)).expect("write");
    rig.notice();
    rig.turns(5);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.stream().resume_input(cx));
    rig.until("all of it", |heard| items(heard).concat().len() == ALL);
    assert!(items(&rig.heard()).concat() == noise(ALL));
}

#[test]
fn p72_a_mebibyte_that_arrives_while_paused_is_delivered() {
    const ALL: usize = 1 << 20;
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| host.stream().pause_input(cx));
    let client = Peer::play(move || {
        peer.write_all(&noise(ALL)).expect("write");
        half_close(&peer);
        peer
    });
    rig.notice();
    rig.turns(50);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.stream().resume_input(cx));
    rig.until("the end", |heard| heard.contains(&END));
    let _peer = client.join();
    assert!(items(&rig.heard()).concat() == noise(ALL));
}

/// Half of what was read is told, the rest stays with the stream.
#[test]
fn a_pause_holds_back_what_was_read_already() {
    let (ours, mut peer) = pair();
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, heard| {
            if *heard == item("two") {
                host.stream().pause_input(cx);
            }
        });
    peer.write_all(b"one\ntwo\nthree\nfour\nrest").expect("write");
    rig.hear(2);
    rig.turns(5);
    assert_eq!(rig.heard(), ["one", "two"].map(item));
    peer.write_all(b" of it\n").expect("write");
    rig.notice();
    rig.turns(5);
    assert_eq!(rig.heard(), ["one", "two"].map(item));
    rig.act(|host, cx| host.stream().resume_input(cx));
    assert_eq!(rig.hear(5), ["one", "two", "three", "four", "rest of it"].map(item));
}

#[test]
fn a_session_that_pauses_after_each_item_and_goes_on_by_a_yield_gets_all_in_order() {
    one_at_a_time(&Clock::system(), |cx| cx.yield_("word", "go on"));
}

#[test]
fn a_session_that_pauses_after_each_item_and_goes_on_by_a_timer_gets_all_in_order() {
    one_at_a_time(&Clock::virtual_time(), |cx| {
        cx.delay("word", Duration::from_micros(10), "go on");
    });
}

fn one_at_a_time(clock: &Clock, go_on: fn(&mut reactor::Context<'_>)) {
    const LINES: usize = 30_000;
    let lines: Vec<_> = (0..LINES).map(|number| format!("line {number}")).collect();
    let (ours, mut peer) = pair();
    let text = lines.join("\n");
    let client = Peer::play(move || peer.write_all(text.as_bytes()).expect("write"));
    let builder = ReadWrite::builder(ours).filter(Line::literal(b"\n"));
    let paused = Rc::new(Cell::new(false));
    let rig = Rig::timed(clock, builder).react(move |host, cx, heard| match heard {
        Heard::Item(_) => {
            assert!(!paused.replace(true), "told while paused");
            host.stream().pause_input(cx);
            go_on(cx);
        }
        Heard::Word(_) => {
            paused.set(false);
            host.stream().resume_input(cx);
        }
        _ => assert!(!paused.get(), "told while paused"),
    });
    let told = rig.end();
    client.join();
    assert!(items(&told) == lines, "other lines than were sent");
}

#[test]
fn the_last_record_and_the_end_wait_until_it_goes_on() {
    let (ours, mut peer) = pair();
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, heard| {
            if matches!(heard, Heard::Item(_)) {
                host.stream().pause_input(cx);
            }
        });
    peer.write_all(b"one\nlast").expect("write");
    drop(peer);
    let whole = [item("one"), item("last"), END];
    for count in 1..=2 {
        rig.hear(count);
        rig.turns(5);
        assert_eq!(rig.heard(), whole[..count]);
        rig.act(|host, cx| host.stream().resume_input(cx));
    }
    assert_eq!(rig.end()[..3], whole);
}

#[test]
fn pausing_and_going_on_in_one_handler_changes_nothing() {
    let (ours, mut peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, _| {
        if host.holds() {
            host.stream().pause_input(cx);
            host.stream().pause_input(cx);
            host.stream().resume_input(cx);
        }
    });
    peer.write_all(b"one\ntwo\nthree\n").expect("write");
    drop(peer);
    let lines = ["one", "two", "three"].map(item);
    assert_eq!(rig.end(), lines.into_iter().chain([END, Heard::Stopped]).collect::<Vec<_>>());
}

/// Or whoever waits for the low mark would wait for ever.
#[test]
fn a_write_that_fails_while_paused_is_told_at_once() {
    let (ours, mut peer) = narrow_pair();
    let builder = ReadWrite::builder(ours).high_mark(1, &HIGH).low_mark(0, &LOW);
    let mut rig = Rig::new(builder);
    peer.write_all(b"unread").expect("write");
    rig.act(|host, cx| {
        host.stream().pause_input(cx);
        let _put = host.put(cx, noise(1 << 20));
    });
    rig.notice();
    assert_eq!(rig.heard(), [Heard::High]);
    net::reset(peer);
    let told = rig.hear(2);
    assert!(
        matches!(told[1], Heard::Failed(Operation::Write, EPIPE | ECONNRESET, unsent) if unsent > 0),
        "{told:?}"
    );
    rig.act(|host, cx| host.stream().resume_input(cx));
    assert_eq!(rig.hear(3)[2], item("unread"));
}

#[test]
fn output_goes_on_while_input_is_paused() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        host.stream().pause_input(cx);
        let _put = host.put(cx, noise(1 << 20));
    });
    assert!(rig.read_meanwhile(&mut peer, 1 << 20) == noise(1 << 20));
}
