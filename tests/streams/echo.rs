//! Much data, both ways at once: not a byte is lost, doubled or out of its place.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use testkit::net::{self, Peer};
use wheels::ReadWrite;
use wheels::filter::{Line, Stream};

use crate::data::{Dice, Noise, noise};
use crate::support::{Framing, HIGH, Host, LOW, Rig, echo, half_close, narrow_pair, pair};

fn echo_server<F: Framing>(builder: wheels::ReadWriteBuilder<F>) -> Rig<F> {
    let marked = builder.high_mark(256 * 1024, &HIGH).low_mark(64 * 1024, &LOW);
    Rig::new(marked).react(echo)
}

/// Reads `len` bytes of noise and then the end.
fn read_noise(stream: &mut TcpStream, len: usize) {
    let (mut noise, mut buffer) = (Noise::default(), vec![0; 100_000]);
    loop {
        let count = stream.read(&mut buffer).expect("read");
        if count == 0 {
            break;
        }
        noise.check(&buffer[..count]);
    }
    assert_eq!(noise.at, len);
}

#[test]
fn sixty_four_mebibytes_in_writes_of_random_size_come_back_byte_for_byte() {
    const ALL: usize = 64 << 20;
    let (ours, mut peer) = pair();
    let mut rig = echo_server(ReadWrite::builder(ours));
    let mut writer = peer.try_clone().expect("a second handle");
    let writing = Peer::play(move || {
        let (mut noise, mut dice) = (Noise::default(), Dice(1));
        while noise.at < ALL {
            let len = dice.roll(200_000).min(ALL - noise.at);
            writer.write_all(noise.next(len)).expect("write");
        }
        half_close(&writer);
    });
    let reading = Peer::play(move || read_noise(&mut peer, ALL));
    reading.run(&mut rig.kernel);
    writing.join();
    rig.end();
}

#[test]
fn sixty_four_kibibytes_written_byte_by_byte_come_back_byte_for_byte() {
    const ALL: usize = 64 << 10;
    let (ours, mut peer) = pair();
    let mut rig = echo_server(ReadWrite::builder(ours));
    let mut writer = peer.try_clone().expect("a second handle");
    let writing = Peer::play(move || {
        net::dribble(&mut writer, &noise(ALL));
        half_close(&writer);
    });
    let reading = Peer::play(move || read_noise(&mut peer, ALL));
    reading.run(&mut rig.kernel);
    writing.join();
    rig.end();
}

#[test]
fn very_many_short_lines_come_back_in_order_to_a_client_that_sends_and_reads_at_once() {
    const LINES: usize = 200_000;
    let (ours, peer) = pair();
    let mut rig = echo_server(ReadWrite::builder(ours).filter(Line::literal(b"\n")));
    let mut writer = std::io::BufWriter::new(peer.try_clone().expect("a second handle"));
    let writing = Peer::play(move || {
        for number in 0..LINES {
            writeln!(writer, "{number}").expect("write");
        }
        half_close(&writer.into_inner().expect("flush"));
    });
    let reading = Peer::play(move || {
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(peer));
        for number in 0..LINES {
            let line = lines.next().expect("a line").expect("read");
            assert_eq!(line, number.to_string());
        }
        assert!(lines.next().is_none());
    });
    reading.run(&mut rig.kernel);
    writing.join();
    rig.end();
}

#[test]
fn p13_a_client_that_ends_after_its_request_gets_the_whole_answer() {
    const REQUEST: usize = 1 << 20;
    for _ in 0..100 {
        let (ours, mut peer) = pair();
        let mut rig = Rig::new(ReadWrite::builder(ours)).react(echo);
        let client = Peer::play(move || {
            peer.write_all(&noise(REQUEST)).expect("write");
            half_close(&peer);
            read_noise(&mut peer, REQUEST);
        });
        client.run(&mut rig.kernel);
        rig.end();
    }
}

/// As a client that asks, ends and reads while it asks.
#[test]
fn p13_the_answer_is_whole_with_marks_too() {
    const REQUEST: usize = 4 << 20;
    let (ours, mut peer) = narrow_pair();
    let mut rig = echo_server(ReadWrite::builder(ours));
    let mut writer = peer.try_clone().expect("a second handle");
    let writing = Peer::play(move || {
        writer.write_all(&noise(REQUEST)).expect("write");
        half_close(&writer);
    });
    let reading = Peer::play(move || read_noise(&mut peer, REQUEST));
    reading.run(&mut rig.kernel);
    writing.join();
    rig.end();
}

/// Short ones are copied, long ones linked and written vectored; the buffers take a little at a time.
#[test]
fn items_of_all_sizes_leave_in_order_through_short_writes() {
    let (ours, mut peer) = narrow_pair();
    let mut rig = Rig::new(ReadWrite::builder(ours).most_unsent(1 << 30));
    let len = rig.act(|host, cx| {
        let (mut noise, mut dice) = (Noise::default(), Dice(7));
        for _ in 0..600 {
            let most = [10, 4095, 4097, 70_000][dice.roll(4) - 1];
            let bytes = Bytes::copy_from_slice(noise.next(dice.roll(most)));
            let _put = host.put(cx, bytes);
        }
        host.take().shutdown(cx);
        noise.at
    });
    assert!(len > 2 << 20, "{len} bytes are too few to fill anything");
    let reading = Peer::play(move || read_noise(&mut peer, len));
    reading.run(&mut rig.kernel);
    rig.end();
}

/// Each item is put while others are still on their way.
#[test]
fn items_put_while_others_leave_keep_their_order() {
    const ALL: usize = 4 << 20;
    let (ours, mut peer) = narrow_pair();
    let marked = ReadWrite::builder(ours).high_mark(100_000, &HIGH).low_mark(20_000, &LOW);
    let mut rig = Rig::new(marked);
    let (mut noise, mut dice) = (Noise::default(), Dice(9));
    let mut produce = move |host: &mut Host<Stream>, cx: &mut reactor::Context<'_>| {
        while noise.at < ALL {
            let most = [3, 5000, 30_000][dice.roll(3) - 1];
            let len = dice.roll(most).min(ALL - noise.at);
            if host.put(cx, noise.next(len)) == wheels::Put::High {
                return;
            }
        }
        host.take().shutdown(cx);
    };
    rig.act(move |host, cx| {
        produce(host, cx);
        host.react(move |host, cx, heard| {
            if *heard == crate::support::Heard::Low {
                produce(host, cx);
            }
        });
    });
    let reading = Peer::play(move || read_noise(&mut peer, ALL));
    reading.run(&mut rig.kernel);
    rig.end();
}
