//! `Stream`: POE's scenarios.

use bytes::Bytes;
use filters::{Filter, Input, Stream};

use crate::feed::{encode, feed, feed_to_end};

#[test]
fn get_joins_what_has_arrived() {
    let fed = feed(&mut Stream, &[b"abcdefghijklmno"]);
    assert_eq!(fed.items, ["abcdefghijklmno"]);
    assert!(fed.pending.is_empty());
}

#[test]
fn each_read_is_an_item() {
    assert_eq!(feed(&mut Stream, &[b"a", b"bc", b"", b"def"]).items, ["a", "bc", "def"]);
}

#[test]
fn put_leaves_bytes_as_they_are() {
    let items = ["a", "bc", "def", "", "ghij"].map(Bytes::from);
    assert_eq!(encode(&mut Stream, &items), b"abcdefghij");
}

#[test]
fn nothing_is_pending_once_everything_was_taken() {
    let mut input = Input::new(b"abc");
    assert_eq!(Stream.decode(&mut input).unwrap().unwrap(), "abc");
    assert_eq!(Stream.decode(&mut input), Ok(None));
    assert!(input.is_empty());
    assert_eq!(Stream.finish(&mut input), Ok(None));
    assert!(feed_to_end(&mut Stream, &[]).items.is_empty());
}
