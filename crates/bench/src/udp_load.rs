//! Closed-loop echo traffic in datagrams: N clients, each with D messages under way.
//!
//! A client sends D messages at once, waits for all of them, and begins again. Each has a number, and
//! what returns is compared with what was sent. Datagrams may be lost: who waits for long begins again,
//! and a run in which many were lost is an error.
//!
//! One thread, on mio, edge-triggered, and one system call for D messages (`UDP_SEGMENT`, udp(7)): the load
//! must cost less than the server.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// Bytes of a message.
const SIZE: usize = 64;

/// The shape of the traffic.
#[derive(Debug, Clone, Copy)]
pub struct UdpShape {
    /// Sockets that send.
    pub clients: usize,
    /// Messages under way on each, 64 at most.
    pub depth: usize,
}

/// The clients.
#[derive(Debug)]
pub struct UdpLoad {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    depth: u64,
    /// Batches of this run that no client has begun.
    unstarted: u64,
    under_way: u64,
    lost: u64,
}

#[derive(Debug)]
struct Client {
    socket: UdpSocket,
    /// Messages sent by now, and the next one's number.
    sent: u64,
    /// Answers that are still to come.
    missing: u64,
    batch: Vec<u8>,
}

impl UdpLoad {
    /// Makes the clients.
    ///
    /// # Errors
    ///
    /// When descriptors run out.
    pub fn connect(address: SocketAddr, shape: UdpShape) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(shape.clients);
        for index in 0..shape.clients {
            let mut socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0).into())?;
            socket.connect(address)?;
            setsockopt(&socket, UdpGsoSegment, &64)?;
            poll.registry().register(&mut socket, Token(index), Interest::READABLE)?;
            let batch = vec![b'.'; SIZE * shape.depth];
            clients.push(Client { socket, sent: 0, missing: 0, batch });
        }
        let events = Events::with_capacity(1024);
        let depth = shape.depth as u64;
        Ok(Self { poll, events, clients, depth, unstarted: 0, under_way: 0, lost: 0 })
    }

    /// Has this many messages echoed (rounded up to whole batches) and says how many there were and how
    /// long it took. Nothing is under way when it returns.
    ///
    /// # Errors
    ///
    /// When more than one in a hundred is lost, and when an echo is not what was sent.
    pub fn run(&mut self, messages: u64) -> io::Result<(u64, Duration)> {
        let batches = messages.div_ceil(self.depth);
        let begin = Instant::now();
        (self.unstarted, self.under_way, self.lost) = (batches, 0, 0);
        for client in &mut self.clients {
            if self.unstarted > 0 {
                client.start(self.depth)?;
                self.unstarted -= 1;
                self.under_way += 1;
            }
        }
        while self.under_way > 0 {
            self.turn()?;
        }
        if self.lost * 100 > messages {
            return Err(io::Error::other(format!("{} of {messages} were lost", self.lost)));
        }
        Ok((batches * self.depth, begin.elapsed()))
    }

    fn turn(&mut self) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(PATIENCE)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.events.is_empty() {
            return self.begin_again();
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            if !client.receive()? {
                continue;
            }
            if self.unstarted == 0 {
                self.under_way -= 1;
            } else {
                client.start(self.depth)?;
                self.unstarted -= 1;
            }
        }
        Ok(())
    }

    /// Nothing has come for long: what is under way is lost.
    fn begin_again(&mut self) -> io::Result<()> {
        for client in self.clients.iter_mut().filter(|client| client.missing > 0) {
            self.lost += client.missing;
            client.start(self.depth)?;
        }
        if self.lost > 10_000 {
            return Err(io::Error::new(ErrorKind::TimedOut, "the server fell silent"));
        }
        Ok(())
    }
}

impl Client {
    /// Sends the next batch.
    fn start(&mut self, depth: u64) -> io::Result<()> {
        for message in self.batch.chunks_mut(SIZE) {
            message[..8].copy_from_slice(&self.sent.to_le_bytes());
            self.sent += 1;
        }
        self.missing = depth;
        self.socket.send(&self.batch).map(drop)
    }

    /// Takes what has come; says whether that completes the batch.
    fn receive(&mut self) -> io::Result<bool> {
        let before = self.missing;
        let mut message = [0; 2 * SIZE];
        loop {
            match self.socket.recv(&mut message) {
                Ok(SIZE) => self.take(&message)?,
                Ok(len) => return Err(io::Error::other(format!("{len} bytes came back"))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(before > 0 && self.missing == 0)
    }

    fn take(&mut self, message: &[u8]) -> io::Result<()> {
        let mut number = [0; 8];
        number.copy_from_slice(&message[..8]);
        let number = u64::from_le_bytes(number);
        let first = self.sent - (self.batch.len() / SIZE) as u64;
        if number >= self.sent || message[8..SIZE].iter().any(|byte| *byte != b'.') {
            return Err(io::Error::other("what came back is not what was sent"));
        }
        // An answer to what was given up already counts for nothing.
        self.missing -= u64::from(number >= first);
        Ok(())
    }
}
