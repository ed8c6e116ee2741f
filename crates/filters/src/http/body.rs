//! The body of a message, read: as it comes, or gathered.
//!
//! Owns how much of a body is to come, and what was gathered. Promises that a body is refused as soon
//! as what is announced exceeds the limit, and that memory grows with what came, not with what was
//! announced. Never decides how a body is delimited: that is `survey.rs`.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::chunked::Chunked;
use super::fault::Fault;
use super::head::Limits;
use crate::Input;

/// How the rest of a body is delimited.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes.
    Sized(u64),
    Chunked(Chunked),
    /// Whatever comes until the stream ends.
    ToEnd,
}

/// What comes next of a body.
#[derive(Debug)]
pub(super) enum Step {
    /// It takes more bytes to say.
    More,
    /// So many bytes of content, which are next in the input, and which the caller moves past.
    Data(usize),
    /// The end, and what was said behind it.
    End(HeaderMap),
}

impl Step {
    /// As much of `left` bytes as there is.
    pub(super) fn of(left: &mut u64, input: &Input<'_>) -> Self {
        let n = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
        *left -= n as u64;
        if n == 0 { Self::More } else { Self::Data(n) }
    }
}

impl Body {
    pub(super) fn next(&mut self, input: &mut Input<'_>, limits: &Limits) -> Result<Step, Fault> {
        match self {
            Self::Sized(0) => Ok(Step::End(HeaderMap::new())),
            Self::Sized(left) => Ok(Step::of(left, input)),
            Self::Chunked(chunked) => chunked.next(input, limits),
            Self::ToEnd if input.is_empty() => Ok(Step::More),
            Self::ToEnd => Ok(Step::Data(input.len())),
        }
    }

    /// Whether it is over though nobody has been told.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Sized(0))
    }

    /// How much content has been announced and not come.
    const fn announced(&self) -> u64 {
        match self {
            Self::Sized(left) => *left,
            Self::Chunked(chunked) => chunked.announced(),
            Self::ToEnd => 0,
        }
    }
}

/// A body that is delivered whole.
pub(super) struct Gathering {
    body: Body,
    content: Vec<u8>,
}

impl Gathering {
    /// Refuses a body that says it will be too long.
    pub(super) fn new(body: Body, limits: &Limits) -> Result<Self, Fault> {
        let gathering = Self { body, content: Vec::new() };
        gathering.check(0, limits)?;
        Ok(gathering)
    }

    /// The whole body, once it has come.
    pub(super) fn next(
        &mut self,
        input: &mut Input<'_>,
        limits: &Limits,
    ) -> Result<Option<Bytes>, Fault> {
        loop {
            let step = self.body.next(input, limits)?;
            match step {
                Step::More => {
                    self.check(0, limits)?;
                    return Ok(None);
                }
                Step::Data(n) if self.content.is_empty() && self.body.is_over() => {
                    return Ok(Some(input.take(n)));
                }
                Step::Data(n) => {
                    self.check(n, limits)?;
                    self.keep(&input.as_slice()[..n], limits);
                    input.skip(n);
                }
                Step::End(_) => return Ok(Some(self.take())),
            }
        }
    }

    /// The end of the stream, if that ends the body.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        matches!(self.body, Body::ToEnd).then(|| self.take())
    }

    /// How much of the content is there.
    pub(super) const fn len(&self) -> usize {
        self.content.len()
    }

    /// The bytes that were taken from the stream.
    pub(super) fn restored(&self) -> Vec<u8> {
        match &self.body {
            Body::Sized(_) | Body::ToEnd => self.content.clone(),
            Body::Chunked(chunked) => chunked.restored(&self.content),
        }
    }

    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.content).into()
    }

    /// Doubles what is kept as it grows, but never beyond what may come.
    fn keep(&mut self, piece: &[u8], limits: &Limits) {
        if self.content.capacity() - self.content.len() < piece.len() {
            let most = match self.body {
                Body::Sized(left) => usize::try_from(left).unwrap_or(usize::MAX),
                Body::Chunked(_) | Body::ToEnd => limits.content - self.content.len(),
            };
            let growth = self.content.len().min(most).max(piece.len());
            self.content.reserve_exact(growth);
        }
        self.content.extend_from_slice(piece);
    }

    fn check(&self, more: usize, limits: &Limits) -> Result<(), Fault> {
        let kept = (self.content.len() + more) as u64;
        if kept.saturating_add(self.body.announced()) > limits.content as u64 {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Fault::too_long(status, "the body is too long", limits.content));
        }
        Ok(())
    }
}

/// Counts, no content: it may be long, and it is somebody's mail.
impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("body", &self.body)
            .field("len", &self.content.len())
            .finish()
    }
}
