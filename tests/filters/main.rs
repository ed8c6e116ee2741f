//! Filters through their public API: bytes in, items out, and back.
//!
//! The files named like a filter are POE's scenarios for it and what we changed about it; `splits` and
//! `series` are the property that all filters must have, `output` checks the write side against a plain
//! `Vec`.

mod block;
mod checks;
mod codec;
mod corpus;
mod drive;
mod feed;
mod grep;
mod http;
mod kinds;
mod limits;
mod line;
mod map;
mod net_string;
mod output;
mod reads;
mod record_block;
mod reference;
mod series;
mod spare;
mod splits;
mod stack;
mod stream;
