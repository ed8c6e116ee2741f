//! As `feed`, for items of any type, and for filters that keep bytes of their own.

use std::fmt::Debug;

use filters::{Filter, FilterError, Input, Output};
use proptest::sample::Index;

use crate::feed::unsent;

/// What a filter made of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Read<T> {
    pub items: Vec<T>,
    pub failed: Option<FilterError>,
    /// What nobody made an item of: what the filter kept, and what it did not consume.
    pub pending: Vec<u8>,
}

/// Decodes one read after another; then, if `ends`, the peer ends.
pub fn read<F: Filter>(mut filter: F, reads: &[&[u8]], ends: bool) -> Read<F::Item> {
    let mut items = Vec::new();
    let mut rest = Vec::new();
    let failed = read_all(&mut filter, reads, ends, &mut rest, &mut items).err();
    let mut pending = filter.take_pending();
    pending.append(&mut rest);
    Read { items, failed, pending }
}

fn read_all<F: Filter>(
    filter: &mut F,
    reads: &[&[u8]],
    ends: bool,
    rest: &mut Vec<u8>,
    items: &mut Vec<F::Item>,
) -> Result<(), FilterError> {
    for read in reads {
        rest.extend_from_slice(read);
        while let Some(item) = offer(filter, rest, F::decode)? {
            items.push(item);
        }
        assert!(!filter.holds_items(), "it was asked until there was nothing");
    }
    while let Some(item) = if ends { offer(filter, rest, F::finish)? } else { None } {
        items.push(item);
    }
    Ok(())
}

/// Shows `rest` to the filter and drops what it consumes.
fn offer<F: Filter, R>(
    filter: &mut F,
    rest: &mut Vec<u8>,
    ask: impl FnOnce(&mut F, &mut Input<'_>) -> R,
) -> R {
    let mut input = Input::new(rest);
    let result = ask(filter, &mut input);
    let used = input.consumed();
    rest.drain(..used);
    result
}

/// Asserts that every cut of `stream` gives the same items and the same error, whether or not the
/// peer ends, and what is left over likewise unless it failed: then that depends on the last read.
pub fn assert_cuts_do_not_show<F>(new: impl Fn() -> F, stream: &[u8], cuts: &[Index])
where
    F: Filter,
    F::Item: Debug + PartialEq,
{
    for ends in [false, true] {
        let try_reads = |reads: &[&[u8]]| {
            let mut read = read(new(), reads, ends);
            if read.failed.is_some() {
                read.pending.clear();
            }
            read
        };
        let whole = try_reads(&[stream]);
        for at in 0..=stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(try_reads(&[left, right]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(try_reads(&bytes), whole, "byte by byte");
        let reads = cut(stream, cuts);
        assert_eq!(try_reads(&reads), whole, "cut into {reads:?}");
    }
}

/// Cuts `stream` at these places into reads.
fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Returns all the bytes that `items` are encoded to.
pub fn write<F: Filter>(mut filter: F, items: impl IntoIterator<Item = F::Out>) -> Vec<u8> {
    let mut out = Output::new();
    for item in items {
        filter.encode(item, &mut out).expect("this item can be encoded");
    }
    unsent(&out)
}

/// Asserts that `item` is refused and that nothing of it has gone out.
pub fn refusal<F: Filter>(mut filter: F, item: F::Out) -> FilterError {
    let mut out = Output::new();
    let error = filter.encode(item, &mut out).expect_err("this item cannot be encoded");
    assert!(out.is_empty(), "a refused item leaves nothing behind");
    error
}
