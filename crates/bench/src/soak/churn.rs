//! Clients that come and go, so many a second, each with a [script](super::behaviour) of its own.
//!
//! Owns the clients of one server. Promises that each of them is either done, with every byte checked that
//! was to be checked, or told of as failed. Never judges what the server holds: that is `round.rs`.
//!
//! One thread, on mio, edge-triggered. The clients call from 127.1.0.1, 127.1.0.2 ... in turn, since each
//! leaves its port in `TIME_WAIT`.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use fastrand::Rng;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::behaviour::Script;
use super::client::{Client, Step};
use super::server::HASTY;

/// How long a slow reader waits before it takes some more.
const REST: Duration = Duration::from_millis(20);

/// A slow machine is not a leak: how long nobody waits for what does come.
pub(super) const AT_MOST: Duration = Duration::from_secs(HASTY.as_secs() + 60);

/// How many connect before those are seen to that are connected.
const AT_ONCE: u64 = 32;

/// How many addresses they call from.
const SOURCES: u32 = 250;

/// Failures that are kept, to be printed.
const TOLD: usize = 5;

/// The clients of one server.
#[derive(Debug)]
pub(super) struct Churn {
    server: SocketAddr,
    /// How many there may be at a time: more wait until some have gone.
    most: usize,
    random: Rng,
    poll: Poll,
    events: Events,
    clients: Slab<Caller>,
    /// Those that are not done, which nobody has to let go.
    pending: usize,
    /// Slow readers, the one that is to go on first first.
    resting: VecDeque<(Instant, usize)>,
    buffer: Vec<u8>,
    tally: Tally,
}

/// A client, and what the loop knows of it.
#[derive(Debug)]
struct Caller {
    number: u64,
    client: Client,
    rests: bool,
}

/// What has become of clients.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// How many there were.
    pub(super) connections: u64,
    /// Those that got back all that they sent, byte by byte.
    pub(super) exact: u64,
    /// Those that did not get what they should.
    pub(super) failed: u64,
    /// The first of these, told.
    pub(super) failures: Vec<String>,
}

impl Churn {
    pub(super) fn new(server: SocketAddr, most: usize, seed: u64) -> io::Result<Self> {
        Ok(Self {
            server,
            most,
            random: Rng::with_seed(seed),
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Slab::new(),
            pending: 0,
            resting: VecDeque::new(),
            buffer: vec![0; 64 * 1024],
            tally: Tally::default(),
        })
    }

    /// Lets so many clients come, so many a second. Says how long it took.
    pub(super) fn come(&mut self, clients: u64, rate: u32) -> io::Result<Duration> {
        let (began, before) = (Instant::now(), self.tally.connections);
        while self.tally.connections - before < clients {
            let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64 + 1;
            // Not all that are late at once: those who are there would wait meanwhile.
            let due = (before + due.min(clients)).min(self.tally.connections + AT_ONCE);
            while self.tally.connections < due && self.clients.len() < self.most {
                self.call()?;
            }
            self.turn()?;
        }
        Ok(began.elapsed())
    }

    /// Waits until all are done but those who never are. They stay connected until they are
    /// [let go](Self::let_go).
    pub(super) fn settle(&mut self) -> io::Result<()> {
        let began = Instant::now();
        while self.pending > 0 && began.elapsed() < AT_MOST {
            self.turn()?;
        }
        let mut clients = self.clients.iter().map(|(_, caller)| &caller.client);
        match clients.find(|client| self.pending > 0 && !client.behaviour().stays()) {
            Some(client) => Err(io::Error::other(format!("it does not answer or end: {client}"))),
            None => Ok(()),
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(Duration::from_millis(2))) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            self.advance(event.token().0);
        }
        self.events = events;
        self.wake();
        Ok(())
    }

    /// Closes those who would stay for ever.
    pub(super) fn let_go(&mut self) {
        self.clients.clear();
    }

    pub(super) const fn tally(&self) -> &Tally {
        &self.tally
    }

    fn call(&mut self) -> io::Result<()> {
        let number = self.tally.connections;
        self.tally.connections += 1;
        let turn = (number % u64::from(SOURCES)) as u32;
        let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + turn);
        let script = Script::draw(&mut self.random);
        let mut client = Client::connect(from, self.server, script)?;
        let entry = self.clients.vacant_entry();
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.stream, Token(entry.key()), both)?;
        self.pending += usize::from(!client.behaviour().stays());
        entry.insert(Caller { number, client, rests: false });
        Ok(())
    }

    fn advance(&mut self, index: usize) {
        // It may have gone while earlier events of the same wait were seen to.
        let Some(caller) = self.clients.get_mut(index).filter(|caller| !caller.rests) else {
            return;
        };
        match caller.client.advance(&mut self.buffer) {
            Ok(Step::Waits) => {}
            Ok(Step::Rests) => {
                caller.rests = true;
                self.resting.push_back((Instant::now() + REST, index));
            }
            Ok(Step::Done) => {
                self.tally.exact += u64::from(caller.client.behaviour().is_exact());
                self.remove(index);
            }
            Err(error) => {
                self.tally.failed += 1;
                if self.tally.failures.len() < TOLD {
                    let Caller { number, client, .. } = caller;
                    self.tally.failures.push(format!("client {number}: {client}: {error}"));
                }
                self.remove(index);
            }
        }
    }

    fn remove(&mut self, index: usize) {
        self.clients.remove(index);
        self.pending -= 1;
    }

    fn wake(&mut self) {
        let now = Instant::now();
        while let Some(&(due, index)) = self.resting.front()
            && due <= now
        {
            self.resting.pop_front();
            if let Some(caller) = self.clients.get_mut(index) {
                caller.rests = false;
            }
            self.advance(index);
        }
    }
}
