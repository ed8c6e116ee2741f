//! Framings that do more than cut: they answer by themselves, hold items, and have some left at the end.

use std::cell::RefCell;
use std::io::Write;
use std::net::TcpStream;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use testkit::net::{self, Ending, Peer};
use wheels::filter::http::{Httpd, Outgoing, Piece, Received};
use wheels::filter::{Filter, FilterError, Input, Output};
use wheels::{Operation, ReadWrite};

use crate::support::{END, Framing, Heard, Rig, half_close, item, pair};

const EMSGSIZE: i32 = 90;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const PUT: &[u8] =
    b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
const UPGRADE: &[u8] = b"GET /up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: b\r\n\r\n";

/// A request is its method and its body, and what is put the body of an answer.
fn httpd() -> impl Framing {
    let words = |received: Received<Request<Bytes>>| match received {
        Received::Request { item, .. } => {
            [item.method().as_str().as_bytes(), item.body()].concat().into()
        }
        Received::Rejected(rejected) => Bytes::from(rejected.response.status().to_string()),
    };
    Httpd::new().map_input(words).map_output(Response::new)
}

/// A piece of a request is a word.
fn streaming() -> impl Framing {
    let word = |received: Received<Piece<Request<()>>>| match received {
        Received::Request { item: Piece::Head(_), .. } => Bytes::from("head"),
        Received::Request { item: Piece::Data(data), .. } => data,
        Received::Request { item: Piece::End(_), .. } => Bytes::from("end"),
        Received::Rejected(rejected) => panic!("{rejected:?}"),
    };
    Httpd::streaming().map_input(word).map_output(|_| Outgoing::End(HeaderMap::new()))
}

fn rig<F: Framing>(filter: F) -> (Rig<F>, TcpStream) {
    let (ours, peer) = pair();
    (Rig::new(ReadWrite::builder(ours).filter(filter)), peer)
}

