//! The memory of items is used again. Nobody may notice but the heap.

use bytes::Bytes;
use filters::{Filter, Input, Output, Stream};

/// An item that came in.
fn come(bytes: &[u8]) -> Bytes {
    Stream.decode(&mut Input::new(bytes)).unwrap().unwrap()
}

/// An item goes out, and its memory is free.
fn go(item: Bytes) -> Vec<u8> {
    let mut out = Output::new();
    Stream.encode(item, &mut out).unwrap();
    let bytes = out.contiguous().unwrap().to_vec();
    out.advance(bytes.len());
    bytes
}

#[test]
fn items_of_any_lengths_one_after_the_other_are_what_came() {
    let text: Vec<u8> = (0..=255).cycle().take(5000).collect();
    for first in [1, 2, 3, 63, 64, 65, 100, 200, 4095, 4096, 5000] {
        for second in [1, 2, 32, 33, 63, 64, 65, 128, 129, 3000, 4096, 4097] {
            assert_eq!(go(come(&text[..first])), text[..first]);
            assert_eq!(come(&text[5000 - second..]), text[5000 - second..]);
        }
    }
}

#[test]
fn an_item_of_the_same_length_has_the_memory_of_the_one_that_went_out() {
    let first = come(b"first");
    let place = first.as_ptr();
    go(first);
    let second = come(b"later");
    assert_eq!((second.as_ptr(), &second[..]), (place, &b"later"[..]));
    // It went to one item, and the next has its own.
    assert_ne!(come(b"third").as_ptr(), place);
}

#[test]
fn an_item_that_is_somewhat_shorter_has_it_too_and_one_that_is_much_shorter_does_not() {
    let first = come(&[1; 64]);
    let behind = first.as_ptr_range().end;
    go(first);
    let second = come(&[2; 40]);
    assert_eq!(second.as_ptr_range().end, behind);
    assert_eq!(second, [2; 40][..]);
    // All of it comes back.
    go(second);
    let third = come(&[3; 64]);
    assert_eq!(third.as_ptr_range().end, behind);
    go(third);
    let short = come(&[4; 31]);
    assert!(short.as_ptr_range().end != behind);
}

#[test]
fn an_item_that_is_held_elsewhere_stays_as_it_is() {
    let held = come(b"held by somebody");
    go(held.clone());
    let part = held.slice(5..7);
    let other = come(b"HELD BY SOMEBODY");
    go(other);
    let another = come(b"what comes later");
    assert_eq!((&held[..], &part[..]), (&b"held by somebody"[..], &b"by"[..]));
    assert_eq!(another, &b"what comes later"[..]);
}

#[test]
fn what_was_cut_out_of_something_long_is_not_kept() {
    let long = Bytes::from(vec![7; 1 << 20]);
    let behind = long.as_ptr_range().end;
    let mut cut = long;
    let tail = cut.split_off((1 << 20) - 64);
    drop(cut);
    assert_eq!(tail.as_ptr_range().end, behind);
    go(tail);
    let next = come(&[8; 64]);
    assert!(next.as_ptr_range().end != behind);
    assert_eq!(next, [8; 64][..]);
}

#[test]
fn what_was_never_on_the_heap_goes_out_and_is_not_written_to() {
    static WORD: &[u8] = b"static";
    go(Bytes::from_static(WORD));
    assert_eq!(come(b"STATIC"), &b"STATIC"[..]);
    assert_eq!(WORD, b"static");
}

#[test]
fn the_last_of_many_to_whom_an_item_is_put_gives_its_memory_back() {
    let item = come(b"to everybody");
    let place = item.as_ptr();
    let others = item.clone();
    go(others);
    // It is still needed, and so nobody has it: it is not copied either.
    let between = come(b"while it is.");
    assert_ne!(between.as_ptr(), place);
    go(item);
    assert_eq!(come(b"TO EVERYBODY").as_ptr(), place);
}

#[test]
fn an_item_without_bytes_does_not_take_the_place_of_one_that_has_some() {
    go(Bytes::new());
    let item = come(b"some");
    let place = item.as_ptr();
    go(Bytes::from(Vec::new()));
    go(item);
    assert_eq!(come(b"more").as_ptr(), place);
}
