//! Connecting: to which address, how often, and when to believe it.
//!
//! Owns the sockets on their way. Promises one end, made or failed, whatever becomes of each attempt. The
//! order and the pauses are those of RFC 8305: families take turns, the next attempt begins when the last
//! one has failed or is 250 ms old, and the first that is made wins.
//!
//! A writable socket is not a connected one: first the error that waits on it is asked for, then the
//! peer, and a peer that is this very socket is refused.
//!
//! Within one machine a connection is made, as a rule, when connect(2) returns. So each socket is looked at
//! when the queue comes to it, and only one that is still on its way is watched.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use reactor::{Io, WatchId};

use super::maker::{Maker, domain_of};
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::SocketType;
use crate::socket::Socket;
use crate::sys::{self, errno};

#[derive(Debug)]
pub(super) struct Race {
    maker: Maker,
    /// Where to connect to, next first.
    far: VecDeque<Address>,
    /// Where to connect from: the first of the same family. Empty: anywhere.
    near: Vec<Address>,
    attempts: Vec<Attempt>,
    begun: usize,
    /// Why the last attempt failed.
    last: Option<Failure>,
    next_at: Instant,
    /// Absent if it is beyond all time.
    deadline: Option<Instant>,
}

/// A socket on its way.
#[derive(Debug)]
struct Attempt {
    socket: Socket,
    far: Address,
    place: Place,
    /// Whether something happened that was not looked at yet.
    ready: bool,
}

/// How an attempt hears of its end.
#[derive(Debug)]
enum Place {
    /// By being looked at in its turn in the queue. If connect(2) has said that it is made, it must be: what
    /// carries datagrams may not become writable for long.
    Queue { is_made: bool },
    /// By the wheel's own watch.
    Main,
    /// By one of its own.
    Also(WatchId),
    /// Not at all: the listener's queue is full (UNIX), and it is tried again.
    Retry { at: Instant, pause: Duration },
}

pub(super) enum End {
    Made(Socket, Address),
    Failed(Failure),
}

impl Race {
    pub(super) fn new(
        mut maker: Maker,
        mut far: Vec<Address>,
        near: Vec<Address>,
        now: Instant,
    ) -> Self {
        let deadline = now.checked_add(maker.settings.connect_timeout);
        // What cannot be reached from there is no attempt, unless it is all there is.
        let from_near = |far: &Address| near.iter().any(|near| domain_of(near) == domain_of(far));
        if far.iter().any(from_near) {
            far.retain(from_near);
        }
        // Of attempts that have one port each but the first would fail while that is on its way.
        let has_port = |near: &Address| near.port().is_some_and(|port| port != 0);
        maker.settings.reuse |= far.len() > 1 && near.iter().any(has_port);
        Self {
            maker,
            far: interleave(far),
            near,
            attempts: Vec::new(),
            begun: 0,
            last: None,
            next_at: now,
            deadline,
        }
    }

    pub(super) fn ready(&mut self) {
        let main = self.attempts.iter_mut().find(|attempt| matches!(attempt.place, Place::Main));
        if let Some(attempt) = main {
            attempt.ready = true;
        }
    }

    pub(super) fn ready_also(&mut self, watch: &WatchId) {
        let is_it =
            |attempt: &&mut Attempt| matches!(&attempt.place, Place::Also(its) if its == watch);
        if let Some(attempt) = self.attempts.iter_mut().find(is_it) {
            attempt.ready = true;
        }
    }

    /// The near end of the first attempt, if it is bound.
    pub(super) fn local_addr(&self) -> Option<Address> {
        let address = self.attempts.first()?.socket.local_addr().ok()?;
        address.is_specified().then_some(address)
    }

    /// The end, if it has come; else sees to it that the next step will be asked for.
    pub(super) fn step(&mut self, io: &mut Io<'_>) -> Option<End> {
        let is_late = self.deadline.is_some_and(|deadline| deadline <= io.now());
        if is_late {
            // What happened in time may stand in a notice that is not told yet.
            self.attempts.iter_mut().for_each(|attempt| attempt.ready |= attempt.place.hears());
        }
        if let Some(made) = self.look(io) {
            self.stop(io);
            return Some(made);
        }
        if is_late && !self.is_exhausted() {
            let failure = self.timed_out();
            self.stop(io);
            return Some(End::Failed(failure));
        }
        self.retry(io);
        while self.attempts.is_empty() || io.now() >= self.next_at {
            let Some(far) = self.far.pop_front() else { break };
            self.begin(far, io);
        }
        if self.is_exhausted() {
            io.sleep();
            return Some(End::Failed(self.failed()));
        }
        match self.next_step() {
            Some(time) => io.wake_at(time),
            None => io.sleep(),
        }
        None
    }

