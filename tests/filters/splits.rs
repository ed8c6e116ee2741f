//! However a stream is cut into reads, the items and the errors are the same.

use bytes::Bytes;
use filters::{Ending, FilterError, Line, Literal};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::feed::{Fed, cases, encode, feed, feed_to_end};

proptest! {
    #![proptest_config(cases(10_000))]

    #[test]
    fn p16_every_split_gives_the_same_lines_and_the_same_error(
        stream in stream(),
        line in line(),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let whole = both_ways(&line, &[&stream]);
        for at in 0..=stream.len() {
            let (left, right) = stream.split_at(at);
            prop_assert_eq!(&both_ways(&line, &[left, right]), &whole, "cut at {}", at);
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&both_ways(&line, &bytes), &whole, "byte by byte");
        let reads = cut(&stream, &cuts);
        prop_assert_eq!(&both_ways(&line, &reads), &whole, "cut into {:?}", reads);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn lines_are_those_of_a_plain_splitter(
        stream in stream(),
        ending in ending(),
        limit in limit(),
    ) {
        let expected = plain(&stream, &ending, limit);
        let line = Line::new().input(ending).max_length(limit);
        let fed = feed_to_end(&mut line.clone(), &[&stream]);
        prop_assert_eq!((fed.items, fed.failed), expected);
    }

    #[test]
    fn what_is_encoded_decodes_to_the_same_lines(
        texts in prop::collection::vec("[c-z0-9]{0,40}", 0..20),
        literal in literal(),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let items: Vec<Bytes> = texts.into_iter().map(Bytes::from).collect();
        let line = Line::literal(literal);
        let sent = encode(&mut line.clone(), &items);
        let fed = feed_to_end(&mut line.clone(), &cut(&sent, &cuts));
        prop_assert_eq!((fed.items, fed.failed), (items, None));
    }

    #[test]
    fn default_lines_decode_what_they_encode(
        texts in prop::collection::vec("[c-z0-9]{0,40}", 0..20),
        ending in select(vec![Ending::Any, Ending::Auto]),
        cuts in prop::collection::vec(any::<Index>(), 0..8),
    ) {
        let items: Vec<Bytes> = texts.into_iter().map(Bytes::from).collect();
        let line = Line::new().input(ending);
        let sent = encode(&mut line.clone(), &items);
        let fed = feed_to_end(&mut line.clone(), &cut(&sent, &cuts));
        prop_assert_eq!((fed.items, fed.failed), (items, None));
    }
}

/// Bytes of which most are, or begin, an ending.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(select(b"\r\r\n\n~~aab".to_vec()), 0..48)
}

fn line() -> impl Strategy<Value = Line> {
    (ending(), limit()).prop_map(|(ending, limit)| Line::new().input(ending).max_length(limit))
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        2 => Just(Ending::Any),
        2 => Just(Ending::Auto),
        4 => literal().prop_map(Ending::Literal),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    let endings: [&'static [u8]; 9] =
        [b"\n", b"\r", b"\r\n", b"\n\r", b"~~", b"~~~~", b"aab", b"a~a~b", b"\r\n\r\n"];
    select(endings.map(|ending| Literal::new(ending).expect("none is empty")).to_vec())
}

/// Short ones, so that many lines meet them.
fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..12_usize, 1 => Just(16_384)]
}

/// Cuts `stream` at these places into reads.
fn cut<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    places.extend([0, stream.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

/// Feeds the reads to a peer that goes on and to one that ends. What is pending after an error
/// depends on the last read alone and is left out.
fn both_ways(line: &Line, reads: &[&[u8]]) -> (Fed, Fed) {
    let mut pair = (feed(&mut line.clone(), reads), feed_to_end(&mut line.clone(), reads));
    for fed in [&mut pair.0, &mut pair.1] {
        if fed.failed.is_some() {
            fed.pending.clear();
        }
    }
    pair
}

/// The specification, written without any thought of speed or of reads: cut at the first ending,
/// then do the same with what is behind it.
fn plain(
    stream: &[u8],
    ending: &Ending,
    limit: usize,
) -> (Vec<Bytes>, Option<(usize, FilterError)>) {
    let mut ending = ending.clone();
    let mut items = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        let rest = &stream[at..];
        let found = (0..rest.len()).find_map(|i| Some((i, ending_of(&rest[i..], &ending)?)));
        let (content, width) = found.unwrap_or((rest.len(), 0));
        if content > limit {
            return (items, Some((at, FilterError::TooLong { limit })));
        }
        items.push(Bytes::copy_from_slice(&rest[..content]));
        if matches!(ending, Ending::Auto) && width > 0 {
            let settled = rest[content..content + width].to_vec();
            ending = Ending::Literal(Literal::new(settled).expect("an ending was found"));
        }
        at += content + width;
    }
    (items, None)
}

/// Returns how many bytes at the front of `rest` are an ending.
fn ending_of(rest: &[u8], ending: &Ending) -> Option<usize> {
    match ending {
        Ending::Literal(literal) => {
            rest.starts_with(literal.as_bytes()).then(|| literal.as_bytes().len())
        }
        _ => match rest {
            [b'\r', b'\n', ..] | [b'\n', b'\r', ..] => Some(2),
            [b'\r' | b'\n', ..] => Some(1),
            _ => None,
        },
    }
}
