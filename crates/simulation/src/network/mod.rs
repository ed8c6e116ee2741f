//! The network: sockets, connections, what is on its way, and when it arrives.
//!
//! Owns all of it, for all hosts, behind one cell that is emptied while it is worked on. Runs no code
//! but its own, so nobody finds it empty. Never looks at a clock: it is told the time.

mod connect;
mod datagrams;
mod deliver;
mod end;
mod ends;
mod errno;
mod hosts;
mod links;
mod ports;
mod probes;
mod settings;
mod sockets;
mod stream;
mod watched;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

use fastrand::Rng;

use wheels::Domain;

use crate::conditions::Conditions;
use end::End;
use ends::Ends;
use hosts::Host;
use links::Links;
use ports::Ports;
use settings::Settings;

/// Nanoseconds since the simulation began.
pub(crate) type Time = u64;

/// Names one end of a connection for good: no number is used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct EndId(u64);

/// Names a host.
pub(crate) type Place = usize;

pub(crate) struct Network(Cell<Option<Box<State>>>);

impl Network {
    pub(crate) fn new(seed: u64) -> io::Result<Self> {
        Ok(Self(Cell::new(Some(Box::new(State::new(seed)?)))))
    }

    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.0.take().expect("nothing that is done with it comes back here");
        let result = act(&mut state);
        self.0.set(Some(state));
        result
    }
}

pub(crate) struct State {
    pub(crate) now: Time,
    pub(crate) random: Rng,
    pub(crate) conditions: Conditions,
    pub(crate) hosts: Vec<Host>,
    pub(crate) links: Links,
    /// By the number of its descriptor.
    sockets: Vec<Option<Socket>>,
    /// Sockets that nobody watches: only these can be closed unseen. Those that are nothing do not count.
    unwatched: usize,
    /// Hosts that are to be told of sockets.
    told: BTreeSet<Place>,
    /// Descriptors by the numbers of their sockets.
    by_number: BTreeMap<u64, RawFd>,
    ports: Ports,
    ends: BTreeMap<EndId, End>,
    /// The ends that asked for a connection, by host, own address, and the other's.
    tuples: BTreeMap<(Place, SocketAddr, SocketAddr), EndId>,
    /// When the last datagram from one host to another arrives, on a network that keeps them in order.
    in_order: BTreeMap<(Place, Place), Time>,
    agenda: BinaryHeap<Reverse<Appointment>>,
    closing: Ends,
    /// Numbers that were given away.
    numbers: u64,
    /// Of all that happened.
    digest: u64,
}

/// Something that will happen.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Appointment {
    due: Time,
    /// Of two that are due at once the one that was made first comes first.
    number: u64,
    what: Due,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// Somebody asks for a connection.
    Syn(EndId),
    /// The first of what is on its way to this end.
    Arrival(EndId),
    Datagram(Letter),
    /// A datagram of this socket found nobody.
    Unreachable(RawFd, u64),
    /// An end asks whether the other is there.
    Keepalive(EndId),
    /// There was no room since then for what an end would send.
    Stalled(EndId, Time),
}

/// A datagram on its way.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Letter {
    /// The sender's descriptor and number.
    sender: (RawFd, u64),
    origin: Place,
    from: SocketAddr,
    to: SocketAddr,
    payload: Vec<u8>,
}

/// What has a descriptor.
struct Socket {
    /// No other socket ever has it.
    number: u64,
    host: Place,
    /// The other end of its descriptor: who closes the one is heard at the other.
    _other: OwnedFd,
    domain: Domain,
    settings: Settings,
    local: Option<SocketAddr>,
    kind: Kind,
    /// What its kernel calls it, if it watches it.
    token: Option<usize>,
    /// Whether its host is to be told of it.
    announced: bool,
}

enum Kind {
    /// Nothing, but it counts.
    Reserve,
    Stream(Option<EndId>),
    Listener {
        backlog: usize,
        queue: VecDeque<EndId>,
    },
    Datagram {
        peer: Option<SocketAddr>,
        inbox: VecDeque<(SocketAddr, Vec<u8>)>,
        error: Option<i32>,
    },
}

impl State {
    fn new(seed: u64) -> io::Result<Self> {
        Ok(Self {
            now: 0,
            random: Rng::with_seed(seed),
            conditions: Conditions::calm(),
            hosts: Vec::new(),
            links: Links::default(),
            sockets: Vec::new(),
            unwatched: 0,
            told: BTreeSet::new(),
            by_number: BTreeMap::new(),
            ports: Ports::default(),
            ends: BTreeMap::new(),
            tuples: BTreeMap::new(),
            in_order: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            closing: Ends::new()?,
            numbers: 0,
            digest: seed,
        })
    }

    /// When the next thing happens that is on its way.
    pub(crate) fn next(&self) -> Option<Time> {
        self.agenda.peek().map(|Reverse(first)| first.due)
    }

    /// What happened so far, as one number.
    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }

    /// Connections that are not closed at both ends.
    pub(crate) fn connections(&self) -> usize {
        self.ends.len().div_ceil(2)
    }

    fn note(&mut self, words: [u64; 3]) {
        for word in words.into_iter().chain([self.now]) {
            self.digest = (self.digest ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn schedule(&mut self, due: Time, what: Due) {
        let number = self.number();
        self.agenda.push(Reverse(Appointment { due, number, what }));
    }

    /// The socket that has this descriptor.
    fn socket(&self, fd: RawFd) -> io::Result<&Socket> {
        let place = usize::try_from(fd).ok().and_then(|fd| self.sockets.get(fd));
        place.and_then(Option::as_ref).ok_or_else(|| errno::error(errno::NOTSOCK))
    }

    fn socket_mut(&mut self, fd: RawFd) -> io::Result<&mut Socket> {
        let place = usize::try_from(fd).ok().and_then(|fd| self.sockets.get_mut(fd));
        place.and_then(Option::as_mut).ok_or_else(|| errno::error(errno::NOTSOCK))
    }

    /// How long something takes from one host to another, this time.
    fn delay(&mut self, from: Place, to: Place) -> Time {
        if from == to {
            return nanos(WITHIN_A_HOST);
        }
        let latency = &self.conditions.latency;
        let (least, most) = (nanos(*latency.start()), nanos(*latency.end()));
        let delay = self.random.u64(least..=most.max(least));
        // Now and then something is held up.
        if self.conditions.is_rough && self.random.u8(..) == 0 { delay * 20 } else { delay }
    }
}

pub(crate) fn nanos(duration: Duration) -> Time {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 4)
}

const WITHIN_A_HOST: Duration = Duration::from_micros(20);