    /// Looks at the attempts that something happened to: whether one has won.
    fn look(&mut self, io: &mut Io<'_>) -> Option<End> {
        let mut place = 0;
        while let Some(attempt) = self.attempts.get_mut(place) {
            if !std::mem::take(&mut attempt.ready) {
                place += 1;
                continue;
            }
            // No error, and no peer: still on its way.
            let on_its_way = match attempt.peer(&self.maker) {
                Ok(None) => self.await_notice(place, io),
                Ok(Some(peer)) => {
                    let attempt = self.attempts.swap_remove(place);
                    attempt.place.leave(io);
                    return Some(End::Made(attempt.socket, peer));
                }
                Err(failure) => Err(failure),
            };
            match on_its_way {
                Ok(()) => place += 1,
                Err(failure) => {
                    self.attempts.remove(place).place.leave(io);
                    self.lost(failure, io);
                }
            }
        }
        None
    }

    /// Tries again where the listener's queue was full.
    fn retry(&mut self, io: &mut Io<'_>) {
        let due =
            |attempt: &Attempt| matches!(attempt.place, Place::Retry { at, .. } if at <= io.now());
        let Some(place) = self.attempts.iter().position(due) else { return };
        let Attempt { socket, far, place, .. } = self.attempts.swap_remove(place);
        let pause = match place {
            Place::Retry { pause, .. } => (pause * 2).min(LONGEST_PAUSE),
            Place::Queue { .. } | Place::Main | Place::Also(_) => FIRST_PAUSE,
        };
        self.connect(socket, far, pause, io);
    }

    fn begin(&mut self, far: Address, io: &mut Io<'_>) {
        self.begun += 1;
        self.next_at = io.now() + STAGGER;
        match self.make(&far) {
            Ok(socket) => self.connect(socket, far, FIRST_PAUSE, io),
            Err(failure) => self.lost(failure, io),
        }
    }

    /// An attempt has failed: the next may begin.
    fn lost(&mut self, failure: Failure, io: &Io<'_>) {
        self.last = Some(failure);
        self.next_at = io.now();
    }

    /// A socket of the far end's family, bound to the first near end of that family that can be.
    fn make(&self, far: &Address) -> Result<Socket, Failure> {
        let domain = domain_of(far);
        let row = self.maker.row(domain)?;
        let mut made = Err(None);
        for near in self.near.iter().filter(|near| domain_of(near) == domain) {
            made = self.maker.make(&row, Some(near)).map_err(Some);
            if made.is_ok() {
                break;
            }
        }
        match (made, self.near.first()) {
            (Ok(socket), _) => Ok(socket),
            (Err(Some(failure)), _) => Err(failure),
            (Err(None), None) => self.maker.make(&row, None),
            (Err(None), Some(near)) => {
                let text = format!("{near} is no address of {domain}");
                let (number, wheel) = (errno::AFNOSUPPORT, self.maker.wheel);
                Err(Failure::told(Operation::Bind, number, text.into(), wheel))
            }
        }
    }

    fn connect(&mut self, socket: Socket, far: Address, pause: Duration, io: &mut Io<'_>) {
        let place = match sys::connect(&socket, &far) {
            Ok(()) => Place::Queue { is_made: true },
            Err(error) if error.raw_os_error() == Some(errno::INPROGRESS) => {
                Place::Queue { is_made: false }
            }
            Err(error) if error.raw_os_error() == Some(errno::AGAIN) => {
                Place::Retry { at: io.now() + pause, pause }
            }
            Err(error) => {
                let failure = self.maker.failed(Operation::Connect, &error);
                return self.lost(failure, io);
            }
        };
        let ready = matches!(place, Place::Queue { .. });
        if ready {
            io.queue();
        }
        self.attempts.push(Attempt { socket, far, place, ready });
    }

    /// The system says of an attempt when it is made, and whatever has happened already.
    fn await_notice(&mut self, place: usize, io: &mut Io<'_>) -> Result<(), Failure> {
        let is_main = |attempt: &Attempt| matches!(attempt.place, Place::Main);
        let is_first = !self.attempts.iter().any(is_main);
        let Some(attempt) = self.attempts.get_mut(place) else { return Ok(()) };
        let watched = match attempt.place {
            Place::Queue { is_made: true } => {
                let error = io::Error::from_raw_os_error(errno::NOTCONN);
                return Err(self.maker.failed(Operation::GetPeerName, &error));
            }
            Place::Queue { is_made: false } if is_first => {
                sys::watch(io, &attempt.socket).map(|_| Place::Main)
            }
            Place::Queue { is_made: false } => {
                sys::watch_also(io, &attempt.socket).map(|(watch, _)| Place::Also(watch))
            }
            Place::Main | Place::Also(_) | Place::Retry { .. } => return Ok(()),
        };
        attempt.place = watched.map_err(|error| self.maker.failed(Operation::Watch, &error))?;
        Ok(())
    }

