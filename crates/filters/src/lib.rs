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
//! | [`Block`] | a block of bytes with its [length] before it, or of fixed size | `POE::Filter::Block` |
//! | [`Line`] | a line without its ending | `POE::Filter::Line` |
//! | [`NetString`] | a netstring without its length and comma | |
//! | [`Stream`] | whatever has arrived | `POE::Filter::Stream` |
//!
//! More come with features, because of what they depend on:
//!
//! | filter | an item is | POE | feature |
//! |---|---|---|---|
//! | `http::Httpd`, `http::HttpClient` | a message of HTTP/1.x, whole or in pieces | `POE::Filter::HTTPD` | `http` |
//! | `Codec` | an item of a codec of `tokio_util` | | `tokio-codec` |
//! | `Reference` | a value of any type that serde knows | `POE::Filter::Reference` | `reference`, and `json`, `postcard` for these formats, `compression` |
//!
//! Of these, others are made:
//!
//! | made with | what it does | POE |
//! |---|---|---|
//! | [`map_input`](Filter::map_input), [`map_output`](Filter::map_output) | changes items; `try_` and `flat_` before it: may refuse, makes several | `POE::Filter::Map` |
//! | [`grep_input`](Filter::grep_input), [`grep_output`](Filter::grep_output) | leaves items out | `POE::Filter::Grep` |
//! | [`records`](Filter::records) | so many items are one list | `POE::Filter::RecordBlock` |
//! | [`then`](Filter::then) | two framings in series | `POE::Filter::Stackable` |
//! | [`Stack`] | framings in series, changed in mid-stream | `POE::Filter::Stackable` |
//! | [`Pair`] | one framing in, another out | `InputFilter`, `OutputFilter` |
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

mod adapter;
mod between;
mod block;
#[cfg(feature = "tokio-codec")]
mod codec;
mod error;
mod filter;
mod flat_map;
mod grep;
#[cfg(feature = "http")]
pub mod http;
mod input;
pub mod length;
mod line;
mod map;
mod net_string;
mod output;
mod pair;
mod record_block;
#[cfg(feature = "reference")]
mod reference;
mod spare;
mod stack;
mod stream;
mod then;

pub use crate::block::Block;
#[cfg(feature = "tokio-codec")]
pub use crate::codec::Codec;
pub use crate::error::FilterError;
pub use crate::filter::Filter;
pub use crate::flat_map::{FlatMapInput, FlatMapOutput};
pub use crate::grep::{GrepInput, GrepOutput};
pub use crate::input::Input;
pub use crate::line::{Ending, Line, Literal};
pub use crate::map::{MapInput, MapOutput, TryMapInput, TryMapOutput};
pub use crate::net_string::NetString;
pub use crate::output::Output;
pub use crate::pair::Pair;
pub use crate::record_block::RecordBlock;
#[cfg(feature = "json")]
pub use crate::reference::Json;
#[cfg(feature = "postcard")]
pub use crate::reference::Postcard;
#[cfg(feature = "reference")]
pub use crate::reference::{Format, NoFatals, Reference};
pub use crate::stack::Stack;
pub use crate::stream::Stream;
pub use crate::then::Then;
