//! Filters through their public API: bytes in, items out, and back.
//!
//! `line` and `stream` are POE's scenarios for these filters and what we changed about them,
//! `splits` is the property all filters must have, `output` checks the write side against a plain
//! `Vec`. `http` has the same for HTTP.

mod feed;
mod http;
mod limits;
mod line;
mod output;
mod splits;
mod stream;
