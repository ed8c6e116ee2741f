//! Plays the part of a wheel: keeps what a filter leaves, and offers it again with more behind it.

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Output};
use proptest::test_runner::Config;

/// What a filter made of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Fed {
    pub items: Vec<Bytes>,
    /// Where in the whole stream the filter stood when it failed.
    pub failed: Option<(usize, FilterError)>,
    /// What it had not consumed at the end: POE's `get_pending`.
    pub pending: Vec<u8>,
}

/// Decodes one read after another; the peer goes on.
pub fn feed<F: Filter<Item = Bytes>>(filter: &mut F, reads: &[&[u8]]) -> Fed {
    let mut fed = Fed { items: Vec::new(), failed: None, pending: Vec::new() };
    let mut consumed = 0;
    for read in reads {
        fed.pending.extend_from_slice(read);
        let mut input = Input::new(&fed.pending);
        let result = drain(filter, &mut input, &mut fed.items);
        let used = input.consumed();
        consumed += used;
        fed.pending.drain(..used);
        if let Err(error) = result {
            fed.failed = Some((consumed, error));
            break;
        }
    }
    fed
}

/// Decodes one read after another; then the peer ends.
pub fn feed_to_end<F: Filter<Item = Bytes>>(filter: &mut F, reads: &[&[u8]]) -> Fed {
    let mut fed = feed(filter, reads);
    if fed.failed.is_none() {
        let consumed: usize =
            reads.iter().map(|read| read.len()).sum::<usize>() - fed.pending.len();
        let mut input = Input::new(&fed.pending);
        match filter.finish(&mut input) {
            Ok(item) => fed.items.extend(item),
            Err(error) => fed.failed = Some((consumed, error)),
        }
        let used = input.consumed();
        fed.pending.drain(..used);
    }
    fed
}

/// Decodes until there is nothing more. Every item must have consumed something, or this would
/// hang.
fn drain<F: Filter<Item = Bytes>>(
    filter: &mut F,
    input: &mut Input<'_>,
    items: &mut Vec<Bytes>,
) -> Result<(), FilterError> {
    loop {
        let before = input.consumed();
        match filter.decode(input)? {
            Some(item) => items.push(item),
            None => return Ok(()),
        }
        assert!(input.consumed() > before, "an item came out of nothing");
    }
}

/// Returns all the bytes that `items` are encoded to.
pub fn encode<F: Filter<Out = Bytes>>(filter: &mut F, items: &[Bytes]) -> Vec<u8> {
    let mut out = Output::new();
    for item in items {
        filter.encode(item.clone(), &mut out).expect("this item can be encoded");
    }
    unsent(&out)
}

/// Returns all that has not been sent.
pub fn unsent(out: &Output) -> Vec<u8> {
    let mut runs = [std::io::IoSlice::new(b""); 256];
    let count = out.slices(&mut runs);
    runs[..count].iter().flat_map(|run| run.iter().copied()).collect()
}

/// POE's "standard test": `reads` give `items`, and these are encoded to `put`.
pub fn standard_test<F>(filter: &F, reads: &[&[u8]], items: &[&str], put: &[u8])
where
    F: Filter<Item = Bytes, Out = Bytes> + Clone,
{
    let fed = feed(&mut filter.clone(), reads);
    assert_eq!(fed.items, items);
    assert_eq!(fed.failed, None);

    let all: Vec<u8> = reads.concat();
    assert_eq!(feed(&mut filter.clone(), &[&all]), fed, "in one read");
    assert_eq!(Bytes::from(encode(&mut filter.clone(), &fed.items)), put);
}

/// So many generated cases. A failure prints its input; nothing is written beside the sources.
pub fn cases(n: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(n) }
}
