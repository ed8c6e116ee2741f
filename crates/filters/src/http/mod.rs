//! HTTP/1.0 and HTTP/1.1 (RFC 9112), for servers and for clients; POE's `Filter::HTTPD`.
//!
//! | filter | comes | goes |
//! |---|---|---|
//! | [`Httpd::new`] | [`Received`]`<Request<Bytes>>` | `Response<Bytes>` |
//! | [`Httpd::streaming`] | [`Received`]`<`[`Piece`]`<Request<()>>>` | [`Outgoing`]`<Response<()>>` |
//! | [`HttpClient::new`] | `Response<Bytes>` | `Request<Bytes>` |
//! | [`HttpClient::streaming`] | [`Piece`]`<Response<()>>` | [`Outgoing`]`<Request<()>>` |
//!
//! Heads are those of the crate `http`. Promises that two ends which read the same bytes see
//! the same messages: what could be understood in two ways is refused. Never reads a clock: `Date` and
//! time limits are the application's. Read `items.rs` next, then `server/mod.rs`.

mod body;
mod chunked;
mod client;
mod encode;
mod fault;
mod head;
mod items;
mod server;
mod survey;

pub use self::client::HttpClient;
pub use self::items::{Gathered, Outgoing, Piece, Received, Rejected, Streamed};
pub use self::server::Httpd;
