//! What a client's user wants to hear, and the setters of that.

use reactor::Context;
use wheels::filter::Filter;
use wheels::{Descriptor, Established, Failure};

use super::{Server, TcpClient};
use crate::Outcome;
use crate::outcome::Returned;

pub(super) type Plain<S> = Box<dyn Fn(&mut S, &mut Context<'_>) -> Returned>;
pub(super) type Called<S, F> = Box<dyn Fn(&mut S, &mut Server<'_, F>) -> Returned>;
pub(super) type Told<S, F, T> = Box<dyn Fn(&mut S, &mut Server<'_, F>, T) -> Returned>;
pub(super) type PreConnect<S> =
    Box<dyn Fn(&mut S, &mut Context<'_>, Established) -> Option<Descriptor>>;

/// `None` is what nobody wants to hear.
pub(super) struct Callbacks<S, F: Filter> {
    pub(super) started: Option<Plain<S>>,
    pub(super) pre_connect: Option<PreConnect<S>>,
    pub(super) refused: Option<Plain<S>>,
    pub(super) connected: Option<Called<S, F>>,
    pub(super) connect_error: Option<Told<S, F, Failure>>,
    pub(super) disconnected: Option<Called<S, F>>,
    pub(super) input: Option<Told<S, F, F::Item>>,
    pub(super) error: Option<Told<S, F, Failure>>,
    pub(super) flushed: Option<Called<S, F>>,
    pub(super) high: Option<Called<S, F>>,
    pub(super) low: Option<Called<S, F>>,
    pub(super) gave_up: Option<Called<S, F>>,
    pub(super) stopped: Option<Plain<S>>,
}

impl<S, F: Filter> Default for Callbacks<S, F> {
    fn default() -> Self {
        Self {
            started: None,
            pre_connect: None,
            refused: None,
            connected: None,
            connect_error: None,
            disconnected: None,
            input: None,
            error: None,
            flushed: None,
            high: None,
            low: None,
            gave_up: None,
            stopped: None,
        }
    }
}

/// # What is told
///
/// Closures, or methods of the state `S`; what they may give back is an [`Outcome`], so that they can fail. One
/// connection after the other is told in this order: `pre_connect`, `connected`, then inputs, marks and flushes as
/// they come, `server_error` if it did not end by our own doing, `disconnected`.
impl<S: 'static, F: Filter> TcpClient<S, F> {
    /// The session has started, and connects when this returns (POE: `Started`).
    pub fn started<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>) -> R + 'static,
    ) -> Self {
        self.callbacks.started = Some(Box::new(move |state, cx| call(state, cx).into_result()));
        self
    }

    /// A connection is made: looks at it, and gives the stream to go on with, that of its socket or another
    /// one that leads to it (POE: `PreConnect`).
    ///
    /// `None` refuses the server: the connection is closed, [`refused`](Self::refused) is told and nothing
    /// else, and the client does not connect again by itself. Default: `Some(established.socket.into())`.
    pub fn pre_connect(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>, Established) -> Option<Descriptor> + 'static,
    ) -> Self {
        self.callbacks.pre_connect = Some(Box::new(call));
        self
    }

    /// [`pre_connect`](Self::pre_connect) refused the server (POE calls nobody). Logged in any case.
    pub fn refused<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>) -> R + 'static,
    ) -> Self {
        self.callbacks.refused = Some(Box::new(move |state, cx| call(state, cx).into_result()));
        self
    }

    /// Connected (POE: `Connected`). What is put here comes before all that [was kept](Self::keep_unsent).
    pub fn connected<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.callbacks.connected =
            Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// No connection was made: the host is unknown, nobody listens there, it took too long (POE:
    /// `ConnectError`). With [`reconnect`](Self::reconnect) it is tried again when this returns. Default: a
    /// warning in the log.
    pub fn connect_error<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>, Failure) -> R + 'static,
    ) -> Self {
        self.callbacks.connect_error = Some(Box::new(move |state, server, failure| {
            call(state, server, failure).into_result()
        }));
        self
    }

    /// The connection is over, and told of for the last time (POE: `Disconnected`). Called once for each
    /// [`connected`](Self::connected), whoever ended it; not if the session is stopped meanwhile, with its kernel, by
    /// a signal or because it failed. What to do next can be said here: [`Server::reconnect`], [`Server::reconnect_after`], [`Server::connect`]; else
    /// it is what [`reconnect`](Self::reconnect) says.
    pub fn disconnected<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.callbacks.disconnected =
            Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// An item came (POE: `ServerInput`). Default: thrown away.
    pub fn server_input<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>, F::Item) -> R + 'static,
    ) -> Self {
        self.callbacks.input =
            Some(Box::new(move |state, server, item| call(state, server, item).into_result()));
        self
    }

    /// The server ended, [`Failure::is_end`], or the connection broke, or a limit was reached (POE:
    /// `ServerError`). When this returns what was put is sent if that can be, and the connection is closed;
    /// but see [`stay_on_error`](Self::stay_on_error). Default: a warning in the log, but for the end.
    pub fn server_error<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>, Failure) -> R + 'static,
    ) -> Self {
        self.callbacks.error = Some(Box::new(move |state, server, failure| {
            call(state, server, failure).into_result()
        }));
        self
    }

    /// All that was put is sent (POE: `ServerFlushed`).
    pub fn server_flushed<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.link.settings.tells_flushed = true;
        self.callbacks.flushed =
            Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// So many bytes or more are unsent (POE: `HighMark`, `ServerHigh`).
    pub fn server_high<R: Outcome>(
        mut self,
        bytes: usize,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.link.settings.limits.high = Some(bytes);
        self.callbacks.high =
            Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// After [`server_high`](Self::server_high), so many bytes or fewer are unsent (POE: `LowMark`,
    /// `ServerLow`).
    pub fn server_low<R: Outcome>(
        mut self,
        bytes: usize,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.link.settings.limits.low = Some(bytes);
        self.callbacks.low = Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// It was tried as often as [`reconnect`](Self::reconnect) says. The client ends when this returns,
    /// unless it is told to connect: then the attempts are counted anew.
    pub fn gave_up<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Server<'_, F>) -> R + 'static,
    ) -> Self {
        self.callbacks.gave_up =
            Some(Box::new(move |state, server| call(state, server).into_result()));
        self
    }

    /// The session ends: nothing is left of the client (`_stop`).
    pub fn stopped<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>) -> R + 'static,
    ) -> Self {
        self.callbacks.stopped = Some(Box::new(move |state, cx| call(state, cx).into_result()));
        self
    }
}
