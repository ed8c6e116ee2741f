//! Plays a wheel for filters of any items, and holds them to their contract while it does.

use std::fmt::Debug;

use bytes::Bytes;
use filters::{Filter, FilterError, Input};
use proptest::sample::Index;

/// What a filter made of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Driven<T> {
    pub items: Vec<T>,
    pub failed: Option<FilterError>,
    /// What another filter in its place would be offered: nothing after an error.
    pub pending: Vec<u8>,
}

/// Decodes one read after another; the peer goes on.
pub fn drive<F: Filter<Item: Debug>>(filter: &mut F, reads: &[&[u8]]) -> Driven<F::Item> {
    let mut driven = Driven { items: Vec::new(), failed: None, pending: Vec::new() };
    let mut unread = Vec::new();
    driven.failed = flow(filter, reads, &mut unread, &mut driven.items).err();
    settle(filter, unread, &mut driven);
    driven
}

/// Decodes one read after another; then the peer ends.
pub fn drive_to_end<F: Filter<Item: Debug>>(filter: &mut F, reads: &[&[u8]]) -> Driven<F::Item> {
    let mut driven = Driven { items: Vec::new(), failed: None, pending: Vec::new() };
    let mut unread = Vec::new();
    driven.failed = flow(filter, reads, &mut unread, &mut driven.items)
        .and_then(|()| end(filter, &mut unread, &mut driven.items))
        .err();
    settle(filter, unread, &mut driven);
    driven
}

/// Decodes what there is, `limit` items at most, and leaves what is not consumed.
pub fn decode_up_to<F: Filter<Item: Debug>>(
    filter: &mut F,
    unread: &mut Vec<u8>,
    limit: usize,
    items: &mut Vec<F::Item>,
) -> Result<(), FilterError> {
    let mut input = Input::new(unread);
    let mut result = Ok(());
    for _ in 0..limit {
        let (before, held) = (input.consumed(), filter.holds_items());
        match filter.decode(&mut input) {
            Ok(Some(item)) => {
                let something = input.consumed() > before || held;
                assert!(something, "{item:?} came out of nothing");
                items.push(item);
            }
            Ok(None) => {
                assert!(!filter.holds_items(), "asked for ever");
                break;
            }
            Err(error) => {
                let consumed = input.consumed();
                let again = filter.decode(&mut input).expect_err("an error is final");
                assert_eq!((&again, input.consumed()), (&error, consumed));
                result = Err(error);
                break;
            }
        }
    }
    let used = input.consumed();
    unread.drain(..used);
    result
}

/// Decodes the end of the stream.
pub fn end<F: Filter<Item: Debug>>(
    filter: &mut F,
    unread: &mut Vec<u8>,
    items: &mut Vec<F::Item>,
) -> Result<(), FilterError> {
    let mut input = Input::new(unread);
    while let Some(item) = filter.finish(&mut input)? {
        items.push(item);
    }
    let used = input.consumed();
    unread.drain(..used);
    Ok(())
}

/// Cuts `stream` at these places into reads.
pub fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Asserts that no way to cut `stream` shows, whether the peer goes on or ends.
pub fn assert_no_cut_shows<F>(make: impl Fn() -> F, stream: &[u8], cuts: &[Index])
where
    F: Filter<Item: Debug + PartialEq>,
{
    let both = |reads: &[&[u8]]| (drive(&mut make(), reads), drive_to_end(&mut make(), reads));
    let whole = both(&[stream]);
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        assert_eq!(both(&[left, right]), whole, "cut at {at}");
    }
    assert_eq!(both(&stream.chunks(1).collect::<Vec<_>>()), whole, "byte by byte");
    let reads = cut(stream, cuts);
    assert_eq!(both(&reads), whole, "cut into {reads:?}");
}

/// Returns items as text, for comparing.
pub fn texts(items: &[Bytes]) -> Vec<&str> {
    items.iter().map(|item| std::str::from_utf8(item).expect("tests send text")).collect()
}

fn flow<F: Filter<Item: Debug>>(
    filter: &mut F,
    reads: &[&[u8]],
    unread: &mut Vec<u8>,
    items: &mut Vec<F::Item>,
) -> Result<(), FilterError> {
    reads.iter().try_for_each(|read| {
        unread.extend_from_slice(read);
        decode_up_to(filter, unread, usize::MAX, items)
    })
}

fn settle<F: Filter>(filter: &mut F, unread: Vec<u8>, driven: &mut Driven<F::Item>) {
    if driven.failed.is_none() {
        driven.pending = filter.take_pending();
        driven.pending.extend(unread);
    }
}
