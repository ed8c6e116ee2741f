//! Filters through their public API: bytes in, items out, and back.
//!
//! `line` and `stream`, `map`, `grep`, `record_block` and `stack` are POE's scenarios for these
//! filters and what we changed about them, `splits` is the property all filters must have, `output` checks the write side against a plain
//! `Vec`.

mod block;
mod checks;
mod codec;
mod corpus;
mod drive;
mod feed;
mod grep;
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
mod splits;
mod stack;
mod stream;
