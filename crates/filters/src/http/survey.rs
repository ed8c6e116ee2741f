//! What the fields of a head say about the message and the connection.
//!
//! Owns the rules of RFC 9112, 6 and 9.3, that tell one message from the next. Promises to refuse
//! whatever two readers could understand differently: that is how requests are smuggled past a proxy.
//! `body.rs` reads what it announces.

use http::{HeaderName, StatusCode, Version, header};

use super::fault::Fault;

/// What was said so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "fields that are there or not")]
pub(super) struct Survey {
    length: Option<u64>,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    /// The other end wants to speak something else.
    pub(super) upgrade: bool,
    /// The content is encoded, so there must be some.
    pub(super) encoded: bool,
    pub(super) hosts: u8,
    /// It means something in a request only.
    pub(super) host_is_bad: bool,
    pub(super) expects: Expects,
    /// The first thing that was wrong.
    fault: Option<Fault>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Coding {
    #[default]
    None,
    Chunked,
    Unknown,
}

/// What a client expects before it sends its body.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expects {
    #[default]
    Nothing,
    /// A `100 Continue`.
    Continue,
    /// What nobody knows.
    Other,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Unsaid,
    Known(u64),
    Chunked,
}

impl Survey {
    /// Takes note of a field.
    pub(super) fn note(&mut self, name: &HeaderName, value: &[u8]) {
        let noted = match *name {
            header::CONTENT_LENGTH => self.note_length(value),
            header::TRANSFER_ENCODING => self.note_coding(value),
            header::CONNECTION => {
                self.note_connection(value);
                Ok(())
            }
            header::HOST => {
                self.note_host(value);
                Ok(())
            }
            header::EXPECT => {
                let known = value.eq_ignore_ascii_case(b"100-continue");
                self.expects = if known { Expects::Continue } else { Expects::Other };
                Ok(())
            }
            header::CONTENT_ENCODING => {
                self.encoded = true;
                Ok(())
            }
            _ => Ok(()),
        };
        if let Err(fault) = noted {
            self.fault.get_or_insert(fault);
        }
    }

    /// How long the body is. Refuses what is wrong with any field.
    pub(super) fn length(&self, version: Version) -> Result<Length, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match (self.coding, self.length) {
            (Coding::None, None) => Ok(Length::Unsaid),
            (Coding::None, Some(length)) => Ok(Length::Known(length)),
            (Coding::Chunked | Coding::Unknown, Some(_)) => {
                Err(Fault::bad("a length and a transfer coding contradict each other"))
            }
            (Coding::Chunked | Coding::Unknown, None) if version == Version::HTTP_10 => {
                Err(Fault::bad("HTTP/1.0 has no transfer codings"))
            }
            (Coding::Chunked, None) => Ok(Length::Chunked),
            (Coding::Unknown, None) => Err(Fault::new(
                StatusCode::NOT_IMPLEMENTED,
                "the transfer coding is not known here",
            )),
        }
    }

    /// Whether the sender means to end the connection after this message.
    pub(super) fn is_last(&self, version: Version) -> bool {
        self.close || (version == Version::HTTP_10 && !self.keep_alive)
    }

    fn note_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.length.is_some() {
            return Err(Fault::bad("there are two lengths"));
        }
        self.length = Some(0); // also of a bad one: it counts as said
        self.length = Some(number(value)?);
        Ok(())
    }

    fn note_coding(&mut self, value: &[u8]) -> Result<(), Fault> {
        for coding in tokens(value) {
            if self.coding == Coding::Chunked {
                return Err(Fault::bad("chunked is not the last transfer coding"));
            }
            let chunked = coding.eq_ignore_ascii_case(b"chunked") && self.coding == Coding::None;
            self.coding = if chunked { Coding::Chunked } else { Coding::Unknown };
        }
        if self.coding == Coding::None {
            return Err(Fault::bad("the transfer coding has no name"));
        }
        Ok(())
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in tokens(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    fn note_host(&mut self, value: &[u8]) {
        self.hosts = self.hosts.saturating_add(1);
        let proper =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte);
        self.host_is_bad |= self.hosts > 1 || !value.iter().all(proper);
    }
}

/// The elements of a list, without the empty ones (RFC 9110, 5.6.1).
pub(super) fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// A length: digits and nothing else.
pub(super) fn number(digits: &[u8]) -> Result<u64, Fault> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::bad("the length is no number"));
    }
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .ok_or(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "the length is beyond all bounds"))
}
