//! A peer that does not read costs a bounded amount of memory, and nobody else anything.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reactor::Clock;
use testkit::net::{self, Peer};
use wheels::filter::{Line, Stream};
use wheels::{Operation, Put, ReadWrite};

use crate::data::{Noise, noise};
use crate::support::{
    HIGH, Heard, LOW, Rig, await_input, half_close, items, narrow_pair, pair, still_pair, wide_pair,
};

const ENOBUFS: i32 = 105;

#[test]
fn p14_no_more_is_kept_than_was_allowed_and_one_item() {
    const MOST: usize = 1 << 20;
    const ITEM: usize = 100_000;
    let (ours, _peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).most_unsent(MOST));
    let refused = rig.act(|host, cx| {
        let page = Bytes::from(noise(ITEM));
        for _ in 0..1000 {
            if let Put::Refused(item) = host.put(cx, page.clone()) {
                assert_eq!(host.stream().unsent(cx), 0, "what was unsent is given up");
                return item == page;
            }
            let unsent = host.stream().unsent(cx);
            assert!(unsent < MOST + ITEM, "{unsent}");
        }
        false
    });
    assert!(refused, "it took everything, or gave something else back");
    rig.turns(5);
    let told = rig.take_heard();
    let [Heard::Failed(Operation::OutputLimit, ENOBUFS, unsent)] = told[..] else {
        panic!("{told:?}")
    };
    assert!((MOST..MOST + ITEM).contains(&unsent), "{unsent}");
    let again = rig.act(|host, cx| host.put(cx, "more"));
    assert_eq!(again, Put::Refused("more".into()));
    rig.turns(5);
    assert_eq!(rig.heard(), [], "it failed once");
}

#[test]
fn p14_a_cap_is_on_by_default() {
    let (ours, _peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.act(|host, cx| {
        let page = Bytes::from(noise(1 << 20));
        for _ in 0..18 {
            if matches!(host.put(cx, page.clone()), Put::Refused(_)) {
                return;
            }
        }
        panic!("it keeps more than 17 MiB");
    });
}

/// One handler may put more than is kept, as long as the peer takes it.
#[test]
fn a_peer_that_reads_may_be_sent_more_at_once_than_is_kept() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).most_unsent(1));
    let puts = rig.act(|host, cx| ["one", "two", "three"].map(|word| host.put(cx, word)));
    assert_eq!(puts, [Put::Queued, Put::Queued, Put::Queued]);
    rig.turns(3);
    assert_eq!(net::read_exact(&mut peer, 11), b"onetwothree");
}

#[test]
fn a_cap_of_nothing_still_lets_one_item_at_a_time_leave() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).most_unsent(0));
    assert_eq!(rig.act(|host, cx| host.put(cx, "word")), Put::Queued);
    rig.turns(3);
    assert_eq!(net::read_exact(&mut peer, 4), b"word");
    assert_eq!(rig.heard(), []);
}

/// Its input has no end, so the news may not wait for that.
#[test]
fn p14_a_client_that_floods_and_never_reads_is_found_out() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).most_unsent(1 << 20)).react(
        |host, cx, heard| match heard {
            Heard::Item(bytes) => drop(host.put(cx, bytes.clone())),
            _ => drop(host.wheels.drain()),
        },
    );
    let client = Peer::play(move || {
        let mut noise = Noise::default();
        // Until the connection breaks.
        while peer.write_all(noise.next(100_000)).is_ok() {}
    });
    client.run(&mut rig.kernel);
    let told = rig.end();
    let failures = told.iter().filter(|heard| matches!(heard, Heard::Failed(..)));
    assert_eq!(failures.count(), 1);
}

#[test]
fn p14_that_too_much_is_unsent_is_told_though_more_input_waits() {
    let (ours, mut peer) = wide_pair();
    peer.write_all(&noise(200_000)).expect("write");
    await_input(&ours);
    let builder = ReadWrite::builder(ours).most_unsent(1 << 20);
    let mut rig = Rig::new(builder).react(|host, cx, heard| {
        if let Heard::Item(_) = heard {
            while !matches!(host.put(cx, noise(400_000)), Put::Refused(_)) {}
        }
    });
    rig.turn();
    let told = rig.heard();
    assert!(matches!(told.last(), Some(Heard::Failed(_, ENOBUFS, _))), "{told:?}");
    rig.until("the rest", |heard| items(heard).concat().len() == 200_000);
}

