//! Where one item ends and the next begins, whatever the pieces they come in.

use std::io::Write;

use testkit::net::{self, Ending, Peer};
use wheels::filter::{Block, Line};
use wheels::{Operation, ReadWrite};

use crate::data::{Dice, noise};
use crate::support::{END, Heard, Rig, half_close, item, items, pair, wide_pair};

const EINVAL: i32 = 22;
const EMSGSIZE: i32 = 90;

#[test]
fn lines_split_at_any_place_are_the_same_lines() {
    const TEXT: &[u8] = b"first\r\n\r\nsecond line\nthird\rlast\r\n";
    for place in 1..TEXT.len() {
        let (ours, mut peer) = pair();
        let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
        rig.notice();
        peer.write_all(&TEXT[..place]).expect("write");
        rig.notice();
        peer.write_all(&TEXT[place..]).expect("write");
        drop(peer);
        let lines = ["first", "", "second line", "third", "last"].map(item);
        let told: Vec<_> = lines.into_iter().chain([END, Heard::Stopped]).collect();
        assert_eq!(rig.end(), told, "split at {place}");
    }
}

#[test]
fn lines_dribbled_byte_by_byte_are_the_same_lines() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::new()));
    for byte in b"one\r\ntwo\n\nthree\r" {
        rig.notice();
        peer.write_all(&[*byte]).expect("write");
    }
    assert_eq!(rig.hear(4), ["one", "two", "", "three"].map(item));
}

#[test]
fn lines_longer_than_the_shared_buffer_come_whole_back_to_back() {
    let long: Vec<Vec<u8>> = [1 << 20, (1 << 20) - 1, 1, 65_535, 65_536, 65_537, 1 << 20]
        .map(|len| vec![b'a' + u8::try_from(len % 23).expect("small"); len])
        .into();
    let (ours, mut peer) = pair();
    let filter = Line::literal(b"\n").max_length(1 << 20);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter));
    let sent = long.clone();
    let client = Peer::play(move || peer.write_all(&sent.join(&b'\n')).expect("write"));
    let told = rig.hear(long.len() + 1);
    client.join();
    assert!(items(&told) == long, "other lines than were sent");
    assert_eq!(told[long.len()], END);
}

#[test]
fn a_long_line_in_pieces_of_random_size_comes_whole() {
    let line: Vec<u8> = noise(200 << 10).into_iter().map(|byte| byte | 0x80).collect();
    for seed in 1..=4 {
        let (ours, mut peer) = pair();
        let filter = Line::literal(b"\n").max_length(1 << 20);
        let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter));
        let mut rest = line.clone();
        rest.push(b'\n');
        let client = Peer::play(move || {
            let (mut dice, mut sent) = (Dice(seed), 0);
            while sent < rest.len() {
                let most = [1, 3, 500, 20_000][dice.roll(4) - 1];
                let len = dice.roll(most).min(rest.len() - sent);
                peer.write_all(&rest[sent..sent + len]).expect("write");
                sent += len;
            }
            peer
        });
        let told = rig.hear(1);
        assert!(items(&told) == [line.clone()], "another line than was sent");
        drop(client.join());
        assert_eq!(rig.end()[1..], [END, Heard::Stopped]);
    }
}

#[test]
fn a_long_line_dribbled_byte_by_byte_comes_whole() {
    let line: Vec<u8> = noise(200 << 10).into_iter().map(|byte| byte | 0x80).collect();
    let (ours, mut peer) = pair();
    let filter = Line::literal(b"\n").max_length(1 << 20);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter));
    let sent = line.clone();
    let client = Peer::play(move || net::dribble(&mut peer, &[&sent[..], b"\n"].concat()));
    let told = rig.hear(1);
    client.join();
    assert!(items(&told) == [line], "another line than was sent");
}

#[test]
fn an_unfinished_last_line_is_handed_over_before_the_end_which_comes_once() {
    let (ours, mut peer) = pair();
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    peer.write_all(b"one\ntwo\nunfinished").expect("write");
    drop(peer);
    let lines = ["one", "two", "unfinished"].map(item);
    assert_eq!(rig.end(), lines.into_iter().chain([END, Heard::Stopped]).collect::<Vec<_>>());
}

#[test]
fn the_end_is_told_once_though_the_session_goes_on() {
    let (ours, mut peer) = pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    rig.act(|_, cx| cx.delay_set("word", std::time::Duration::from_secs(3600), "later"));
    peer.write_all(b"last").expect("write");
    drop(peer);
    rig.hear(2);
    rig.turns(20);
    assert_eq!(rig.heard(), [item("last"), END]);
}

