//! A network that does not exist, to test servers on.
//!
//! A [`Simulation`] has hosts, each with a [`Kernel`](reactor::Kernel) of its own, and a network between them. Time is
//! virtual: an hour of silence takes no time. Chance decides how long things take, what arrives in pieces and
//! who is served first, and it decides by a seed: a run that failed is repeated by its seed, event for event.
//! The sessions, wheels and components are the same as ever, and do not know.
//!
//! ```
//! use std::time::Duration;
//! use reactor::{Context, States};
//! use simulation::{Conditions, Simulation};
//! use wheels::filter::Line;
//! use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};
//!
//! #[derive(Default)]
//! struct Echo { listener: Option<SocketFactory>, client: Option<ReadWrite<Line>> }
//!
//! #[derive(Default)]
//! struct Client { factory: Option<SocketFactory>, wheel: Option<ReadWrite<Line>>, heard: bool }
//!
//! # fn main() -> std::io::Result<()> {
//! let echo = States::new()
//!     .on_start(|echo: &mut Echo, cx: &mut Context<'_>, ()| {
//!         let factory = SocketFactory::builder().bind_address("0.0.0.0").bind_port(7);
//!         echo.listener = Some(factory.build(cx, "got_client", "got_failure"));
//!     })
//!     .on("got_client", |echo: &mut Echo, cx: &mut Context<'_>, client: Established| {
//!         let wheel = ReadWrite::builder(client.socket).filter(Line::new());
//!         echo.client = Some(wheel.build(cx, "got_line", "got_failure"));
//!     })
//!     .on("got_line", |echo: &mut Echo, cx: &mut Context<'_>, line: Input<bytes::Bytes>| {
//!         let wheel = echo.client.as_ref().unwrap();
//!         wheel.put(cx, line.item);
//!     })
//!     .on("got_failure", |echo: &mut Echo, _: &mut Context<'_>, _: Failure| {
//!         (echo.client, echo.listener) = (None, None);
//!     });
//!
//! let client = States::new()
//!     .on_start(|client: &mut Client, cx: &mut Context<'_>, ()| {
//!         let factory = SocketFactory::connect(("server", 7));
//!         client.factory = Some(factory.build(cx, "connected", "got_failure"));
//!     })
//!     .on("connected", |client: &mut Client, cx: &mut Context<'_>, server: Established| {
//!         let wheel = ReadWrite::builder(server.socket).filter(Line::new());
//!         let wheel = wheel.build(cx, "got_line", "got_failure");
//!         wheel.put(cx, "hello");
//!         (client.factory, client.wheel) = (None, Some(wheel));
//!     })
//!     .on("got_line", |client: &mut Client, _: &mut Context<'_>, line: Input<bytes::Bytes>| {
//!         client.heard = line.item == "hello";
//!         client.wheel = None;
//!     })
//!     .on("got_failure", |_: &mut Client, _: &mut Context<'_>, failure: Failure| {
//!         panic!("{failure}");
//!     })
//!     .on_stop(|client: &mut Client, _: &mut Context<'_>, ()| assert!(client.heard));
//!
//! for seed in 0..100 {
//!     let mut simulation = Simulation::new(seed)?;
//!     simulation.set_conditions(Conditions::rough());
//!     let (here, there) = (simulation.host("server")?, simulation.host("client")?);
//!     simulation.on(here, |kernel| kernel.spawn(&echo, Echo::default()));
//!     simulation.run_for(Duration::from_secs(1))?;
//!     simulation.on(there, |kernel| kernel.spawn(&client, Client::default()));
//!     simulation.run()?;
//!     assert!(!simulation.is_running(here) && !simulation.is_running(there), "seed {seed}");
//!     assert_eq!(simulation.connections(), 0, "seed {seed}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The book's page "Testing your server without a network" goes through it step by step.
//!
//! # What is simulated
//!
//! TCP as a program sees it, in the numbers of a Linux that nobody has tuned. Connections are asked for and
//! confirmed; where nobody answers they are asked for up to eleven times, for 131 s, where nobody listens they are
//! refused, and where nobody has the address that is known after 3 s. A backlog of n lets n + 1 in. Streams have
//! windows and arrive in order, in pieces, late; a half-close, a close with unread input and a reset are what they
//! are on Linux, and so is readiness. What is lost in a [partition](Simulation::partition) is sent again, after
//! 0.2 s and later and later, and given up after 924 s. `SO_KEEPALIVE` and its three numbers,
//! `TCP_USER_TIMEOUT`, `SO_REUSEPORT`, `IPV6_V6ONLY` and, downwards, the sizes of buffers do what they do.
//!
//! UDP: order on a calm network; loss, doubles and overtaking on a rough one; refusal, which connected senders
//! are told of. Names: those of the hosts, `localhost`, and addresses. A host's
//! [limit of descriptors](Simulation::limit_descriptors).
//!
//! # What is not
//!
//! UNIX sockets, pipes, files, child processes, and sockets that no factory of this thread made are real. They are
//! looked at when their host has a turn, nobody waits for them, and what they do is not repeated. A simulated
//! socket's descriptor is a name and no more: what is written to it by other means than wheels goes nowhere, and a
//! duplicate of it is not known. Signals of the system are not watched: send them with
//! [`Kernel::signal`](reactor::Kernel::signal). Jobs run at once in the loop's thread, so names are found at once.
//!
//! There is no congestion, no `TIME_WAIT` (a port is free as soon as its listener is closed), no urgent data; routers
//! do not say why nobody answers. Other options of sockets are taken and do nothing. Nothing is spliced: what is piped
//! is copied. Multicast is refused, and broadcast reaches nobody. Neither handlers nor the system take any time but
//! the microsecond of a turn. With the feature `faults` calls of simulated sockets fail as those of others do; they
//! are short only where the network says so.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod conditions;
mod door;
mod machine;
mod network;
mod simulation;

pub use conditions::Conditions;
pub use simulation::{HostId, Simulation};

/// What the book shows compiles, and is true.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/simulation.md")]
mod book {}
