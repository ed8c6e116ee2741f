//! What a server is told about itself, and what its session hears.

use std::convert::Infallible;
use std::error::Error;

use reactor::{Context, Event};
use wheels::filter::Filter;
use wheels::{Failure, Listening};

use super::TcpServer;
use super::clients::Clients;
use super::session::Serving;
use crate::Outcome;

/// Callbacks in the session of the server. What they may give back is an [`Outcome`].
impl<S: 'static, F: Filter, C: 'static, K> TcpServer<S, F, C, K> {
    /// Called when the session has started and the listeners are being made (POE: `Started`).
    pub fn started<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>) -> R + 'static,
    ) -> Self {
        self.server.started = Some(Box::new(move |state, cx| call(state, cx).into_result()));
        self
    }

    /// Called for each address when it is really listened on, before any connection. Not called if that
    /// fails.
    pub fn listening<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>, Listening) -> R + 'static,
    ) -> Self {
        self.server.listening =
            Some(Box::new(move |state, cx, listening| call(state, cx, listening).into_result()));
        self
    }

    /// Called when listening fails (POE: `Error`). A listener that could not be made is gone then; without any
    /// listener and connection the server ends. When descriptors run out the listener stays: see
    /// [`SocketFactory`](wheels::SocketFactory). Default: it is logged, and if nothing is listened on any more
    /// and nobody is connected it fails the session, so that the program says why it ends.
    ///
    /// A program that is not to go on without one of its listeners gives the failure back:
    ///
    /// ```
    /// use components::TcpServer;
    /// use reactor::Kernel;
    /// use wheels::filter::Line;
    ///
    /// # let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let port = taken.local_addr()?.port();
    /// let mut kernel = Kernel::new()?;
    /// TcpServer::new(Line::new)
    ///     .listen(("127.0.0.1", port))
    ///     .error(|(), _, failure| Err(failure))
    ///     .client_input(|(), client, line| client.put(line))
    ///     .spawn(&mut kernel, ());
    /// let error = kernel.run().unwrap_err();
    /// assert_eq!(error.to_string(), "bind: Address already in use");
    /// # std::io::Result::Ok(())
    /// ```
    pub fn error<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>, Failure) -> R + 'static,
    ) -> Self {
        self.server.error =
            Some(Box::new(move |state, cx, failure| call(state, cx, failure).into_result()));
        self
    }

    /// Called when the session of the server stops (POE: `Stopped`): behind all that is told of connections,
    /// unless it failed and they have sessions of their own.
    pub fn stopped<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Context<'_>) -> R + 'static,
    ) -> Self {
        self.server.stopped = Some(Box::new(move |state, cx| call(state, cx).into_result()));
        self
    }

    /// Called once, in the session of the server, when it begins to [drain](Clients::drain) and before
    /// [`client_draining`](Self::client_draining): time to let go of what else the session has, such as wheels
    /// and timers of its own, which would keep the server until its time is up. The listeners are closed
    /// already. Not called if the server ends in another way.
    ///
    /// ```
    /// use std::time::Duration;
    /// use components::TcpServer;
    /// use reactor::{Event, Kernel};
    /// use wheels::filter::Line;
    ///
    /// const TICK: Event<u32> = Event::new("tick");
    /// const SECOND: Duration = Duration::from_secs(1);
    ///
    /// # let clock = reactor::Clock::virtual_time();
    /// # let began = clock.now();
    /// # let mut kernel = Kernel::builder().clock(clock.clone()).build()?;
    /// # if false {
    /// let mut kernel = Kernel::new()?;
    /// # }
    /// TcpServer::new(Line::new)
    ///     .listen("127.0.0.1:0")
    ///     .started(|(), cx| cx.delay(&TICK, SECOND, 1))
    ///     .on(&TICK, |(), clients, count| {
    ///         clients.put_each(format!("{count} seconds"), |_, _| true);
    ///         clients.cx().delay(&TICK, SECOND, count + 1);
    ///         if count == 3 {
    ///             clients.drain(60 * SECOND);
    ///         }
    ///     })
    ///     .draining(|(), clients| {
    ///         clients.cx().alarm_clear(&TICK);
    ///     })
    ///     .spawn(&mut kernel, ());
    /// kernel.run()?;                  // returns after 3 seconds
    /// # assert_eq!(clock.now() - began, 3 * SECOND);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn draining<R: Outcome>(
        mut self,
        call: impl Fn(&mut S, &mut Clients<'_, F, C>) -> R + 'static,
    ) -> Self {
        self.server.draining =
            Some(Box::new(move |state, clients| call(state, clients).into_result()));
        self
    }

    /// Handles an event that is posted to the session of the server (POE: `InlineStates` and its kin). Names
    /// that begin with `tcp_server_` or `_`, and those of the [crate's events](crate), are not for you: what the
    /// server takes itself is not told here. Of two handlers for one name the later counts. There is no
    /// `_default`.
    ///
    /// What `call` gives back answers who calls the event; an error is an answer like another. For one that
    /// may fail there is [`try_on`](Self::try_on).
    pub fn on<T: 'static, R: 'static>(
        self,
        event: impl Into<Event<T, R>>,
        call: impl Fn(&mut S, &mut Clients<'_, F, C>, T) -> R + 'static,
    ) -> Self {
        self.try_on(event, move |state: &mut S, clients: &mut Clients<'_, F, C>, payload: T| {
            Ok::<R, Infallible>(call(state, clients, payload))
        })
    }

    /// As [`on`](Self::on), for a handler that may fail: an error is a failure of the server's session, as one
    /// of a callback is, and an `Ok` has the answer.
    pub fn try_on<T: 'static, R: 'static, E: Into<Box<dyn Error>>>(
        mut self,
        event: impl Into<Event<T, R>>,
        call: impl Fn(&mut S, &mut Clients<'_, F, C>, T) -> Result<R, E> + 'static,
    ) -> Self {
        let handler = move |serving: &mut Serving<S, F, C>, cx: &mut Context<'_>, payload| {
            serving.with_clients(cx, |state, clients| call(state, clients, payload))
        };
        self.states = self.states.try_on(event, handler);
        self
    }
}
