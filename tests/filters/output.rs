//! `Output` against a plain `Vec<u8>`, and what it keeps when it is idle.

use std::io::IoSlice;

use bytes::Bytes;
use filters::Output;
use proptest::prelude::*;

use crate::feed::{cases, unsent};

/// What can be done to an output.
#[derive(Debug, Clone)]
enum Step {
    Slice(usize),
    Bytes(usize),
    /// Advance by so many thousandths of what is unsent.
    Advance(usize),
    Adopt(usize),
    Release,
    Clear,
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn an_output_is_a_queue_of_bytes(
        steps in prop::collection::vec(step(), 0..60),
        slots in 1..5_usize,
    ) {
        let mut out = Output::new();
        let mut model: Vec<u8> = Vec::new();
        let mut source = (0..=250_u8).cycle();
        for step in steps {
            match step {
                Step::Slice(n) | Step::Bytes(n) => {
                    let bytes: Vec<u8> = source.by_ref().take(n).collect();
                    model.extend_from_slice(&bytes);
                    if matches!(step, Step::Slice(_)) {
                        out.put_slice(&bytes);
                    } else {
                        out.put_bytes(bytes.into());
                    }
                }
                Step::Advance(thousandths) => {
                    let n = model.len() * thousandths / 1000;
                    out.advance(n);
                    model.drain(..n);
                }
                Step::Adopt(capacity) => out.adopt(Vec::with_capacity(capacity)),
                Step::Release => {
                    let buffer = out.release();
                    prop_assert!(buffer.is_empty());
                    prop_assert!(model.is_empty() || buffer.capacity() == 0);
                }
                Step::Clear => {
                    out.clear();
                    model.clear();
                }
            }
            check(&out, &model, slots)?;
        }
        out.advance(model.len());
        check(&out, b"", slots)?;
        drop(out.release());
        prop_assert!(!out.has_buffer());
    }
}

fn step() -> impl Strategy<Value = Step> {
    let short = Output::LINKED_FROM - 1;
    let long = Output::LINKED_FROM;
    prop_oneof![
        6 => (0..200_usize).prop_map(Step::Slice),
        1 => (0..2 * long).prop_map(Step::Slice),
        3 => (0..=short).prop_map(Step::Bytes),
        4 => (long..2 * long).prop_map(Step::Bytes),
        6 => (0..=1000_usize).prop_map(Step::Advance),
        2 => Just(Step::Advance(1000)),
        1 => (0..8192_usize).prop_map(Step::Adopt),
        1 => Just(Step::Release),
        1 => Just(Step::Clear),
    ]
}

fn check(out: &Output, model: &[u8], slots: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(out.len(), model.len());
    prop_assert_eq!(out.is_empty(), model.is_empty());
    prop_assert_eq!(unsent(out), model);

    let mut runs = vec![IoSlice::new(b"untouched"); slots];
    let count = out.slices(&mut runs);
    let first: Vec<u8> = runs[..count].iter().flat_map(|run| run.iter().copied()).collect();
    prop_assert!(model.starts_with(&first));
    prop_assert!(runs[..count].iter().all(|run| !run.is_empty()));
    match out.contiguous() {
        Some(run) => prop_assert_eq!(run, model),
        None => prop_assert!(count > 1 || slots == 1),
    }
    Ok(())
}

#[test]
fn an_output_is_small_and_an_empty_one_holds_nothing() {
    assert!(size_of::<Output>() <= 48, "{} bytes for each connection", size_of::<Output>());
    let out = Output::default();
    assert!(out.is_empty() && !out.has_buffer());
}

#[test]
fn an_idle_output_has_no_capacity_once_it_released_its_buffer() {
    let mut out = Output::new();
    out.put_slice(b"short");
    out.put_bytes(vec![0; 100_000].into());
    out.put_slice(b"behind it");
    out.advance(out.len());
    assert!(out.release().capacity() > 0);
    assert!(!out.has_buffer());
    assert_eq!(out.release().capacity(), 0);
}

#[test]
fn a_lent_buffer_comes_back() {
    let lent = Vec::with_capacity(65_536);
    let place = lent.as_ptr();
    let mut out = Output::new();
    out.adopt(lent);
    out.put_slice(b"header");
    out.put_bytes(vec![0; 10_000].into());
    out.put_slice(b"trailer");
    out.advance(out.len() - 3);
    assert_eq!(out.contiguous(), Some(&b"ler"[..]));
    out.advance(3);
    let back = out.release();
    assert_eq!(back.as_ptr(), place);
}

#[test]
fn a_buffer_is_not_taken_while_something_is_unsent() {
    let mut out = Output::new();
    out.put_slice(b"abc");
    out.adopt(Vec::with_capacity(65_536));
    assert_eq!(out.contiguous(), Some(&b"abc"[..]));
    out.advance(3);
    assert!(out.release().capacity() < 65_536);
}

#[test]
fn long_bytes_are_linked_and_short_ones_copied() {
    let long = Bytes::from(vec![b'l'; Output::LINKED_FROM]);
    let short = long.slice(1..);
    let mut out = Output::new();
    out.put_bytes(long.clone());
    assert_eq!(out.contiguous().unwrap().as_ptr(), long.as_ptr());
    out.advance(long.len());
    out.put_bytes(short.clone());
    assert_ne!(out.contiguous().unwrap().as_ptr(), short.as_ptr());
}

#[test]
fn linked_bytes_are_let_go_as_soon_as_they_are_sent() {
    let long = Bytes::from(vec![b'l'; 10_000]);
    let mut out = Output::new();
    out.put_bytes(long.clone());
    out.put_slice(b"rest");
    assert!(!long.is_unique());
    out.advance(9_999);
    assert!(!long.is_unique());
    out.advance(1);
    assert!(long.is_unique());
    assert_eq!(out.contiguous(), Some(&b"rest"[..]));
}

#[test]
fn more_is_never_sent_than_there_is() {
    let mut out = Output::new();
    out.advance(1);
    out.put_slice(b"abc");
    out.put_bytes(vec![0; 10_000].into());
    out.put_slice(b"abc");
    out.advance(usize::MAX);
    assert!(out.is_empty());
}

#[test]
fn a_peer_that_never_quite_catches_up_does_not_make_the_buffer_grow() {
    let mut out = Output::new();
    out.put_slice(&[0; 10_000]);
    for _ in 0..100_000 {
        out.put_slice(&[0; 1_000]);
        out.advance(1_000);
    }
    assert_eq!(out.len(), 10_000);
    out.advance(10_000);
    assert!(out.release().capacity() <= 65_536);
}