    /// When something is to be done though nothing happens.
    fn next_step(&self) -> Option<Instant> {
        let next = (!self.far.is_empty()).then_some(self.next_at);
        let retries = self.attempts.iter().filter_map(|attempt| match attempt.place {
            Place::Retry { at, .. } => Some(at),
            Place::Queue { .. } | Place::Main | Place::Also(_) => None,
        });
        retries.chain(next).chain(self.deadline).min()
    }

    /// Whether every attempt has failed, and there is none to begin.
    fn is_exhausted(&self) -> bool {
        self.attempts.is_empty() && self.far.is_empty()
    }

    /// Leaves the sockets that are still on their way; they are closed.
    fn stop(&mut self, io: &mut Io<'_>) {
        io.sleep();
        for attempt in self.attempts.drain(..) {
            attempt.place.leave(io);
        }
    }
}

impl Race {
    fn timed_out(&self) -> Failure {
        let waits = |attempt: &Attempt| matches!(attempt.place, Place::Retry { .. });
        let all_wait = !self.attempts.is_empty() && self.attempts.iter().all(waits);
        let errnum = if all_wait { errno::AGAIN } else { errno::TIMEDOUT };
        let error = io::Error::from_raw_os_error(errnum);
        self.counted(self.maker.failed(Operation::Connect, &error))
    }

    fn failed(&mut self) -> Failure {
        let none = || {
            let text = "no address to connect to".into();
            Failure::told(Operation::Connect, errno::ADDRNOTAVAIL, text, self.maker.wheel)
        };
        let last = self.last.take().unwrap_or_else(none);
        self.counted(last)
    }

    /// The failure of the last attempt says how many there were.
    fn counted(&self, mut failure: Failure) -> Failure {
        if self.begun > 1 {
            failure.errstr = format!("{} ({} addresses tried)", failure.errstr, self.begun).into();
        }
        failure
    }
}

impl Attempt {
    /// The other end, if it is there by now.
    fn peer(&self, maker: &Maker) -> Result<Option<Address>, Failure> {
        let failed = |operation| move |error: io::Error| maker.failed(operation, &error);
        if let Some(error) = sys::take_error(&self.socket).map_err(failed(Operation::Connect))? {
            return Err(failed(Operation::Connect)(error));
        }
        let peer = match sys::peer_addr(&self.socket) {
            Err(error) if error.raw_os_error() == Some(errno::NOTCONN) => return Ok(None),
            peer => peer.map_err(failed(Operation::GetPeerName))?,
        };
        // On loopback, a connect to a free port of the ephemeral range may get that port as its own,
        // and meet itself. Nobody else is there.
        let is_tcp = peer.as_ip().is_some() && maker.kind == SocketType::Stream;
        if is_tcp && sys::local_addr(&self.socket).is_ok_and(|local| local == peer) {
            // Or the port is not free for a minute, for whom the connect was meant. Nobody needs to know
            // if that fails.
            let _kept = sys::reset_on_close(&self.socket);
            let refused = io::Error::from_raw_os_error(errno::CONNREFUSED);
            return Err(failed(Operation::Connect)(refused));
        }
        Ok(Some(peer.unmapped()))
    }
}

impl Place {
    const fn hears(&self) -> bool {
        matches!(self, Self::Main | Self::Also(_))
    }

    /// Hears of it no more.
    fn leave(self, io: &mut Io<'_>) {
        match self {
            Self::Main => io.unwatch(),
            Self::Also(watch) => io.unwatch_also(watch),
            Self::Queue { .. } | Self::Retry { .. } => {}
        }
    }
}

/// The first address of each family, then the second of each, and so on; what came first begins.
fn interleave(far: Vec<Address>) -> VecDeque<Address> {
    let first = match far.as_slice() {
        [] | [_] => return far.into(),
        [first, ..] => domain_of(first),
    };
    let (firsts, others): (Vec<_>, Vec<_>) =
        far.into_iter().partition(|address| domain_of(address) == first);
    let mut others = others.into_iter();
    let mut order = VecDeque::new();
    for address in firsts {
        order.push_back(address);
        order.extend(others.next());
    }
    order.extend(others);
    order
}

/// How long an attempt has a lead over the next (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// How long a listener whose queue is full is left alone, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
