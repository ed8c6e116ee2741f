//! Sockets and framed streams as events: POE's wheels in Rust.
//!
//! A wheel belongs to the session that builds it and calls that session's handlers by name:
//!
//! | wheel | does | tells |
//! |---|---|---|
//! | [`SocketFactory`] | listens and accepts, or connects, or makes datagram sockets | [`Established`], [`Listening`], [`Failure`] |
//! | [`ListenAccept`] | accepts on a listener that is there already | [`Established`], [`Failure`] |
//! | [`Datagram`] | receives and sends messages | [`Message`], [`Failure`], and flushes by [`WheelId`](reactor::WheelId) |
//! | [`ReadWrite`] | moves framed data both ways | [`Input`], [`Failure`], and marks and flushes by [`WheelId`](reactor::WheelId) |
//!
//! A session holds a wheel as a small handle; dropping the handle closes the wheel, and nothing of it
//! is delivered any more. What the peer or the system does wrong is a [`Failure`] event, and so is a bad
//! parameter: building a wheel never fails and never panics. Servers and clients that are built of these are
//! in the crate `components`.
//!
//! ```
//! use std::collections::HashMap;
//! use bytes::Bytes;
//! use reactor::{Context, Event, Kernel, States, WheelId};
//! use wheels::filter::Line;
//! use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};
//!
//! const GOT_CLIENT: Event<Established> = Event::new("got_client");
//!
//! #[derive(Default)]
//! struct Echo { listener: Option<SocketFactory>, clients: HashMap<WheelId, ReadWrite<Line>> }
//!
//! impl Echo {
//!     fn start(&mut self, cx: &mut Context<'_>, (): ()) {
//!         let listener = SocketFactory::listen("127.0.0.1:0")
//!             .build(cx, &GOT_CLIENT, "got_failure");
//! #       connect(listener.local_addr(cx).unwrap().as_ip().unwrap());
//!         self.listener = Some(listener);
//!     }
//!     fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
//!         let wheel = ReadWrite::builder(client.socket)
//!             .filter(Line::new())
//!             .build(cx, "got_line", "got_failure");
//!         self.clients.insert(wheel.id(), wheel);
//! #       self.listener = None;
//!     }
//!     fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
//!         if let Some(wheel) = self.clients.get(&line.wheel) {
//!             wheel.put(cx, line.item);
//!         }
//!     }
//!     fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
//!         // The peer ended, or the connection broke. What is still to be sent is sent.
//!         if let Some(wheel) = self.clients.remove(&failure.wheel) {
//!             wheel.shutdown(cx);
//!         }
//!     }
//! }
//! # fn connect(to: std::net::SocketAddr) {
//! #     use std::io::{Read, Write};
//! #     std::thread::spawn(move || {
//! #         let mut stream = std::net::TcpStream::connect(to).unwrap();
//! #         stream.write_all(b"hello\n").unwrap();
//! #         stream.shutdown(std::net::Shutdown::Write).unwrap();
//! #         let mut answer = String::new();
//! #         stream.read_to_string(&mut answer).unwrap();
//! #         assert_eq!(answer, "hello\r\n");
//! #     });
//! # }
//!
//! # fn main() -> std::io::Result<()> {
//! let echo = States::new()
//!     .on_start(Echo::start)
//!     .on(&GOT_CLIENT, Echo::got_client)
//!     .on("got_line", Echo::got_line)
//!     .on("got_failure", Echo::got_failure);
//! let mut kernel = Kernel::new()?;
//! kernel.spawn(&echo, Echo::default());
//! kernel.run()
//! # }
//! ```
//!
//! # Features
//!
//! Filters beyond the plain ones, each a feature of the crate `filters`, too: `http` ([`filter`]`::http`),
//! `tokio-codec` (`Codec`), `reference` (`Reference`) with its formats `json` and `postcard`, and `compression`. All
//! are off. So are `faults` and `simulation`, which are for tests and nothing that a program should turn on.
//!
//! # Logging
//!
//! What is told to nobody is logged through the crate `log`: `wheels::accept` has clients that were gone before they
//! were accepted, `wheels::read_write` half-closes that failed, both at `debug`; `wheels::bind` UNIX paths that were
//! taken over (`info`) or could not be removed (`warn`).

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod address;
mod datagram;
mod descriptor;
mod failure;
mod family;
#[cfg(feature = "faults")]
pub mod faults;
mod listen_accept;
mod options;
mod read_write;
mod resolve;
#[cfg(feature = "simulation")]
pub mod simulation;
mod socket;
mod socket_factory;
mod sys;
mod unix_path;

pub use address::{Address, UnixAddress};
pub use datagram::{Datagram, DatagramBuilder, Interface, Message, Sent};
pub use descriptor::Descriptor;
pub use failure::{Failure, Operation};
pub use family::{Domain, SocketType};
pub use filters as filter;
pub use listen_accept::{ListenAccept, ListenAcceptBuilder};
pub use options::SocketOptions;
pub use read_write::{Input, Put, ReadWrite, ReadWriteBuilder, ReadWriteParts, pipe};
pub use resolve::Protocol;
pub use socket::Socket;
pub use socket_factory::{
    Endpoint, Established, Host, Listening, Service, SocketFactory, SocketFactoryBuilder,
};
pub use sys::Credentials;

/// What the book shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/filters.md")]
#[doc = include_str!("../../../docs/src/streams.md")]
mod book {}
