//! Servers under the same load, in turns.
//!
//! Each server runs on one core, the load on another. Rounds are short and the servers take turns in them,
//! in an order that rotates, so that what the machine does meanwhile hits all alike.
//!
//! Owns the servers' processes and their connections while a scenario runs. Never says what the figures are
//! worth: [`table`](crate::table) prints them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::burst_load::{BurstLoad, Farewell};
use crate::chat_load::{ChatLoad, ChatShape};
use crate::echo_load::{EchoLoad, EchoShape};
use crate::machine::Cores;
use crate::process::{Server, ServerProcess};
use crate::table::Samples;

/// Servers, and what they are to do.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// What the tables call it.
    pub name: &'static str,
    /// The first is what the others are compared with.
    pub servers: &'static [Server],
    /// What they do.
    pub shape: Shape,
    /// Messages, connections or, of a chat, deliveries in a round: about a fifth of a second's worth.
    pub requests: u64,
}

/// What servers are to do.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Messages on connections that stay.
    Echo(EchoShape),
    /// Of so many connections.
    Bursts(usize, Farewell),
    /// Lines to a room.
    Chat(ChatShape),
}

impl Scenario {
    /// Runs it: what each server's rounds came to, by name, in the order of the servers.
    ///
    /// # Errors
    ///
    /// When a server or a connection to it fails.
    pub fn run(&self, rounds: usize, cores: Cores) -> io::Result<Vec<(&'static str, Samples)>> {
        let mut contestants = Vec::new();
        for server in self.servers {
            contestants.push(Contestant::start(server, self, cores)?);
        }
        for round in 0..rounds {
            for turn in 0..contestants.len() {
                let next = (round + turn) % contestants.len();
                contestants[next].round(self.requests)?;
            }
        }
        Ok(contestants
            .into_iter()
            .map(|contestant| (contestant.name, contestant.samples))
            .collect())
    }
}

/// Traffic to one server.
#[derive(Debug)]
pub enum Load {
    /// [`Shape::Echo`].
    Echo(EchoLoad),
    /// [`Shape::Bursts`].
    Bursts(usize, BurstLoad),
    /// [`Shape::Chat`].
    Chat(Box<ChatLoad>),
}

impl Load {
    /// Opens the connections that stay.
    ///
    /// # Errors
    ///
    /// When the server refuses one, or descriptors run out.
    pub fn new(server: SocketAddr, shape: Shape) -> io::Result<Self> {
        Ok(match shape {
            Shape::Echo(shape) => Self::Echo(EchoLoad::connect(server, shape)?),
            Shape::Bursts(connections, farewell) => {
                Self::Bursts(connections, BurstLoad::new(server, farewell))
            }
            Shape::Chat(shape) => Self::Chat(Box::new(ChatLoad::join(server, shape)?)),
        })
    }

    /// Has so many requests answered (rounded up to what the shape sends together); says how many there
    /// were and how long it took. Nothing is under way when it returns.
    ///
    /// # Errors
    ///
    /// When a connection fails, is closed, or is silent for long, and when what comes is not what should.
    pub fn run(&mut self, requests: u64) -> io::Result<(u64, Duration)> {
        match self {
            Self::Echo(load) => load.run(requests),
            Self::Bursts(connections, load) => {
                load.run(requests.div_ceil(*connections as u64), *connections)
            }
            Self::Chat(load) => load.run(requests),
        }
    }
}

/// One server, and the load that drives it.
#[derive(Debug)]
struct Contestant {
    name: &'static str,
    server: ServerProcess,
    load: Load,
    samples: Samples,
}

impl Contestant {
    fn start(server: &Server, scenario: &Scenario, cores: Cores) -> io::Result<Self> {
        let process = server.start(cores)?;
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", server.name));
        let mut load = Load::new(process.address(), scenario.shape).map_err(named)?;
        load.run(scenario.requests / 4).map_err(named)?; // warms caches, heaps and the branch predictor
        Ok(Self { name: server.name, server: process, load, samples: Samples::default() })
    }

    fn round(&mut self, requests: u64) -> io::Result<()> {
        let before = self.server.settled_cpu()?;
        let run = self.load.run(requests);
        let (done, elapsed) =
            run.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", self.name)))?;
        let after = self.server.settled_cpu()?;
        self.samples.add(after - before, done, elapsed);
        Ok(())
    }
}
