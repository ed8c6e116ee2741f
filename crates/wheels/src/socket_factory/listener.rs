//! Accepting, and what to do when it fails.
//!
//! Owns the listening sockets and a descriptor in reserve. Promises that no client is forgotten, that a
//! client's failure is not the listener's, that a busy socket does not keep the others waiting, and that
//! running out of descriptors costs neither the processor nor the listener. accept(2) lists the errors.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use reactor::{Io, WatchId};

use super::Established;
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::Row;
use crate::options::SocketOptions;
use crate::socket::Socket;
use crate::sys::{self, errno};

#[derive(Debug)]
pub(super) struct Listener {
    doors: Vec<Door>,
    /// The door that is asked next.
    turn: usize,
    options: SocketOptions,
    /// Given up for a moment to turn clients away when there is no other descriptor.
    reserve: Option<OwnedFd>,
    paused: bool,
    /// Out of something: accepting rests until then, or until a descriptor is free.
    resting: Option<Instant>,
    told: Option<Instant>,
    /// How many failures of clients came in a row.
    in_vain: u32,
}

/// A socket that listens.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what the system said, and when")]
pub(super) struct Door {
    socket: Socket,
    local: Address,
    row: Row,
    heard: Heard,
    /// Whether connections may wait that no further notice will announce.
    ready: bool,
    /// Whether a client came during a pause.
    disturbed: bool,
}

/// How a door hears of clients.
#[derive(Debug)]
enum Heard {
    /// By the wheel's own watch: the first door.
    Main,
    /// By one of its own.
    Also(WatchId),
    /// Not at all, so that clients who come during a pause wake nobody.
    No,
}

/// What came of accepting.
pub(super) enum Accepted {
    Connection(Established),
    /// Something ran out. The listener goes on.
    Trouble(Failure),
    /// The listener cannot work.
    Fatal(Failure),
}

impl Door {
    pub(super) const fn new(socket: Socket, local: Address, row: Row) -> Self {
        Self { socket, local, row, heard: Heard::No, ready: false, disturbed: false }
    }

    /// Hears of clients, of those who wait already too.
    fn listen(&mut self, place: usize, io: &mut Io<'_>) -> io::Result<()> {
        self.disturbed = false;
        match (&self.heard, place) {
            (Heard::Main | Heard::Also(_), _) => {}
            (Heard::No, 0) => {
                sys::watch(io, &self.socket)?;
                self.heard = Heard::Main;
            }
            (Heard::No, _) => self.heard = Heard::Also(sys::watch_also(io, &self.socket)?.0),
        }
        Ok(())
    }

    fn leave(&mut self, io: &mut Io<'_>) {
        match std::mem::replace(&mut self.heard, Heard::No) {
            Heard::Main => io.unwatch(),
            Heard::Also(watch) => io.unwatch_also(watch),
            Heard::No => {}
        }
    }
}

impl Listener {
    /// Listens with sockets that do so already.
    ///
    /// # Errors
    ///
    /// One of them cannot be watched.
    pub(super) fn new(
        doors: Vec<Door>,
        options: SocketOptions,
        io: &mut Io<'_>,
    ) -> io::Result<Self> {
        let reserve = sys::open_reserve().ok();
        let mut listener = Self {
            doors,
            turn: 0,
            options,
            reserve,
            paused: false,
            resting: None,
            told: None,
            in_vain: 0,
        };
        listener.resume(io)?;
        Ok(listener)
    }

    pub(super) fn local_addrs(&self) -> impl Iterator<Item = &Address> {
        self.doors.iter().map(|door| &door.local)
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.doors.iter().map(|door| &door.socket)
    }

    pub(super) fn ready(&mut self) {
        if let Some(door) = self.doors.first_mut() {
            (door.ready, door.disturbed) = (true, self.paused);
        }
    }

    pub(super) fn ready_also(&mut self, watch: &WatchId) {
        let is_it = |door: &&mut Door| matches!(&door.heard, Heard::Also(its) if its == watch);
        if let Some(door) = self.doors.iter_mut().find(is_it) {
            (door.ready, door.disturbed) = (true, self.paused);
        }
    }

    pub(super) const fn pause(&mut self) {
        self.paused = true;
    }