/// A proxy between a source without end and a sink that does not read: the source is held up.
#[test]
fn p14_with_marks_the_source_is_held_up_and_nothing_is_lost() {
    const ALL: usize = 256 << 20;
    const MARK: usize = 256 << 10;
    let ((to_source, mut source), (to_sink, mut sink)) = (pair(), pair());
    let builders = [
        ReadWrite::builder(to_source),
        ReadWrite::builder(to_sink).high_mark(MARK, &HIGH).low_mark(MARK / 4, &LOW),
    ];
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let mut rig = Rig::start(Clock::system(), builders);
    rig.act(|host, _| {
        let mut ids: Vec<_> = host.wheels.keys().copied().collect();
        ids.sort_unstable();
        let (source, sink) = (ids[0], ids[1]);
        host.react(move |host, cx, heard| match heard {
            Heard::Item(bytes) => {
                let _put = host.wheels[&sink].put(cx, bytes.clone());
                seen.fetch_max(host.wheels[&sink].unsent(cx), Ordering::Relaxed);
            }
            Heard::High => host.wheels[&source].pause_input(cx),
            Heard::Low => host.wheels[&source].resume_input(cx),
            Heard::Failed(..) => {
                drop(host.wheels.remove(&source));
                host.wheels.remove(&sink).into_iter().for_each(|sink| sink.shutdown(cx));
            }
            Heard::Flushed | Heard::Word(_) | Heard::Stopped => {}
        });
    });
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let writing = Peer::play(move || {
        let mut noise = Noise::default();
        while noise.at < ALL {
            let bytes = noise.next(100_000.min(ALL - noise.at));
            source.write_all(bytes).expect("write");
            counter.store(noise.at, Ordering::Relaxed);
        }
        half_close(&source);
    });
    // Until the source moves no more.
    let (mut last, mut still) = (0, 0);
    while still < 40 {
        rig.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        let now = sent.load(Ordering::Relaxed);
        still = if now == last && now > 0 { still + 1 } else { 0 };
        last = now;
    }
    assert!(last < ALL / 4, "{last} bytes went into a sink that does not read");
    let reading = Peer::play(move || {
        let mut noise = Noise::default();
        while noise.at < ALL {
            let len = 100_000.min(ALL - noise.at);
            noise.check(&net::read_exact(&mut sink, len));
        }
        assert_eq!(net::read_to_end(&mut sink), net::Ending::Closed(vec![]));
    });
    rig.take_heard();
    while !reading.is_done() {
        rig.kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
        rig.take_heard(); // or it would be all of it
    }
    reading.join();
    writing.join();
    rig.end();
    let most = most.load(Ordering::Relaxed);
    assert!(most <= MARK + (64 << 10), "{most} bytes were unsent");
}

/// A single item goes out from where it is. One that has to wait is copied: it may be little of something long.
#[test]
fn a_short_item_that_has_to_wait_keeps_nothing_alive_but_itself() {
    let (ours, mut peer) = still_pair();
    let filler = ours.as_fd().try_clone_to_owned().expect("dup");
    let mut filler = UnixStream::from(filler);
    let mut filled = 0;
    while let Ok(count) = filler.write(&[b'-'; 1000]) {
        filled += count;
    }
    drop(filler);
    let mut rig = Rig::new(ReadWrite::builder(ours));
    let long = Bytes::from(noise(1 << 20));
    let short = long.slice(1000..1100);
    assert_eq!(rig.act(move |host, cx| host.put(cx, short)), Put::Queued);
    assert!(!long.is_unique(), "it is sent from where it is");
    rig.turn();
    assert_eq!(rig.act(|host, cx| host.stream().unsent(cx)), 100, "the system takes nothing");
    assert!(long.is_unique(), "what waits keeps it alive");
    let mut came = vec![0; filled];
    peer.read_exact(&mut came).expect("read");
    rig.turns(3);
    peer.read_exact(&mut came[..100]).expect("read");
    assert_eq!(came[..100], long[1000..1100]);
}

#[test]
fn what_cannot_be_encoded_comes_to_nothing_else() {
    struct Picky;
    impl wheels::filter::Filter for Picky {
        type Item = Bytes;
        type Out = Bytes;
        fn decode(
            &mut self,
            input: &mut wheels::filter::Input<'_>,
        ) -> Result<Option<Bytes>, wheels::filter::FilterError> {
            Stream.decode(input)
        }
        fn encode(
            &mut self,
            item: Bytes,
            out: &mut wheels::filter::Output,
        ) -> Result<(), wheels::filter::FilterError> {
            if item.is_empty() {
                return Err(wheels::filter::FilterError::TooLong { limit: 0 });
            }
            Line::literal(b"\n").encode(item, out)
        }
    }
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Picky));
    let puts = rig.act(|host, cx| ["a", "", "b"].map(|word| host.put(cx, word)));
    assert!(matches!(puts, [Put::Queued, Put::Unencodable(_), Put::Queued]), "{puts:?}");
    rig.turns(3);
    assert_eq!(net::read_exact(&mut peer, 4), b"a\nb\n");
    assert_eq!(rig.heard(), []);
}
