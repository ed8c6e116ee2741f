//! Light traffic: each client says a short line now and then, and the time is taken until it is back.
//!
//! The time is that from when the line was given to the system until the answer is read, so that it has the load's
//! own lateness at one end only. Medians and 99th percentiles of it are compared between two loads of one server
//! in one run; alone they say little.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How long an answer may be awaited before the server is given up.
const PATIENCE: Duration = Duration::from_secs(30);

const LEN: usize = 64;

/// What is on its way beside the pings, by the same thread.
pub(super) trait Beside {
    /// Does a little of it.
    fn go_on(&mut self) -> io::Result<()>;

    /// Whether there is always more to do.
    const IS_BUSY: bool;
}

/// Nothing.
#[derive(Debug)]
pub(super) struct Alone;

impl Beside for Alone {
    fn go_on(&mut self) -> io::Result<()> {
        Ok(())
    }

    const IS_BUSY: bool = false;
}

/// Clients, and when each is to speak.
#[derive(Debug)]
pub(super) struct Pings {
    poll: Poll,
    clients: Vec<Pinger>,
    /// In the order in which they speak.
    turns: VecDeque<(Instant, usize)>,
    period: Duration,
}

#[derive(Debug)]
struct Pinger {
    stream: TcpStream,
    line: [u8; LEN],
    /// Since when it waits, if it does, and how much of the answer has come.
    waits: Option<(Instant, usize)>,
}

/// Times of answers, the shortest first.
#[derive(Debug, Clone)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The median.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.at(50)
    }

    /// What one of a hundred exceeds.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.at(99)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    fn at(&self, percent: usize) -> Duration {
        self.0.get(self.0.len() * percent / 100).copied().unwrap_or_default()
    }

    /// A line of a table.
    #[must_use]
    pub fn row(&self, what: &str) -> String {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let (p50, p99) = (micros(self.p50()), micros(self.p99()));
        let most = self.0.last().copied().map_or(0.0, micros);
        format!("{what:<36} {p50:>8.0} {p99:>8.0} {most:>9.0} {:>9}", self.count())
    }
}

/// The table's first line.
pub const HEADER: &str =
    "microseconds until an answer              p50      p99      most   answers";

impl Pings {
    /// Connects so many clients, each of which will speak once in a period.
    pub(super) fn connect(server: SocketAddr, count: usize, period: Duration) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(count);
        for index in 0..count {
            let stream = std::net::TcpStream::connect(server)?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            let mut line = [b'a' + (index % 26) as u8; LEN];
            line[LEN - 1] = b'\n';
            clients.push(Pinger { stream, line, waits: None });
        }
        Ok(Self { poll, clients, turns: VecDeque::new(), period })
    }

    /// Has them speak for a time. Each answer is checked, and all have come when it returns.
    pub(super) fn run<B: Beside>(&mut self, time: Duration, beside: &mut B) -> io::Result<Times> {
        let (began, mut times) = (Instant::now(), Vec::new());
        let apart = self.period / self.clients.len().max(1) as u32;
        self.turns = (0..self.clients.len()).map(|n| (began + apart * n as u32, n)).collect();
        let mut events = Events::with_capacity(1024);
        let mut last = Instant::now();
        while !self.turns.is_empty() || self.clients.iter().any(|client| client.waits.is_some()) {
            self.speak(began + time)?;
            // A wait is whole milliseconds; what falls due meanwhile is said together.
            let wait = if B::IS_BUSY { Duration::ZERO } else { Duration::from_millis(1) };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let before = times.len();
            for event in &events {
                times.extend(self.clients[event.token().0].hear()?);
            }
            if times.len() > before {
                last = Instant::now();
            }
            beside.go_on()?;
            if last.elapsed() > PATIENCE {
                return Err(io::Error::new(ErrorKind::TimedOut, "the server fell silent"));
            }
        }
        times.sort();
        Ok(Times(times))
    }

    /// Whoever's turn it is speaks, or passes if the last answer is not there yet.
    fn speak(&mut self, end: Instant) -> io::Result<()> {
        let now = Instant::now();
        while let Some(&(due, index)) = self.turns.front()
            && due <= now
        {
            self.turns.pop_front();
            if now < end {
                self.turns.push_back(((due + self.period).max(now), index));
                self.clients[index].speak()?;
            }
        }
        Ok(())
    }
}

impl Pinger {
    fn speak(&mut self) -> io::Result<()> {
        if self.waits.is_none() {
            self.waits = Some((Instant::now(), 0));
            self.stream.write_all(&self.line)?;
        }
        Ok(())
    }

    /// Takes what has come; says how long the answer took if that was the last of it.
    fn hear(&mut self) -> io::Result<Option<Duration>> {
        let mut buffer = [0; 2 * LEN];
        loop {
            let n = match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some((since, got)) = self.waits else {
                return Err(io::Error::other("more came back than was sent"));
            };
            let end = got + n;
            if end > LEN || self.line[got..end] != buffer[..n] {
                return Err(io::Error::other("what came back is not what was sent"));
            }
            if end == LEN {
                self.waits = None;
                return Ok(Some(since.elapsed()));
            }
            self.waits = Some((since, end));
        }
    }
}
