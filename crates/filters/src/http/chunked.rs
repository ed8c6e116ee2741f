//! The chunked transfer coding, read.
//!
//! Owns where in a chunk the stream is. Promises to take the letter of RFC 9112, 7.1 and nothing
//! else: a lenient reader behind a strict one, or the other way round, is a smuggler's way. Extensions
//! are skipped. Never keeps content. What is written is `encode.rs`.

use http::{HeaderMap, StatusCode};

use super::body::Step;
use super::fault::Fault;
use super::head::{Limits, Search, trailers};
use crate::Input;

/// ```text
/// Size --n--> Data --all of it--> DataEnd --CRLF--> Size
/// Size --0--> Trailers --empty line--> end
/// ```
#[derive(Debug)]
pub(super) enum Chunked {
    /// At the line that says how long a chunk is.
    Size,
    /// In a chunk of which so much is to come.
    Data(u64),
    /// Behind the content of a chunk.
    DataEnd,
    /// Behind the last chunk.
    Trailers(Search),
}

impl Chunked {
    /// Moves past what is not content.
    pub(super) fn next(&mut self, input: &mut Input<'_>, limits: &Limits) -> Result<Step, Fault> {
        loop {
            let moved = match self {
                Self::Size => self.size(input)?,
                Self::Data(0) => {
                    *self = Self::DataEnd;
                    true
                }
                Self::Data(left) => return Ok(Step::of(left, input)),
                Self::DataEnd => self.data_end(input)?,
                Self::Trailers(search) => {
                    let trailers = trailer_section(search, input, limits)?;
                    return Ok(trailers.map_or(Step::More, Step::End));
                }
            };
            if !moved {
                return Ok(Step::More);
            }
        }
    }

    /// How much content has been announced and not come.
    pub(super) const fn announced(&self) -> u64 {
        match self {
            Self::Data(left) => *left,
            Self::Size | Self::DataEnd | Self::Trailers(_) => 0,
        }
    }

    /// The bytes that stand for `content`, which was taken from the stream, in front of what was not
    /// taken: one chunk, however many they were.
    pub(super) fn restored(&self, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let size = self.announced() + content.len() as u64;
        if size > 0 {
            bytes.extend_from_slice(format!("{size:x}\r\n").as_bytes());
            bytes.extend_from_slice(content);
        }
        match self {
            Self::Size if size > 0 => bytes.extend_from_slice(b"\r\n"),
            Self::Trailers(_) if size > 0 => bytes.extend_from_slice(b"\r\n0\r\n"),
            Self::Trailers(_) => bytes.extend_from_slice(b"0\r\n"),
            Self::Size | Self::Data(_) | Self::DataEnd => {}
        }
        bytes
    }

    fn size(&mut self, input: &mut Input<'_>) -> Result<bool, Fault> {
        let bytes = input.as_slice();
        let window = &bytes[..bytes.len().min(MAX_LINE)];
        let Some(newline) = memchr::memchr(b'\n', window) else {
            if window.len() == MAX_LINE {
                return Err(Fault::bad("the line before a chunk is too long"));
            }
            return Ok(false);
        };
        let size = size(&window[..newline])?;
        input.skip(newline + 1);
        *self = if size == 0 { Self::Trailers(Search::default()) } else { Self::Data(size) };
        Ok(true)
    }

    fn data_end(&mut self, input: &mut Input<'_>) -> Result<bool, Fault> {
        match input.as_slice() {
            [] | [b'\r'] => Ok(false),
            [b'\r', b'\n', ..] => {
                input.skip(2);
                *self = Self::Size;
                Ok(true)
            }
            _ => Err(Fault::bad("a chunk is longer than it said")),
        }
    }
}

/// Reads the line before a chunk, given without its newline.
fn size(line: &[u8]) -> Result<u64, Fault> {
    const NO_SIZE: Fault = Fault::bad("a chunk does not say how long it is");
    let Some((b'\r', line)) = line.split_last() else { return Err(NO_SIZE) };
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(digits);
    let extension = rest.trim_ascii_start();
    let proper = extension.is_empty() || extension[0] == b';';
    if digits.is_empty() || !proper || extension.iter().any(|byte| matches!(byte, b'\r' | 0)) {
        return Err(NO_SIZE);
    }
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            sum.checked_mul(16)?.checked_add(u64::from(digit))
        })
        .filter(|size| *size <= u64::MAX / 2) // so that sums of two stay in bounds
        .ok_or(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "a chunk is beyond all bounds"))
}

/// The fields behind the last chunk, once they are complete.
fn trailer_section(
    search: &mut Search,
    input: &mut Input<'_>,
    limits: &Limits,
) -> Result<Option<HeaderMap>, Fault> {
    let bytes = input.as_slice();
    match bytes {
        [] | [b'\r'] => return Ok(None),
        [b'\r', b'\n', ..] => {
            input.skip(2);
            return Ok(Some(HeaderMap::new()));
        }
        _ => {}
    }
    let window = &bytes[..bytes.len().min(limits.head)];
    let Some(end) = search.end(window) else {
        if window.len() < limits.head {
            return Ok(None);
        }
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        return Err(Fault::too_long(status, "the trailers are too long", limits.head));
    };
    let section = &window[..end];
    if memchr::memchr_iter(b'\n', section).any(|at| at == 0 || section[at - 1] != b'\r') {
        return Err(Fault::bad("a line of the trailers does not end as lines do"));
    }
    let trailers = trailers(section, limits)?;
    input.skip(end);
    Ok(Some(trailers))
}

/// Longer than any extension in use; that of Amazon's signed uploads has 82 bytes.
const MAX_LINE: usize = 1024;
