//! The names of the events by which a server hears of its listeners and of its connections.

use reactor::{Event, Signal, WheelId};
use wheels::{Established, Failure, Listening};

pub(super) const GOT_CLIENT: Event<Established> = Event::new("tcp_server_got_client");
pub(super) const LISTENING: Event<Listening> = Event::new("tcp_server_listening");
pub(super) const GOT_LISTEN_ERROR: Event<Failure> = Event::new("tcp_server_got_listen_error");
pub(super) const GOT_SIGNAL: Event<Signal> = Event::new("tcp_server_got_signal");
/// A callback panicked, and what it began is not settled.
pub(super) const SETTLE: Event<()> = Event::new("tcp_server_settle");
/// The server drains, and of some connections it was not known yet whether they are idle.
pub(super) const LOOK_AGAIN: Event<()> = Event::new("tcp_server_look_again");
pub(super) const TIME_IS_UP: Event<()> = Event::new("tcp_server_time_is_up");

/// Of `Input<T>`, whatever the filter's items are.
pub(super) const GOT_INPUT: &str = "tcp_server_got_input";
pub(super) const GOT_ERROR: Event<Failure> = Event::new("tcp_server_got_error");
pub(super) const GOT_FLUSH: Event<WheelId> = Event::new("tcp_server_got_flush");
pub(super) const GOT_HIGH: Event<WheelId> = Event::new("tcp_server_got_high");
pub(super) const GOT_LOW: Event<WheelId> = Event::new("tcp_server_got_low");
