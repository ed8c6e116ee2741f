//! What must hold of a filter for any bytes: the bodies of the fuzz targets.
//!
//! A case is a byte string: parameters, where to cut, and the stream. `tests/fuzz` has a fuzzer make
//! them up; `corpus.rs` runs those that are kept.

pub mod block;
pub mod http;
pub mod line;
pub mod reference;
pub mod stack;
pub mod watch;

use std::io::IoSlice;

use bytes::Bytes;
use filters::{Filter, Output};

/// Reads a case from its front. What is not there is zero.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a>(pub &'a [u8]);

impl<'a> Case<'a> {
    pub fn byte(&mut self) -> u8 {
        let [first, rest @ ..] = self.0 else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u8) -> u8 {
        self.byte() % n
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()].clone()
    }

    /// A limit: most are near what a stream of this size meets.
    pub fn limit(&mut self) -> usize {
        match self.byte() {
            255 => 65_536,
            254 => usize::MAX,
            byte => usize::from(byte),
        }
    }

    /// Up to seven reads of these sizes and one with the rest: how the stream is cut.
    pub fn cuts(&mut self) -> Vec<usize> {
        (0..self.below(8)).map(|_| usize::from(self.byte())).collect()
    }
}

/// Cuts `stream` into reads of these sizes and one with the rest.
pub fn reads<'a>(mut stream: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut reads = Vec::new();
    for &size in sizes {
        let (read, rest) = stream.split_at(size.min(stream.len()));
        reads.push(read);
        stream = rest;
    }
    reads.push(stream);
    reads
}

/// Returns the bytes of `items`, each of which must be one that can be encoded.
pub fn encoded<F: Filter<Out = Bytes>>(filter: &mut F, items: &[Bytes]) -> Vec<u8> {
    let mut out = Output::new();
    for item in items {
        filter.encode(item.clone(), &mut out).expect("what was decoded can be encoded");
    }
    sent(&mut out)
}

/// Returns all that would be sent.
pub fn sent(out: &mut Output) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !out.is_empty() {
        let mut runs = [IoSlice::new(b""); 16];
        let count = out.slices(&mut runs);
        let before = bytes.len();
        runs[..count].iter().for_each(|run| bytes.extend_from_slice(run));
        out.advance(bytes.len() - before);
    }
    bytes
}
