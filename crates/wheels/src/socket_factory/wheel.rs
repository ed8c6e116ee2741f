//! The factory as the kernel keeps it: which state it is in, and the steps that lead there.
//!
//! Owns the sockets until they are handed over. Promises one event for a connect, one for each datagram
//! socket, and for a listener one for each connection; what happens while it is built waits for its turn
//! in the queue.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use reactor::{Bound, Deliver, Io, Kernel, Readiness, Symbol, WatchId, Wheel};

use super::builder::{Settings, SocketFactoryBuilder};
use super::listener::{Accepted, Listener};
use super::open::{Opened, adopt, open};
use super::plan::Plan;
use super::race::{End, Race};
use super::{Established, Listening};
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::socket::Socket;

#[derive(Debug)]
pub(crate) struct Factory {
    pub(super) targets: Targets,
    /// Whether it was paused while the names were looked up.
    paused: bool,
    state: State,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Targets {
    pub(super) success: Symbol,
    pub(super) failure: Symbol,
    pub(super) listening: Option<Symbol>,
}

/// ```text
/// open --names--> Asking --known--+
/// open ---------------------------+--listen--> Listening --fatal---------> Finished
///                                 +--connect-> Connecting --made, failed-> Finished
///                                 +--datagram> Handing --told------------> Finished
/// any failure -> Failed --told--> Finished
/// ```
#[derive(Debug)]
enum State {
    /// Names are being looked up.
    Asking(Box<Plan>),
    /// The addresses are those that are to be told still.
    Listening(Listener, VecDeque<Address>),
    Connecting(Box<Race>),
    /// Datagram sockets that are the session's.
    Handing(VecDeque<Established>),
    /// This is to be told.
    Failed(Failure),
    Finished,
}

/// What a factory tells.
#[derive(Debug)]
pub(crate) enum Told {
    Established(Bound<Established>, Established),
    Listening(Bound<Listening>, Listening),
    Failed(Bound<Failure>, Failure),
}

impl Factory {
    pub(super) fn open(builder: SocketFactoryBuilder, targets: Targets, io: &mut Io<'_>) -> Self {
        let mut factory = Self { targets, paused: false, state: State::Finished };
        match Plan::of(builder, io.id()) {
            Ok(plan) => factory.proceed(plan, io),
            Err(failure) => factory.state = State::Failed(failure),
        }
        factory.await_turn(io);
        factory
    }

    /// Listens with sockets that somebody else made.
    pub(super) fn adopt(
        listeners: Vec<OwnedFd>,
        settings: Settings,
        targets: Targets,
        io: &mut Io<'_>,
    ) -> Self {
        let mut factory = Self { targets, paused: false, state: State::Finished };
        let opened = adopt(listeners, settings, io);
        factory.enter(opened);
        factory.await_turn(io);
        factory
    }

    /// The next state, if all names are known; else they are waited for.
    fn proceed(&mut self, mut plan: Plan, io: &mut Io<'_>) {
        match plan.settle(io) {
            Ok(false) => self.state = State::Asking(Box::new(plan)),
            Ok(true) => {
                io.sleep();
                self.enter(open(plan, io));
            }
            Err(failure) => self.state = State::Failed(failure),
        }
    }

    fn enter(&mut self, opened: Result<Opened, Failure>) {
        self.state = match opened {
            Ok(Opened::Listener(mut listener)) => {
                if self.paused {
                    listener.pause();
                }
                let to_tell = self.targets.listening.map(|_| listener.local_addrs().cloned());
                let to_tell = to_tell.into_iter().flatten().collect();
                State::Listening(listener, to_tell)
            }
            Ok(Opened::Race(race)) => State::Connecting(Box::new(race)),
            Ok(Opened::Sockets(sockets)) => State::Handing(sockets),
            Err(failure) => State::Failed(failure),
        };
    }

    /// What is to be told already is asked for when the queue comes to it, as POE's constructor posts it.
    fn await_turn(&self, io: &mut Io<'_>) {
        match &self.state {
            State::Listening(_, to_tell) if to_tell.is_empty() => {}
            State::Listening(..) => io.queue(),
            State::Asking(_) | State::Connecting(_) => {}
            State::Handing(_) | State::Failed(_) | State::Finished => {
                io.queue();
                io.release_session();
            }
        }
    }

    pub(super) fn local_addrs(&self) -> Vec<Address> {
        match &self.state {
            State::Listening(listener, _) => listener.local_addrs().cloned().collect(),
            State::Connecting(race) => race.local_addr().into_iter().collect(),
            State::Handing(sockets) => {
                let local = |made: &Established| made.socket.local_addr().ok();
                sockets.iter().filter_map(local).filter(Address::is_specified).collect()
            }
            State::Asking(_) | State::Failed(_) | State::Finished => Vec::new(),
        }
    }