#[test]
fn the_word_of_the_framing_goes_out_though_nothing_is_put() {
    let (mut rig, mut peer) = rig(httpd());
    for _ in 0..2 {
        peer.write_all(PUT).expect("write");
        assert_eq!(rig.read_meanwhile(&mut peer, CONTINUE.len()), CONTINUE);
        assert_eq!(rig.take_heard(), []);
        peer.write_all(b"ab").expect("write");
        rig.notice();
        peer.write_all(b"c").expect("write");
        assert_eq!(rig.hear(1), [item("PUTabc")]);
        rig.take_heard();
        rig.act(|host, cx| drop(host.put(cx, "")));
        assert_eq!(rig.read_meanwhile(&mut peer, EMPTY.len()), EMPTY);
    }
    rig.act(|host, cx| host.take().shutdown(cx));
    half_close(&peer);
    rig.end();
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

#[test]
fn the_word_of_the_framing_comes_behind_what_is_to_be_put_before_it() {
    let (mut rig, mut peer) = rig(httpd());
    peer.write_all(&[GET, PUT].concat()).expect("write");
    assert_eq!(rig.hear(1), [item("GET")]);
    rig.turns(3);
    rig.act(|host, cx| drop(host.put(cx, "")));
    let both = [EMPTY, CONTINUE].concat();
    assert_eq!(rig.read_meanwhile(&mut peer, both.len()), both);
    peer.write_all(b"abc").expect("write");
    assert_eq!(rig.hear(2)[1], item("PUTabc"));
}

#[test]
fn the_word_of_the_framing_is_lost_where_no_more_is_sent() {
    let (mut rig, mut peer) = rig(httpd());
    rig.act(|host, cx| host.stream().shutdown_output(cx));
    peer.write_all(PUT).expect("write");
    rig.notice();
    peer.write_all(b"abc").expect("write");
    assert_eq!(rig.hear(1), [item("PUTabc")]);
    half_close(&peer);
    assert_eq!(rig.end(), [item("PUTabc"), END, Heard::Stopped]);
    assert_eq!(net::read_to_end(&mut peer), Ending::Closed(vec![]));
}

#[test]
fn what_waits_for_something_to_be_put_is_told_then() {
    for cut in [0, UPGRADE.len(), UPGRADE.len() + 5] {
        let (mut rig, mut peer) = rig(httpd());
        let both = [UPGRADE, GET].concat();
        peer.write_all(&both[..cut]).expect("write");
        if cut > 0 {
            rig.hear(1);
        }
        peer.write_all(&both[cut..]).expect("write");
        rig.notice();
        rig.turns(3);
        assert_eq!(rig.heard(), [item("GET")]);
        rig.act(|host, cx| {
            host.stream().pause_input(cx);
            host.put(cx, "");
        });
        rig.turns(3);
        assert_eq!(rig.heard().len(), 1, "it is paused");
        rig.act(|host, cx| host.stream().resume_input(cx));
        assert_eq!(rig.hear(2), [item("GET"), item("GET")]);
    }
}

/// The input has ended meanwhile: the end comes behind what waited.
#[test]
fn what_waits_for_something_to_be_put_is_told_though_nothing_more_can_come() {
    let (mut rig, mut peer) = rig(httpd());
    let mut first = true;
    rig.act(move |host, _| {
        host.react(move |host, cx, heard| {
            if std::mem::take(&mut first) {
                assert_eq!(heard, &item("GET"));
                host.put(cx, "");
            }
        });
    });
    peer.write_all(&[UPGRADE, GET].concat()).expect("write");
    half_close(&peer);
    assert_eq!(rig.end(), [item("GET"), item("GET"), END, Heard::Stopped]);
}

#[test]
fn an_item_that_takes_no_more_bytes_is_told_and_can_be_paused() {
    let (mut rig, mut peer) = rig(streaming());
    peer.write_all(GET).expect("write");
    assert_eq!(rig.hear(2), [item("head"), item("end")]);
    rig.take_heard();
    rig.act(|host, _| {
        host.react(|host, cx, heard| {
            if *heard == item("head") {
                host.stream().pause_input(cx);
            }
        });
    });
    peer.write_all(GET).expect("write");
    rig.hear(1);
    rig.turns(3);
    assert_eq!(rig.take_heard(), [item("head")]);
    half_close(&peer);
    rig.act(|host, cx| host.stream().resume_input(cx));
    assert_eq!(rig.end(), [item("end"), END, Heard::Stopped]);
}

#[test]
fn a_peer_that_sends_on_and_on_where_nothing_can_be_told_is_stopped() {
    let (mut rig, peer) = rig(httpd());
    rig.act(|host, _| {
        host.react(|host, cx, heard| {
            if matches!(heard, Heard::Failed(..)) {
                host.take().shutdown(cx);
            }
        });
    });
    let peer = Peer::play(move || {
        let mut peer = peer;
        peer.write_all(UPGRADE).expect("write");
        let _enough = peer.write_all(&vec![b'x'; 10_000_000]);
    });
    peer.run(&mut rig.kernel);
    let refused = Heard::Failed(Operation::Decode, EMSGSIZE, 0);
    assert_eq!(rig.end(), [item("GET"), refused, Heard::Stopped]);
}

/// Tells at the end which bytes came, one at a time.
#[derive(Default)]
struct AtLast(Vec<u8>);

impl Filter for AtLast {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.0.extend_from_slice(&input.take(input.len()));
        Ok(None)
    }

    fn finish(&mut self, _: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let first = (!self.0.is_empty()).then(|| self.0.remove(0));
        Ok(first.map(|byte| Bytes::from(vec![byte])))
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

#[test]
fn all_that_the_end_completes_is_told_before_it_also_when_it_is_paused() {
    let (mut rig, mut peer) = rig(AtLast::default());
    rig.act(|host, _| {
        host.react(|host, cx, heard| {
            if *heard == item("b") {
                host.stream().pause_input(cx);
            }
        });
    });
    peer.write_all(b"ab").expect("write");
    rig.notice();
    peer.write_all(b"cd").expect("write");
    half_close(&peer);
    rig.hear(2);
    rig.turns(3);
    assert_eq!(rig.take_heard(), [item("a"), item("b")]);
    rig.act(|host, cx| host.stream().resume_input(cx));
    assert_eq!(rig.end(), [item("c"), item("d"), END, Heard::Stopped]);
}

/// Takes words of four letters, and consumes what it refuses.
struct Words;

impl Filter for Words {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        if input.len() < 4 {
            return Ok(None);
        }
        let word = input.take(4);
        if word.is_ascii() { Ok(Some(word)) } else { Err(FilterError::TooLong { limit: 4 }) }
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

#[test]
fn what_a_filter_refuses_is_told_also_if_it_consumes_it() {
    for (sent, left) in [(&b"goodb\xffad"[..], &b""[..]), (b"goodb\xffadmore", b"more")] {
        let (mut rig, mut peer) = rig(Words);
        peer.write_all(sent).expect("write");
        let unread = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&unread);
        rig.act(move |host, _| {
            host.react(move |host, cx, heard| {
                if matches!(heard, Heard::Failed(..)) {
                    *kept.borrow_mut() = host.take().into_parts(cx).map(|parts| parts.unread);
                }
            });
        });
        let refused = Heard::Failed(Operation::Decode, EMSGSIZE, 0);
        assert_eq!(rig.end(), [item("good"), refused, Heard::Stopped]);
        assert_eq!(unread.take().as_deref(), Some(left), "for another filter");
    }
}
