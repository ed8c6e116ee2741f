//! Byte filters for series: with state, with memory, that expand, that hold items.

use bytes::Bytes;
use filters::{Filter, FilterError, Input, Output};

pub type ByteFilter = Box<dyn Filter<Item = Bytes, Out = Bytes>>;

/// Turns small letters by one more place for each byte that passes, each direction for itself.
#[derive(Debug, Clone, Default)]
pub struct Rolling {
    read: u8,
    written: u8,
}

impl Rolling {
    fn turn(state: &mut u8, bytes: &[u8], by: impl Fn(u8) -> u8) -> Bytes {
        let turned = bytes.iter().map(|&byte| {
            *state = (*state + 1) % 26;
            if byte.is_ascii_lowercase() { b'a' + (byte - b'a' + by(*state)) % 26 } else { byte }
        });
        turned.collect()
    }
}

impl Filter for Rolling {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let bytes = input.take(input.len());
        let turned = Self::turn(&mut self.read, &bytes, |state| 26 - state);
        Ok((!turned.is_empty()).then_some(turned))
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(Self::turn(&mut self.written, &item, |state| state));
        Ok(())
    }
}

/// A digit and a byte are so many of that byte. 0 is an error.
#[derive(Debug, Clone)]
pub struct Runs;

impl Filter for Runs {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let [digit, byte, ..] = *input.as_slice() else { return Ok(None) };
        if !(b'1'..=b'9').contains(&digit) {
            return Err(FilterError::Malformed { at: 0, what: "no length".into() });
        }
        input.skip(2);
        Ok(Some(Bytes::from(vec![byte; usize::from(digit - b'0')])))
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        for run in item.chunk_by(|a, b| a == b).flat_map(|run| run.chunks(9)) {
            out.put_slice(run.len().to_string().as_bytes());
            out.put_slice(&run[..1]);
        }
        Ok(())
    }
}

/// Records of so many bytes.
#[derive(Debug, Clone)]
pub struct Fixed(pub usize);

impl Filter for Fixed {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        Ok((input.len() >= self.0).then(|| input.take(self.0)))
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

/// Takes all it is offered at once, as a decompressor does, and makes items of three bytes of it.
#[derive(Debug, Clone, Default)]
pub struct Hoard(Vec<u8>);

impl Filter for Hoard {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.0.extend_from_slice(&input.take(input.len()));
        Ok((self.0.len() >= 3).then(|| self.0.drain(..3).collect()))
    }

    fn finish(&mut self, _: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let last = self.take_pending();
        Ok((!last.is_empty()).then(|| last.into()))
    }

    fn holds_items(&self) -> bool {
        self.0.len() >= 3
    }

    fn pending(&self) -> usize {
        self.0.len()
    }

    fn take_pending(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

/// Records of three bytes, by one that relies on what it was promised: if it asked for more, it sees
/// what it left, and then more.
#[derive(Debug, Default)]
pub struct Relying(Vec<u8>);

impl Filter for Relying {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        assert!(input.as_slice().starts_with(&self.0), "{:?} before, now {input:?}", self.0);
        let item = (input.len() >= 3).then(|| input.take(3));
        self.0 = if item.is_none() { input.as_slice().to_vec() } else { Vec::new() };
        Ok(item)
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

/// Counts the bytes it reads, and answers with a question mark for each three.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    read: usize,
    answered: usize,
}

impl Filter for Asking {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        self.read += input.len();
        Ok((!input.is_empty()).then(|| input.take(input.len())))
    }

    fn has_answer(&self) -> bool {
        self.read / 3 > self.answered
    }

    fn answer(&mut self, out: &mut Output) {
        while self.has_answer() {
            self.answered += 1;
            out.put_slice(b"?");
        }
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}
