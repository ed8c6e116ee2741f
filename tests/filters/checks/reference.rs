//! Values, in both formats, compressed or not.

use std::fmt::Debug;

use bytes::Bytes;
use filters::length::{Decimal, LengthCodec};
use filters::{Filter, FilterError, Format, Json, Output, Postcard, Reference};
use miniz_oxide::deflate::compress_to_vec_zlib;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::watch::{Bounds, Watch, no_cut_shows};
use super::{Case, sent};

/// No number that is not an integer: those of JSON may change a little on their way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    Nothing,
    Number(i32),
    Text(String),
    Bytes(Vec<u8>),
    Order { pieces: u16, of: String, gift: Option<bool> },
    Pairs(Vec<(char, Option<u64>)>),
}

/// One that contains itself, for the format that bounds how deep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Leaf(u8),
    Branches(Vec<Tree>),
}

pub fn check(case: &[u8]) {
    let mut case = Case(case);
    match case.below(3) {
        0 => values::<Json, Value>(case),
        1 => values::<Postcard, Value>(case),
        _ => values::<Json, Tree>(case),
    }
}

fn values<F, T>(mut case: Case<'_>)
where
    F: Format + Default + Clone,
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static,
{
    let packing = case.below(3);
    let limit = case.limit();
    let sizes = case.cuts();
    let made_up = (packing == 2).then(|| packed(case));
    let stream = made_up.as_deref().unwrap_or(case.0);
    let plain = Reference::<F, T>::new().max_length(limit);
    let filter = if packing == 0 { plain } else { plain.compression() };

    let kept = limit.saturating_add(Decimal::MAX_WIDTH - 1);
    // A byte of text or two may be a number of eight, and a list doubles as it grows.
    let memory = limit.saturating_mul(64).saturating_add(ENOUGH_TO_UNPACK);
    let bounds = Bounds { kept, memory };
    let made = no_cut_shows(|| filter.clone(), stream, &sizes, bounds);
    let tolerant = no_cut_shows(|| filter.clone().no_fatals(), stream, &sizes, bounds);
    same_up_to_the_first_bad_one(&made.items, &made.failed, &tolerant.items, &tolerant.failed);
    values_come_back(filter, tolerant.items.into_iter().flatten().collect(), bounds);
}

/// Values fail at the first bad one, or where the framing is lost.
fn same_up_to_the_first_bad_one<T: Clone + PartialEq + Debug>(
    made: &[T],
    failed: &Option<FilterError>,
    tolerant: &[Result<T, FilterError>],
    lost: &Option<FilterError>,
) {
    let good: Vec<T> = tolerant.iter().map_while(|item| item.clone().ok()).collect();
    assert_eq!(made, good);
    let bad = tolerant.iter().find_map(|item| item.as_ref().err());
    assert_eq!(failed.as_ref(), bad.or(lost.as_ref()));
}

/// A value may be longer than what it was read from (`null` for what was left out), and then be too
/// long to be sent; but what is sent comes back.
fn values_come_back<F, T>(filter: Reference<F, T>, values: Vec<T>, bounds: Bounds)
where
    F: Format + Clone,
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + 'static,
{
    let mut out = Output::new();
    let mut gone = Vec::new();
    for value in values {
        let before = out.len();
        match filter.clone().encode(value.clone(), &mut out) {
            Ok(()) => gone.push(value),
            Err(error) => {
                assert!(matches!(error, FilterError::TooLong { .. }), "{error}");
                assert_eq!(out.len(), before, "appended what it refused");
            }
        }
    }
    let again = Watch::new(filter, bounds).made_of(&[&sent(&mut out)], true);
    assert_eq!((again.items, again.failed, again.left), (gone, None, Vec::new()));
}

/// What a fuzzer does not hit upon: each record compressed, with its length and checksum.
fn packed(mut case: Case<'_>) -> Vec<u8> {
    let mut out = Output::new();
    while !case.0.is_empty() && out.len() < MOST_PACKED {
        let (size, times) = (usize::from(case.byte()), usize::from(case.byte()) + 1);
        let (record, rest) = case.0.split_at(size.min(case.0.len()));
        case.0 = rest;
        let packed = compress_to_vec_zlib(&record.repeat(times), 1);
        Decimal.encode(packed.len(), &mut out).expect("there are digits enough");
        out.put_bytes(Bytes::from(packed));
    }
    sent(&mut out)
}

/// A decompressor's state, and an error's text.
const ENOUGH_TO_UNPACK: usize = 65_536;

/// Beyond that it is slow, and finds nothing more.
const MOST_PACKED: usize = 2048;
