//! Accepting, and what to do when it fails.
//!
//! Owns the listening socket and a descriptor in reserve. Promises that no client is forgotten, that a
//! client's failure is not the listener's, and that running out of descriptors costs neither the
//! processor nor the listener. accept(2) lists the errors.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use reactor::Io;

use super::Established;
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::SocketType;
use crate::socket::Socket;
use crate::sys::{self, errno};

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the system said and what the session wants"
)]
pub(super) struct Listener {
    socket: OwnedFd,
    local: Address,
    /// Given up for a moment to turn clients away when there is no other descriptor.
    reserve: Option<OwnedFd>,
    /// Whether connections may wait that no further notice will announce.
    ready: bool,
    paused: bool,
    /// Out of something: accepting rests until then, or until a descriptor is free.
    resting: Option<Instant>,
    told: Option<Instant>,
}

/// What came of accepting.
pub(super) enum Accepted {
    Connection(Established),
    /// Something ran out. The listener goes on.
    Trouble(Failure),
    /// The listener cannot work.
    Fatal(Failure),
}

impl Listener {
    pub(super) fn new(socket: OwnedFd, local: Address) -> Self {
        Self {
            socket,
            local,
            reserve: sys::open_reserve().ok(),
            ready: false,
            paused: false,
            resting: None,
            told: None,
        }
    }

    pub(super) fn local_addr(&self) -> Address {
        self.local.clone()
    }

    pub(super) const fn ready(&mut self) {
        self.ready = true;
    }

    pub(super) const fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.paused = false;
        if self.ready {
            io.again();
        }
    }

    pub(super) fn accept(&mut self, io: &mut Io<'_>) -> Option<Accepted> {
        if self.paused || self.is_resting(io) {
            return None;
        }
        while self.ready {
            if !io.has_share() {
                io.again();
                return None;
            }
            io.spend(ACCEPT_COST);
            match sys::accept(&self.socket) {
                Ok((fd, peer)) => {
                    let (socket, wheel) = (Socket::new(fd, SocketType::Stream), io.id());
                    return Some(Accepted::Connection(Established { socket, peer, wheel }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ready = false,
                Err(error) => match Class::of(&error) {
                    Class::OfThePeer => {
                        log::debug!(target: "wheels::accept", "a client was gone already: {error}");
                    }
                    Class::Exhausted => return self.rest(io, &error),
                    Class::Fatal => {
                        return Some(Accepted::Fatal(failure(&error, io)));
                    }
                },
            }
        }
        None
    }

    /// Whether accepting rests; over when its time is, or when a descriptor became free.
    fn is_resting(&mut self, io: &mut Io<'_>) -> bool {
        let Some(until) = self.resting else { return false };
        // Who asks may also be a new client, a session that resumes, or the kernel that told a failure.
        if io.now() < until && io.waits_for_close() {
            return true;
        }
        self.resting = None;
        io.sleep();
        // Before anybody is let in: without it, those who come when there is no room would wait.
        if self.reserve.is_none() {
            self.reserve = sys::open_reserve().ok();
        }
        false
    }

    /// Turns away who waits, and rests.
    fn rest(&mut self, io: &mut Io<'_>, error: &io::Error) -> Option<Accepted> {
        if !self.turn_away() {
            return None;
        }
        let until = io.now() + REST;
        self.resting = Some(until);
        io.wake_at(until);
        io.wake_on_close();
        let told = self.told.is_some_and(|told| io.now() < told + TOLD_AGAIN);
        if told {
            return None;
        }
        self.told = Some(io.now());
        Some(Accepted::Trouble(failure(error, io)))
    }

    /// Accepts and closes with the descriptor in reserve: better to be told than to wait. Says whether
    /// anybody was there: accept(2) looks for a descriptor first and for a connection then.
    fn turn_away(&mut self) -> bool {
        if self.reserve.take().is_none() {
            return true;
        }
        let mut anybody = false;
        for _ in 0..TURNED_AWAY_AT_ONCE {
            match sys::accept(&self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready = false;
                    break;
                }
                // Tried again after the rest.
                Err(error) if !matches!(Class::of(&error), Class::OfThePeer) => {
                    anybody = true;
                    break;
                }
                Ok(_) | Err(_) => anybody = true,
            }
        }
        self.reserve = sys::open_reserve().ok();
        anybody
    }
}

fn failure(error: &io::Error, io: &Io<'_>) -> Failure {
    Failure::new(Operation::Accept, error, io.id())
}

/// Whose fault it is that accept(2) failed.
enum Class {
    /// The connection's: the next may be well.
    OfThePeer,
    /// Something ran out, and will be there again.
    Exhausted,
    /// The socket is none that can accept.
    Fatal,
}

impl Class {
    fn of(error: &io::Error) -> Self {
        let peer = [
            errno::CONNABORTED,
            errno::CONNRESET,
            errno::PERM,
            errno::PROTO,
            errno::NETDOWN,
            errno::NETUNREACH,
            errno::HOSTDOWN,
            errno::HOSTUNREACH,
            errno::NONET,
            errno::NOPROTOOPT,
            errno::TIMEDOUT,
        ];
        let fatal = [errno::BADF, errno::INVAL, errno::NOTSOCK, errno::OPNOTSUPP, errno::FAULT];
        match error.raw_os_error() {
            _ if error.kind() == io::ErrorKind::Interrupted => Self::OfThePeer,
            Some(errnum) if peer.contains(&errnum) => Self::OfThePeer,
            Some(errnum) if fatal.contains(&errnum) => Self::Fatal,
            // EMFILE, ENFILE, ENOBUFS, ENOMEM, and what no manual mentions: rest, and try again.
            Some(_) | None => Self::Exhausted,
        }
    }
}

/// What accepting takes of a wheel's share of a turn: 64 connections are a whole one.
const ACCEPT_COST: usize = 1024;

/// How long accepting rests when something ran out. nginx rests 500 ms; closing wakes us anyway.
const REST: Duration = Duration::from_millis(100);

/// How often at most the session is told of it.
const TOLD_AGAIN: Duration = Duration::from_secs(5);

/// A burst larger than this is turned away in several rests.
const TURNED_AWAY_AT_ONCE: usize = 1024;