    /// Accepts again, first those who wait.
    ///
    /// # Errors
    ///
    /// A socket that was not watched during the pause cannot be watched again. None is watched then.
    pub(super) fn resume(&mut self, io: &mut Io<'_>) -> io::Result<()> {
        self.paused = false;
        if self.doors.iter().any(|door| door.ready) {
            io.again();
        }
        let mut doors = self.doors.iter_mut().enumerate();
        let heard = doors.try_for_each(|(place, door)| door.listen(place, io));
        if heard.is_err() {
            self.leave(io);
        }
        heard
    }

    /// Watches no more, and gives the sockets away.
    pub(super) fn into_sockets(mut self, io: &mut Io<'_>) -> Vec<Socket> {
        self.leave(io);
        self.doors.into_iter().map(|door| door.socket).collect()
    }

    pub(super) fn leave(&mut self, io: &mut Io<'_>) {
        for door in &mut self.doors {
            door.leave(io);
        }
    }

    pub(super) fn accept(&mut self, io: &mut Io<'_>) -> Option<Accepted> {
        if self.paused {
            // Once is enough: who comes next need wake nobody.
            self.doors.iter_mut().filter(|door| door.disturbed).for_each(|door| door.leave(io));
            return None;
        }
        if self.is_resting(io) {
            return None;
        }
        while let Some(place) = self.next_door() {
            if !io.has_share() {
                io.again();
                return None;
            }
            io.spend(ACCEPT_COST);
            let door = &mut self.doors[place];
            let accepted = sys::accept(&door.socket);
            self.in_vain = if is_in_vain(&accepted) { self.in_vain + 1 } else { 0 };
            match accepted {
                Ok((fd, peer)) => match self.options.apply_accepted(&fd, &door.row) {
                    Ok(()) => {
                        let (socket, peer) =
                            (Socket::new(fd, door.row.domain, door.row.kind), peer.unmapped());
                        let wheel = io.id();
                        return Some(Accepted::Connection(Established { socket, peer, wheel }));
                    }
                    // The listener took it: the connection is gone.
                    Err((option, error)) => {
                        log::debug!(target: "wheels::accept", "a client was lost: {option}: {error}");
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => door.ready = false,
                Err(error) => match Class::of(&error) {
                    // These are not clients: whoever forbids it forbids it for good.
                    Class::OfThePeer if self.in_vain >= MOST_IN_VAIN => {
                        self.in_vain = 0;
                        return self.rest(io, &error);
                    }
                    Class::OfThePeer => {
                        log::debug!(target: "wheels::accept", "a client was gone already: {error}");
                    }
                    Class::Exhausted if self.turn_away(place) => return self.rest(io, &error),
                    // accept(2) looks for a descriptor first and for a connection then: nobody is there.
                    Class::Exhausted => {}
                    Class::Fatal => {
                        return Some(Accepted::Fatal(failure(&error, io)));
                    }
                },
            }
        }
        None
    }

    /// The door whose turn it is: each in its turn, of those where somebody may wait.
    fn next_door(&mut self) -> Option<usize> {
        let (before, from_here) = self.doors.split_at(self.turn);
        let waits = |doors: &[Door]| doors.iter().position(|door| door.ready);
        let place = match waits(from_here) {
            Some(place) => self.turn + place,
            None => waits(before)?,
        };
        self.turn = (place + 1) % self.doors.len();
        Some(place)
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

    /// Accepts nobody for a while.
    fn rest(&mut self, io: &mut Io<'_>, error: &io::Error) -> Option<Accepted> {
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
    /// anybody was there.
    fn turn_away(&mut self, place: usize) -> bool {
        let door = &mut self.doors[place];
        if self.reserve.take().is_none() {
            return true;
        }
        let mut anybody = false;
        for _ in 0..TURNED_AWAY_AT_ONCE {
            match sys::accept(&door.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    door.ready = false;
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

/// Whether a call has taken no client and says nothing of others.
fn is_in_vain<T>(accepted: &io::Result<T>) -> bool {
    accepted.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
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

/// How many clients in a row may have failed before they were accepted. A filter of system calls or a
/// security module may refuse each call in the same words, and without taking anybody from the queue.
const MOST_IN_VAIN: u32 = 1024;

/// A burst larger than this is turned away in several rests.
const TURNED_AWAY_AT_ONCE: usize = 1024;
