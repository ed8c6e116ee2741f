//! Closed-loop echo traffic: N connections, each with D messages under way.
//!
//! A connection sends D messages at once, waits for all of their bytes, and begins again; the
//! connections stay open between runs. Every byte that returns is compared with the one sent, and
//! a byte too many is an error. Each message is one line (it ends in a newline and has no other),
//! so that servers of lines can be measured too.
//!
//! One thread, on mio, edge-triggered: the load must cost less than the server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How long a server may be silent before a run is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many different batches there are: small enough for the cache, and prime, so that
/// neighbours do not send the same.
const VARIETY: usize = 13;

/// The shape of the traffic.
#[derive(Debug, Clone, Copy)]
pub struct EchoShape {
    /// Connections held open.
    pub connections: usize,
    /// Bytes in a message, its newline included.
    pub size: usize,
    /// Messages under way on each connection.
    pub depth: usize,
}

/// The connections, and the batches they send.
#[derive(Debug)]
pub struct EchoLoad {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    batches: Vec<Vec<u8>>,
    depth: u64,
    buffer: Vec<u8>,
    /// Batches of this run that no client has begun.
    unstarted: u64,
    /// Batches of this run that are begun and not all back.
    under_way: u64,
}

/// One connection and how far it has got with its batch.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    batch: usize,
    /// All of it, like `received`, when nothing is under way.
    sent: usize,
    received: usize,
}

/// Where a client stands after it has done what it could.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Complete,
}

impl EchoLoad {
    /// Opens the connections.
    ///
    /// # Errors
    ///
    /// When the server refuses one, or descriptors run out.
    pub fn connect(address: SocketAddr, shape: EchoShape) -> io::Result<Self> {
        let poll = Poll::new()?;
        let whole = shape.size * shape.depth;
        let mut clients = Vec::with_capacity(shape.connections);
        for index in 0..shape.connections {
            let stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let both = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut stream, Token(index), both)?;
            clients.push(Client { stream, batch: index % VARIETY, sent: whole, received: whole });
        }
        let batches = (0..VARIETY).map(|seed| batch(seed, shape)).collect();
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            clients,
            batches,
            depth: shape.depth as u64,
            buffer: vec![0; 64 * 1024],
            unstarted: 0,
            under_way: 0,
        })
    }

    /// Has this many messages echoed (rounded up to whole batches) and says how many there were
    /// and how long it took. Nothing is under way when it returns.
    ///
    /// # Errors
    ///
    /// When a connection fails, is closed, or is silent for long, and when an echo is not what
    /// was sent.
    pub fn run(&mut self, messages: u64) -> io::Result<(u64, Duration)> {
        let batches = messages.div_ceil(self.depth);
        let begin = Instant::now();
        self.unstarted = batches;
        self.under_way = 0;
        for client in &mut self.clients {
            if self.unstarted > 0 {
                client.start(&self.batches)?;
                self.unstarted -= 1;
                self.under_way += 1;
            }
        }
        while self.under_way > 0 {
            self.turn()?;
        }
        Ok((batches * self.depth, begin.elapsed()))
    }

    /// Waits, and moves along every client that can be.
    fn turn(&mut self) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(PATIENCE)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        if self.events.is_empty() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the server fell silent"));
        }
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            match client.advance(&self.batches, &mut self.buffer)? {
                Progress::Waiting => {}
                Progress::Complete if self.unstarted == 0 => self.under_way -= 1,
                Progress::Complete => {
                    client.start(&self.batches)?;
                    self.unstarted -= 1;
                }
            }
        }
        Ok(())
    }
}

impl Client {
    /// Begins the next batch.
    fn start(&mut self, batches: &[Vec<u8>]) -> io::Result<()> {
        self.batch = (self.batch + 1) % batches.len();
        self.sent = 0;
        self.received = 0;
        self.send(&batches[self.batch])
    }

    fn send(&mut self, batch: &[u8]) -> io::Result<()> {
        while self.sent < batch.len() {
            match self.stream.write(&batch[self.sent..]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends and receives what can be; `Complete` once, when the last byte is back.
    fn advance(&mut self, batches: &[Vec<u8>], buffer: &mut [u8]) -> io::Result<Progress> {
        let batch = &batches[self.batch];
        if self.sent < batch.len() {
            self.send(batch)?;
        }
        let before = self.received;
        let mut full = true;
        while full {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.take(batch, &buffer[..n])?;
                    full = n == buffer.len();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A writability event after the last byte must not complete the batch a second time.
        if self.received == batch.len() && self.received > before {
            Ok(Progress::Complete)
        } else {
            Ok(Progress::Waiting)
        }
    }

    /// Counts bytes that came back, which must be those sent and not yet returned.
    fn take(&mut self, batch: &[u8], echo: &[u8]) -> io::Result<()> {
        let end = self.received + echo.len();
        if end > self.sent || batch[self.received..end] != *echo {
            return Err(io::Error::other("what came back is not what was sent"));
        }
        self.received = end;
        Ok(())
    }
}

/// `depth` lines of `size` bytes each, letters that differ from one seed to the next.
fn batch(seed: usize, shape: EchoShape) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed as u64 + 1);
    let mut bytes = Vec::with_capacity(shape.size * shape.depth);
    for position in 1..=shape.size * shape.depth {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let letter = b"abcdefghijklmnopqrstuvwxyz012345"[(state >> 59) as usize];
        bytes.push(if position.is_multiple_of(shape.size) { b'\n' } else { letter });
    }
    bytes
}