    pub(super) fn pause(&mut self) {
        self.paused = true;
        if let State::Listening(listener, _) = &mut self.state {
            listener.pause();
        }
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.paused = false;
        let State::Listening(listener, _) = &mut self.state else { return };
        if let Err(error) = listener.resume(io) {
            self.state = State::Failed(Failure::new(Operation::Watch, &error, io.id()));
            self.await_turn(io);
        }
    }

    pub(super) fn clone_fds(&self) -> io::Result<Vec<OwnedFd>> {
        let State::Listening(listener, _) = &self.state else { return Ok(Vec::new()) };
        listener.sockets().map(|socket| socket.as_fd().try_clone_to_owned()).collect()
    }

    pub(super) fn take_sockets(&mut self, io: &mut Io<'_>) -> Vec<Socket> {
        if !matches!(self.state, State::Listening(..)) {
            return Vec::new();
        }
        let State::Listening(listener, _) = self.finish(io) else { return Vec::new() };
        listener.into_sockets(io)
    }

    fn finish(&mut self, io: &mut Io<'_>) -> State {
        io.sleep();
        io.release_session();
        std::mem::replace(&mut self.state, State::Finished)
    }

    fn success(&self, io: &Io<'_>, established: Established) -> Told {
        Told::Established(Bound::new(io.session(), self.targets.success), established)
    }

    fn failure(&self, io: &Io<'_>, failure: Failure) -> Told {
        Told::Failed(Bound::new(io.session(), self.targets.failure), failure)
    }

    fn next_connection(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Listening(listener, to_tell) = &mut self.state else { return None };
        if let Some(listening) = self.targets.listening
            && let Some(local_addr) = to_tell.pop_front()
        {
            let told = Listening { local_addr, wheel: io.id() };
            return Some(Told::Listening(Bound::new(io.session(), listening), told));
        }
        match listener.accept(io)? {
            Accepted::Connection(established) => Some(self.success(io, established)),
            Accepted::Trouble(failure) => Some(self.failure(io, failure)),
            Accepted::Fatal(failure) => {
                listener.leave(io);
                self.finish(io);
                Some(self.failure(io, failure))
            }
        }
    }

    fn next_step(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Connecting(race) = &mut self.state else { return None };
        let end = race.step(io)?;
        self.finish(io);
        Some(match end {
            End::Made(socket, peer) => {
                self.success(io, Established { socket, peer, wheel: io.id() })
            }
            End::Failed(failure) => self.failure(io, failure),
        })
    }

    fn next_socket(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Handing(sockets) = &mut self.state else { return None };
        let established = sockets.pop_front();
        if sockets.is_empty() {
            self.finish(io);
        }
        Some(self.success(io, established?))
    }

    fn next_answer(&mut self, io: &mut Io<'_>) -> Option<Told> {
        let State::Asking(plan) = std::mem::replace(&mut self.state, State::Finished) else {
            return None;
        };
        self.proceed(*plan, io);
        match &self.state {
            State::Asking(_) => None,
            State::Listening(..)
            | State::Connecting(_)
            | State::Handing(_)
            | State::Failed(_)
            | State::Finished => self.next(io),
        }
    }
}

impl Wheel for Factory {
    type Event = Told;

    fn ready(&mut self, _: Readiness) {
        match &mut self.state {
            State::Listening(listener, _) => listener.ready(),
            State::Connecting(race) => race.ready(),
            State::Asking(_) | State::Handing(_) | State::Failed(_) | State::Finished => {}
        }
    }

    fn ready_also(&mut self, watch: &WatchId, _: Readiness) {
        match &mut self.state {
            State::Listening(listener, _) => listener.ready_also(watch),
            State::Connecting(race) => race.ready_also(watch),
            State::Asking(_) | State::Handing(_) | State::Failed(_) | State::Finished => {}
        }
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Told> {
        match &self.state {
            State::Listening(..) => self.next_connection(io),
            State::Connecting(_) => self.next_step(io),
            State::Handing(_) => self.next_socket(io),
            State::Asking(_) => self.next_answer(io),
            State::Failed(_) => {
                let State::Failed(failure) = self.finish(io) else { return None };
                Some(self.failure(io, failure))
            }
            State::Finished => None,
        }
    }
}

impl Deliver for Told {
    #[inline]
    fn deliver(self, kernel: &mut Kernel) {
        match self {
            Self::Established(bound, established) => (bound, established).deliver(kernel),
            Self::Listening(bound, listening) => (bound, listening).deliver(kernel),
            Self::Failed(bound, failure) => (bound, failure).deliver(kernel),
        }
    }
}
