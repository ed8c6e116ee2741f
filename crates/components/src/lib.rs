//! Servers and clients ready made: POE's TCP components in Rust.
//!
//! A component is a session that has wheels of its own, keeps the books, and calls you back. You give it a
//! state, which it owns, and say what you want to hear of:
//!
//! | component | does | lends its callbacks | POE |
//! |---|---|---|---|
//! | [`TcpServer`] | listens, accepts, keeps each connection with a state of its own, ends in order | a [`Client`], or all [`Clients`] | `POE::Component::Server::TCP` |
//! | [`TcpClient`] | connects, and again when the connection breaks | the [`Server`] | `POE::Component::Client::TCP` |
//!
//! Both are for UNIX streams as well. Items are made of bytes by a filter of `wheels::filter`, a new one for
//! each connection. (HTTP and others are [features of `wheels`](wheels#features).)
//!
//! # A server and a client
//!
//! The server counts lines, all of them and each client's; the client says two and ends.
//! What callbacks share is the state `S`; what belongs to one connection is `C`.
//!
//! ```
//! use bytes::Bytes;
//! use components::{Client, DRAIN, Reconnect, Server, TcpClient, TcpServer};
//! use reactor::{Context, Kernel};
//! use std::time::Duration;
//! use wheels::Listening;
//! use wheels::filter::Line;
//!
//! #[derive(Default)]
//! struct Tally { lines: u32 }                             // the server's state
//! #[derive(Default)]
//! struct Talker { lines: u32 }                            // a connection's
//!
//! impl Tally {
//!     fn listening(&mut self, cx: &mut Context<'_>, up: Listening) {
//!         let address = up.local_addr.as_ip().expect("TCP");
//!         TcpClient::new(Line::new)
//!             .connect(address)                           // or "example.org:echo"
//!             .reconnect(Reconnect::new().attempts(3))
//!             .connected(|_, server| drop((server.put("one"), server.put("two"))))
//!             .server_input(Answers::line)
//!             .spawn(cx, Answers::default());             // a child of the server's session
//!     }
//!     fn line(&mut self, client: &mut Client<'_, Line, Talker>, _: Bytes) {
//!         self.lines += 1;
//!         client.state().lines += 1;
//!         let yours = client.state().lines;
//!         client.put(format!("{yours} of {}", self.lines));
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Answers { heard: Vec<Bytes> }
//!
//! impl Answers {
//!     fn line(&mut self, server: &mut Server<'_, Line>, line: Bytes) {
//!         self.heard.push(line);
//!         if self.heard.len() == 2 {
//!             assert_eq!(self.heard, ["1 of 1", "2 of 2"]);
//!             server.shutdown();                          // and it does not connect again
//!             server.cx().post("tally", &DRAIN, Duration::from_secs(5)).expect("it is there");
//!         }
//!     }
//! }
//!
//! let mut kernel = Kernel::new()?;
//! TcpServer::with_clients(Line::new, |_: &mut Tally, _| Talker::default())
//!     .listen("127.0.0.1:0")
//!     .alias("tally")
//!     .listening(Tally::listening)
//!     .client_input(Tally::line)
//!     .spawn(&mut kernel, Tally::default());
//! kernel.run()?;                                          // until neither is left
//! # std::io::Result::Ok(())
//! ```
//!
//! The book has the whole of it, `docs/src/components.md`: who is called when, what is limited, how a server
//! ends, and what to look at if it does not.
//!
//! # Events
//!
//! Others post these to a component's session, by its id or its alias; names that the user gives to
//! [`TcpServer::on`], [`TcpServer::on_client`] and [`TcpClient::on`] as well.
//!
//! | event | to | does |
//! |---|---|---|
//! | [`SHUTDOWN`] | a server | listens no more; connections live on |
//! | [`SHUTDOWN`] | a client; a connection with a [session of its own](TcpServer::session_per_client) | sends what was put, and closes |
//! | [`DRAIN`] | a server | ends in order, within a time |
//! | [`SET_CONCURRENCY`] | a server | lets so many in from now on |
//! | [`DISCONNECTED`] | a server with an [acceptor](TcpServer::acceptor) | a connection is closed: one more may come |
//! | [`CONNECT`] | a client | connects there, now and from now on |
//! | [`RECONNECT`] | a client | connects again, at once |
//! | one's own, as a [`ToClient`] | a server | calls the handler of `on_client` with that connection |
//!
//! Names that begin with `tcp_server_` or `tcp_client_` are for the components themselves.
//!
//! # Logging
//!
//! Through [`log`], with the targets `components::tcp_server` and what is below it, and
//! `components::tcp_client`. What goes wrong is logged if no callback is told; who is refused and when a
//! client connects again, as information.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod events;
mod outcome;
mod spawn;
mod tcp_client;
mod tcp_server;

pub use events::{CONNECT, DISCONNECTED, DRAIN, RECONNECT, SET_CONCURRENCY, SHUTDOWN};
pub use outcome::Outcome;
pub use spawn::Spawn;
pub use tcp_client::{Reconnect, Server, TcpClient};
pub use tcp_server::{Client, Clients, GivesAway, Keeps, Refusal, Refused, TcpServer, ToClient};

/// What the book shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/components.md")]
mod book {}
