//! Sessions, named events, time, signals and readiness on one thread: POE's kernel in Rust.
//!
//! A program is made of *sessions*: a state of your own and a table of handlers. The [`Kernel`] turns
//! what happens (a descriptor is ready, a timer is due, a signal came, somebody posted) into *named
//! events* and calls the handlers, one at a time, each to its end. There is nothing to lock, nothing to
//! await, and no other thread unless you ask for one: [`Remote`], [`Context::run_blocking`].
//!
//! ```
//! use std::time::Duration;
//! use reactor::{Clock, Context, Event, Kernel, States};
//!
//! const TICK: Event<u32> = Event::new("tick");            // a typed name
//!
//! #[derive(Default)]
//! struct Ticker { ticks: u32 }                            // a session's state
//!
//! impl Ticker {
//!     fn start(&mut self, cx: &mut Context<'_>, (): ()) {
//!         cx.delay(&TICK, Duration::from_secs(1), 3);
//!     }
//!     fn tick(&mut self, cx: &mut Context<'_>, left: u32) {
//!         self.ticks += 1;
//!         if left > 1 {
//!             cx.delay(&TICK, Duration::from_secs(1), left - 1);
//!         }
//!     }
//!     fn stop(&mut self, _: &mut Context<'_>, (): ()) {
//!         assert_eq!(self.ticks, 3);                      // nothing can reach it any more
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let ticker = States::new()
//!     .on_start(Ticker::start)
//!     .on(&TICK, Ticker::tick)
//!     .on_stop(Ticker::stop);
//! let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build()?;
//! kernel.spawn(&ticker, Ticker::default());
//! kernel.run()                                            // until no session is left
//! # }
//! ```
//!
//! In reading order: [`Kernel`], [`States`], [`Context`], [`Event`]; [`Clock`] for tests; [`Watch`] for a
//! descriptor that a session reads itself; [`Wheel`], [`Io`] and [`Handle`] for those who make wheels.
//! Sockets and framed streams are in the crate `wheels`, servers and clients ready made in `components`.
//!
//! # Logging
//!
//! Through [`log`], with the targets `reactor::events`, `reactor::sessions`, `reactor::signals`,
//! `reactor::timers`, `reactor::wheels` and `reactor::refs`. An event that nobody handles is a warning.
//!
//! # Features
//!
//! Both are for tests, off, and nothing that a program should turn on: `faults` makes calls of the system
//! fail, `simulation` puts a network of one's own in the place of the system's.
//!
//! # Where it runs
//!
//! On Linux, with 64 bits. What is promised, and what not, is in the book: `docs/src/promises.md`.

#![deny(missing_docs)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod alias;
mod arena;
mod bell;
mod clock;
mod config;
mod context;
mod default;
mod desk;
mod destination;
mod error;
mod event;
mod family;
#[cfg(feature = "faults")]
pub mod faults;
mod further;
mod handle;
mod ids;
mod inherited;
mod io;
mod kernel;
mod name;
mod outbox;
mod payload;
mod poller;
mod pool;
mod postback;
mod queue;
mod remote;
mod session;
mod shared_buffer;
mod shared_values;
mod signal;
#[cfg(feature = "simulation")]
pub mod simulation;
mod snapshot;
mod stats;
mod sys;
mod tags;
mod timers;
mod timing;
mod token;
mod wall_watch;
mod watch;
mod weak_handle;
mod wheel;
mod wheel_map;
mod wheel_table;

pub use clock::Clock;
pub use config::OnException;
pub use context::Context;
pub use default::Unhandled;
pub use destination::Destination;
pub use error::{
    AliasError, CallError, DetachError, NoSuchSession, NoSuchTimer, RefcountError, SignalError,
    StateError, TransitionError,
};
pub use event::{Bound, Event, EventName};
pub use family::{Child, Fate, NewParent};
pub use further::WatchId;
pub use handle::Handle;
pub use ids::{SessionId, TimerId, WheelId};
pub use inherited::{InheritError, Inherited, inherited};
pub use io::{Io, Watched};
pub use kernel::{ForkError, Forked, Kernel, KernelBuilder};
pub use name::Symbol;
pub use pool::{Blocking, Job, JobError, JobRefused};
pub use postback::{Callback, Postback};
pub use remote::{Remote, RemoteError};
pub use session::{Handlers, Machine, Options, States};
pub use shared_buffer::SharedBuffer;
pub use signal::child::{ChildError, Exited};
pub use signal::{Death, Signal};
pub use snapshot::{QueuedInfo, SessionInfo, Snapshot, TimerInfo, WheelInfo};
pub use stats::Stats;
pub use timers::{Adjust, Removed};
pub use timing::Timing;
pub use watch::{Refused, SelectMode, Selected, Watch};
pub use weak_handle::WeakHandle;
pub use wheel::{Deliver, Readiness, Wheel};
pub use wheel_map::WheelMap;