/// The end is announced together with the first bytes.
#[test]
fn the_end_comes_after_all_that_was_sent_before_it() {
    let lines: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let (ours, mut peer) = wide_pair();
    peer.write_all(lines.join("\n").as_bytes()).expect("write");
    drop(peer);
    let rig = Rig::new(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    let told = rig.end();
    assert_eq!(items(&told), lines);
    assert_eq!(told[lines.len()..], [END, Heard::Stopped]);
}

#[test]
fn p15_a_line_that_is_too_long_fails_once_and_the_answer_still_arrives() {
    let (ours, mut peer) = pair();
    let filter = Line::literal(b"\n").max_length(10);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter)).react(|host, cx, heard| {
        if let Heard::Failed(Operation::Decode, ..) = heard {
            let _put = host.put(cx, "too long");
            host.take().shutdown(cx);
        }
    });
    peer.write_all(b"ok\n").expect("write");
    peer.write_all(&[b'x'; 100_000]).expect("write");
    let client = Peer::play(move || {
        // More that nobody will read.
        peer.write_all(&[b'y'; 1000]).expect("write");
        half_close(&peer);
        net::read_to_end(&mut peer)
    });
    let answer = client.run(&mut rig.kernel);
    assert_eq!(answer, Ending::Closed(b"too long\n".into()));
    assert_eq!(
        rig.end(),
        [item("ok"), Heard::Failed(Operation::Decode, EMSGSIZE, 0), Heard::Stopped]
    );
}

/// By default. Who sends on is hung up on, and most of what he sends is never read.
#[test]
fn p15_a_gibibyte_without_an_end_is_refused_at_the_limit_and_not_read() {
    let (ours, mut peer) = pair();
    let mut rig =
        Rig::new(ReadWrite::builder(ours).filter(Line::new())).react(|host, cx, heard| {
            assert_eq!(*heard, Heard::Failed(Operation::Decode, EMSGSIZE, 0));
            // The limit of a line, and a read more.
            let received = host.stream().received(cx);
            assert!(received <= 16_384 + (64 << 10), "{received}");
            drop(host.take());
        });
    rig.act(|_, cx| cx.delay_set("word", std::time::Duration::from_secs(3600), "later"));
    let client = Peer::play(move || {
        let block = vec![b'a'; 1 << 20];
        (0..1024).take_while(|_| peer.write_all(&block).is_ok()).count()
    });
    let mib = client.run(&mut rig.kernel);
    assert!(mib < 64, "{mib} MiB were taken from it");
    assert_eq!(rig.heard(), [Heard::Failed(Operation::Decode, EMSGSIZE, 0)]);
}

#[test]
fn nothing_is_read_after_a_line_that_is_too_long() {
    let (ours, mut peer) = pair();
    let filter = Line::literal(b"\n").max_length(3);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter));
    rig.act(|_, cx| cx.delay_set("word", std::time::Duration::from_secs(3600), "later"));
    peer.write_all(b"toolong\nok\n").expect("write");
    rig.hear(1);
    peer.write_all(b"ok\n").expect("write");
    half_close(&peer);
    rig.notice();
    rig.turns(10);
    assert_eq!(rig.heard(), [Heard::Failed(Operation::Decode, EMSGSIZE, 0)]);
}

#[test]
fn a_block_longer_than_the_shared_buffer_comes_whole_and_so_does_the_next() {
    let block: Vec<u8> = noise(1 << 20);
    let (ours, mut peer) = pair();
    let filter = Block::new().max_length(1 << 20);
    let mut rig = Rig::new(ReadWrite::builder(ours).filter(filter));
    let sent = block.clone();
    let client = Peer::play(move || {
        for _ in 0..2 {
            peer.write_all(&[b"1048576\0", &sent[..]].concat()).expect("write");
        }
    });
    let told = rig.hear(3);
    client.join();
    assert!(items(&told) == [block.clone(), block], "another block than was sent");
    assert_eq!(told[2], END);
}

#[test]
fn a_block_is_refused_for_what_it_announces() {
    for (header, errnum) in [(&b"65537\0"[..], EMSGSIZE), (b"hello", EINVAL)] {
        let (ours, mut peer) = pair();
        let mut rig = Rig::new(ReadWrite::builder(ours).filter(Block::new()));
        peer.write_all(b"2\0ok").expect("write");
        peer.write_all(header).expect("write");
        // Nothing of the block comes, nor does the peer end.
        let told = rig.hear(2);
        assert_eq!(told[..2], [item("ok"), Heard::Failed(Operation::Decode, errnum, 0)]);
        drop(peer);
    }
}
