//! Filters through their public API: bytes in, items out, and back.
//!
//! `line` and `stream` are POE's scenarios for these filters and what we changed about them,
//! `splits` is the property all filters must have, `output` checks the write side against a plain
//! `Vec`.

mod block;
mod codec;
mod feed;
mod limits;
mod line;
mod net_string;
mod output;
mod reads;
mod reference;
mod splits;
mod stream;
