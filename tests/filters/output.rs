//! `Output` against a plain `Vec<u8>`, and what it keeps when it is idle.

use std::collections::HashSet;
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
    Reserve(usize),
    Detach,
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
                Step::Reserve(room) => out.reserve(room),
                Step::Detach => out.detach(),
                Step::Clear => {
                    out.clear();
                    model.clear();
                }
            }
            check(&out, &model, slots)?;
        }
        out.advance(model.len());
        check(&out, b"", slots)?;
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
        1 => (0..8192_usize).prop_map(Step::Reserve),
        1 => Just(Step::Detach),
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
fn an_output_is_a_pointer() {
    assert_eq!(size_of::<Output>(), size_of::<usize>(), "each idle connection has one");
}

#[test]
fn an_output_that_has_nothing_to_send_leaves_its_buffer_to_the_next() {
    let mut out = Output::new();
    out.put_slice(b"short");
    out.put_bytes(vec![0; 100_000].into());
    out.put_slice(b"it");
    let place = first_run(&out);
    out.advance(5);
    assert_ne!(first_run(&out), place);
    out.advance(out.len());
    let mut next = Output::new();
    next.put_slice(b"again");
    assert_eq!(first_run(&next), place);
    // That one has it, and a third has its own.
    out.put_slice(b"both");
    assert_ne!(first_run(&out), place);
    assert_eq!((unsent(&out), unsent(&next)), (b"both".to_vec(), b"again".to_vec()));
}

#[test]
fn a_thousand_outputs_leave_their_buffers_and_a_long_one_is_let_go() {
    let mut outs: Vec<Output> = std::iter::repeat_with(Output::new).take(1000).collect();
    outs.iter_mut().for_each(|out| out.put_slice(&[1; 300]));
    let places: HashSet<*const u8> = outs.iter().map(first_run).collect();
    outs.iter_mut().for_each(|out| out.advance(300));
    outs.iter_mut().for_each(|out| out.put_slice(&[2; 300]));
    assert!(outs.iter().all(|out| places.contains(&first_run(out))));

    let mut long = Output::new();
    long.put_slice(&[3; 100_000]);
    let place = first_run(&long);
    long.clear();
    // Something else may have its memory by now, but not as a buffer of that length.
    long.put_slice(&[4; 10]);
    assert_ne!(first_run(&long), place);
}

fn first_run(out: &Output) -> *const u8 {
    let mut runs = [IoSlice::new(b"")];
    assert_eq!(out.slices(&mut runs), 1);
    runs[0].as_ptr()
}

#[test]
fn long_bytes_are_linked_and_short_ones_copied() {
    let long = Bytes::from(vec![b'l'; Output::LINKED_FROM]);
    let short = long.slice(1..);
    let mut out = Output::new();
    out.put_slice(b"first");
    out.put_bytes(short);
    assert!(out.contiguous().is_some());
    out.put_bytes(long.clone());
    let mut runs = [IoSlice::new(b""); 2];
    assert_eq!(out.slices(&mut runs), 2);
    assert_eq!(runs[1].as_ptr(), long.as_ptr());
}

#[test]
fn bytes_that_are_put_alone_are_not_copied_until_something_comes_behind_them() {
    let alone = Bytes::from(b"alone".to_vec());
    let mut out = Output::new();
    out.put_bytes(Bytes::new());
    out.put_slice(b"");
    out.put_bytes(alone.clone());
    assert_eq!(out.contiguous().unwrap().as_ptr(), alone.as_ptr());
    out.put_slice(b"");
    out.advance(2);
    assert_eq!(out.contiguous(), Some(&b"one"[..]));
    out.put_slice(b" more");
    assert_eq!(out.contiguous(), Some(&b"one more"[..]));
    assert!(alone.is_unique(), "it was copied");
    assert_eq!(alone, &b"alone"[..]);
}

#[test]
fn a_filter_that_puts_an_item_in_pieces_can_say_so() {
    let item = Bytes::from_static(b"item");
    let mut out = Output::new();
    out.reserve(5);
    out.put_bytes(item.clone());
    assert_ne!(out.contiguous().unwrap().as_ptr(), item.as_ptr());
    out.put_slice(b"\n");
    assert_eq!(out.contiguous(), Some(&b"item\n"[..]));
}

#[test]
fn a_long_piece_that_was_put_alone_stays_linked_when_something_comes_behind_it() {
    let long = Bytes::from(vec![b'l'; 10_000]);
    let mut out = Output::new();
    out.put_bytes(long.clone());
    out.advance(3);
    out.detach();
    assert!(!long.is_unique(), "it is too long to be copied when it has to wait");
    out.put_slice(b"behind");
    let mut runs = [IoSlice::new(b""); 3];
    assert_eq!(out.slices(&mut runs), 2);
    assert_eq!((runs[0].as_ptr(), runs[0].len()), (long[3..].as_ptr(), 9_997));
    assert_eq!(&*runs[1], b"behind");
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
    let memory = allocation_counter::measure(|| {
        let mut out = Output::new();
        out.put_slice(&[0; 10_000]);
        for _ in 0..100_000 {
            out.put_slice(&[0; 1_000]);
            out.advance(1_000);
        }
        assert_eq!(out.len(), 10_000);
    });
    assert!(memory.bytes_max <= 2 * 65_536, "{memory:?}");
}

#[test]
fn more_room_than_there_is_memory_is_not_made_and_nothing_else_happens() {
    let mut out = Output::new();
    out.reserve(usize::MAX);
    out.put_slice(b"short");
    out.reserve(usize::MAX);
    out.put_slice(b", and more");
    assert_eq!(out.contiguous(), Some(&b"short, and more"[..]));
}
