//! Bytes to items and back: the filters a stream is read and written through.
//!
//! ```text
//!   received bytes --Input--> Filter::decode --> items      for the session
//!      bytes to send <--Output-- Filter::encode <-- items   from the session
//! ```
//!
//! A [`Filter`] knows one framing. It owns no bytes: what has been received is lent to it as an
//! [`Input`], and what it encodes goes to an [`Output`] that somebody else writes. It can therefore
//! be swapped in the middle of a stream, and a test needs nothing but a byte string.
//!
//! | filter | an item is | POE |
//! |---|---|---|
//! | [`Line`] | a line without its ending | `POE::Filter::Line` |
//! | `http` (feature `http`) | a message of HTTP/1.x, whole or in pieces | `POE::Filter::HTTPD` |
//! | [`Stream`] | whatever has arrived | `POE::Filter::Stream` |
//!
//! ```
//! use filters::{Filter, Input, Line};
//!
//! let mut line = Line::new();
//! let mut input = Input::new(b"one\r\ntwo\nthr");
//! assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"one"[..]));
//! assert_eq!(line.decode(&mut input)?.as_deref(), Some(&b"two"[..]));
//! assert_eq!(line.decode(&mut input)?, None);
//! assert_eq!(input.as_slice(), b"thr"); // stays where it is, and is offered again with more
//! # Ok::<(), filters::FilterError>(())
//! ```
//!
//! Promises that the items depend on the bytes only, never on how the network cut them up, and that
//! no peer makes a filter panic or hold more than its limit. Never does I/O, never reads a clock,
//! does not know what a socket is. Read `filter.rs` next, then `line.rs` as the worked example.

#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod error;
mod filter;
#[cfg(feature = "http")]
pub mod http;
mod input;
mod line;
mod output;
mod stream;

pub use crate::error::FilterError;
pub use crate::filter::Filter;
pub use crate::input::Input;
pub use crate::line::{Ending, Line, Literal};
pub use crate::output::Output;
pub use crate::stream::Stream;
