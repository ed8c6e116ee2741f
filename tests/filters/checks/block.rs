//! Blocks with each codec, and netstrings.

use bytes::Bytes;
use filters::length::{Decimal, Fixed, LengthCodec, U16Be, U16Le, U32Be, U32Le, Varint};
use filters::{Block, Codec, Filter, FilterError, NetString};
use tokio_util::codec::LengthDelimitedCodec;

use super::watch::{Bounds, Watch, no_cut_shows};
use super::{Case, encoded};

pub fn check(case: &[u8]) {
    let mut case = Case(case);
    match case.below(9) {
        0 => blocks(Decimal, case),
        1 => blocks(U16Be, case),
        2 => blocks(U16Le, case),
        3 => blocks(U32Be, case),
        4 => blocks(U32Le, case),
        5 => blocks(Varint, case),
        6 => {
            let size = usize::from(case.below(16));
            blocks(Fixed(size), case);
        }
        7 => as_tokio_has_it(case),
        _ => {
            let limit = case.limit();
            let make = || NetString::new().max_length(limit);
            // Its comma comes behind.
            let items = framed(make, Decimal::MAX_WIDTH + 1, limit, case);
            // There is one way to write a string.
            let sent = encoded(&mut make(), &items);
            assert!(case_stream(case).starts_with(&sent), "read what it does not write");
        }
    }
}

fn blocks<C: LengthCodec + Copy>(codec: C, mut case: Case<'_>) {
    let limit = case.limit();
    framed(|| Block::with_codec(codec).max_length(limit), C::MAX_WIDTH, limit, case);
}

/// The codec that `tokio_util` has for the same framing makes the same items.
fn as_tokio_has_it(mut case: Case<'_>) {
    let limit = usize::from(case.byte());
    let items = framed(|| Block::u32_be().max_length(limit), U32Be::MAX_WIDTH, limit, case);
    let sizes = case.cuts();
    let make = || {
        let codec = LengthDelimitedCodec::builder().max_frame_length(limit).new_codec();
        Codec::<_, Bytes>::new(codec).max_length(limit + U32Be::MAX_WIDTH)
    };
    // A buffer that has room for more.
    let bounds = Bounds { kept: limit + U32Be::MAX_WIDTH, memory: 4096 };
    assert_eq!(no_cut_shows(make, case.0, &sizes, bounds).items, items);
}

/// Returns the items. `width` is the most that is around one.
fn framed<F>(make: impl Fn() -> F, width: usize, limit: usize, mut case: Case<'_>) -> Vec<Bytes>
where
    F: Filter<Item = Bytes, Out = Bytes>,
{
    let sizes = case.cuts();
    let whole = limit.saturating_add(width);
    // Less than a whole one, or it would have been an item.
    let bounds = Bounds { kept: whole.saturating_sub(1), memory: limit.saturating_add(SMALL) };
    let made = no_cut_shows(&make, case.0, &sizes, bounds);

    assert!(made.items.iter().all(|item| item.len() <= limit));
    if let Some(FilterError::TooLong { limit: named }) = made.failed {
        assert_eq!(named, limit);
    }
    let sent = encoded(&mut make(), &made.items);
    let again = Watch::new(make(), bounds).made_of(&[&sent], true);
    assert_eq!((&again.items, &again.failed), (&made.items, &None));
    assert!(again.left.is_empty());
    made.items
}

/// The stream of a case whose parameters are read.
fn case_stream(mut case: Case<'_>) -> &[u8] {
    drop(case.cuts());
    case.0
}

/// What a call needs besides its item: an error's text.
const SMALL: usize = 512;
