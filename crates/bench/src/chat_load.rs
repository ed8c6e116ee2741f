//! One room, many clients, one who speaks: the load of a chat server.
//!
//! All clients enter the room that a server puts everyone in. The first speaks, in lines of its own choice;
//! each line must reach all the others as `<speaker> line`, whole, in order, and once: every byte is
//! compared. Lines end as the server likes, with CRLF or LF. The figures count deliveries: one line to a
//! room of 1,000 is 999 of them.
//!
//! One thread, on mio, edge-triggered: the load must cost less than the server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

/// How long a server may be silent before a run is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a call may take to reach everyone before it is made again.
const CALL: Duration = Duration::from_millis(200);

/// How many calls are made before a server is given up.
const CALLS: usize = 100;

/// Letters in each line that is said.
const LETTERS: usize = 60;

/// How many different lines there are.
const VARIETY: usize = 13;

/// The shape of the traffic.
#[derive(Debug, Clone, Copy)]
pub struct ChatShape {
    /// Clients in the room, two at least: the one who speaks is one of them.
    pub clients: usize,
    /// How the speaker speaks.
    pub pace: Pace,
}

/// How the speaker speaks.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many lines a second, at even intervals, whether the last has reached everyone or not.
    PerSecond(u32),
    /// So many lines at once, and again when they have reached everyone.
    AtOnce(u32),
}

/// The clients, and what they say.
#[derive(Debug)]
pub struct ChatLoad {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    pace: Pace,
    buffer: Vec<u8>,
    /// `VARIETY` lines as the speaker sends them, and as the others get them.
    said: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
    /// What everyone is to get in this run, as far as it was said.
    expected: Vec<u8>,
    /// Lines that were said in this run.
    lines: u64,
    /// Clients that have not got all that was said.
    behind: usize,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    /// Before a run: the part of a line that has come. In a run, nothing.
    line: Vec<u8>,
    /// The last call that was heard.
    call: usize,
    /// Bytes of `expected` that have come.
    received: usize,
}

impl ChatLoad {
    /// Opens the connections, gives each a nickname, and waits until each of them hears the speaker.
    ///
    /// # Errors
    ///
    /// When the server refuses one, descriptors run out, or the speaker is not heard.
    pub fn join(address: SocketAddr, shape: ChatShape) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(shape.clients);
        for index in 0..shape.clients {
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.write_all(format!("guest{index}\n").as_bytes())?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            clients.push(Client { stream, line: Vec::new(), call: 0, received: 0 });
        }
        let mut load = Self {
            poll,
            events: Events::with_capacity(1024),
            clients,
            pace: shape.pace,
            buffer: vec![0; 64 * 1024],
            said: (0..VARIETY).map(line).collect(),
            heard: Vec::new(),
            expected: Vec::new(),
            lines: 0,
            behind: 0,
        };
        let ending = load.enter()?;
        let heard = |said: &Vec<u8>| [b"<guest0> ", &said[..said.len() - 1], ending].concat();
        load.heard = load.said.iter().map(heard).collect();
        Ok(load)
    }

    /// Has so many deliveries made (rounded up to whole lines, or batches of them); says how many there
    /// were and how long it took. Nothing is under way when it returns.
    ///
    /// # Errors
    ///
    /// When a connection fails, is closed, or is silent for long, and when what comes is not what was said.
    pub fn run(&mut self, deliveries: u64) -> io::Result<(u64, Duration)> {
        let others = self.clients.len() as u64 - 1;
        let lines = deliveries.div_ceil(others);
        self.expected.clear();
        self.clients.iter_mut().for_each(|client| client.received = 0);
        self.lines = 0;
        let begin = Instant::now();
        while self.lines < lines {
            self.speak()?;
            match self.pace {
                Pace::AtOnce(_) => self.listen_until_heard()?,
                Pace::PerSecond(per_second) => {
                    let next = begin + Duration::from_secs(self.lines) / per_second;
                    self.listen_until(next)?;
                }
            }
        }
        self.listen_until_heard()?;
        Ok((self.lines * others, begin.elapsed()))
    }

    /// Says what is said at once.
    fn speak(&mut self) -> io::Result<()> {
        let lines = match self.pace {
            Pace::PerSecond(_) => 1,
            Pace::AtOnce(lines) => lines,
        };
        let mut said = Vec::new();
        for _ in 0..lines {
            let which = (self.lines % VARIETY as u64) as usize;
            said.extend_from_slice(&self.said[which]);
            self.expected.extend_from_slice(&self.heard[which]);
            self.lines += 1;
        }
        self.behind = self.clients.len() - 1; // nobody can have heard this
        send(&mut self.clients[0].stream, &said)
    }

    fn listen_until(&mut self, end: Instant) -> io::Result<()> {
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.listen(left)?;
        }
    }

    fn listen_until_heard(&mut self) -> io::Result<()> {
        while self.behind > 0 {
            if !self.listen(PATIENCE)? {
                return Err(io::Error::new(ErrorKind::TimedOut, "the server fell silent"));
            }
        }
        Ok(())
    }

    /// Takes what comes within a time, at most once; says whether anything did.
    fn listen(&mut self, time: Duration) -> io::Result<bool> {
        if !wait(&mut self.poll, &mut self.events, time)? {
            return Ok(false);
        }
        for event in &self.events {
            let Token(index) = event.token();
            let client = &mut self.clients[index];
            let expected = if index == 0 { &[][..] } else { &self.expected[..] };
            let came = client.take(expected, &mut self.buffer)?;
            if came && client.received == expected.len() {
                self.behind -= 1;
            }
        }
        Ok(true)
    }

    /// Has the speaker call until everyone has heard the same call, and so all that came before it; says
    /// how the server ends its lines.
    fn enter(&mut self) -> io::Result<&'static [u8]> {
        let mut ending = &b"\n"[..];
        for call in 1..=CALLS {
            send(&mut self.clients[0].stream, format!("call {call}\n").as_bytes())?;
            let end = Instant::now() + CALL;
            while Instant::now() < end && !self.everyone_heard(call) {
                ending = self.hear()?.unwrap_or(ending);
            }
            if self.everyone_heard(call) {
                return Ok(ending);
            }
        }
        Err(io::Error::new(ErrorKind::TimedOut, "not everyone hears the speaker"))
    }

    /// Takes what comes while everyone enters, at most once; says how its lines end.
    fn hear(&mut self) -> io::Result<Option<&'static [u8]>> {
        let mut ending = None;
        wait(&mut self.poll, &mut self.events, CALL)?;
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            ending = client.hear(&mut self.buffer)?.or(ending);
        }
        Ok(ending)
    }

    fn everyone_heard(&self, call: usize) -> bool {
        self.clients[1..].iter().all(|client| client.call == call && client.line.is_empty())
    }
}

impl Client {
    /// Takes what has come in a run; says whether anything has.
    fn take(&mut self, expected: &[u8], buffer: &mut [u8]) -> io::Result<bool> {
        let Self { stream, received, .. } = self;
        let before = *received;
        receive(stream, buffer, |bytes| {
            let end = *received + bytes.len();
            let matches = expected.get(*received..end) == Some(bytes);
            *received = end;
            matches.then_some(()).ok_or_else(|| io::Error::other("what came is not what was said"))
        })?;
        Ok(*received > before)
    }

    /// Takes lines while everyone enters, and finds the last call among them; says how they end.
    fn hear(&mut self, buffer: &mut [u8]) -> io::Result<Option<&'static [u8]>> {
        let Self { stream, line, call, .. } = self;
        receive(stream, buffer, |bytes| {
            line.extend_from_slice(bytes);
            Ok(())
        })?;
        let Some(end) = memchr::memrchr(b'\n', line) else {
            return Ok(None);
        };
        let whole = &line[..=end];
        let crlf = whole.ends_with(b"\r\n");
        for one in whole.split(|byte| *byte == b'\n') {
            *call = called(one.trim_ascii_end()).unwrap_or(*call);
        }
        line.drain(..=end);
        Ok(Some(if crlf { b"\r\n" } else { b"\n" }))
    }
}

/// The number of the call that a line is.
fn called(line: &[u8]) -> Option<usize> {
    let number = line.strip_prefix(b"<guest0> call ")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Waits for events; says whether there are any.
fn wait(poll: &mut Poll, events: &mut Events, time: Duration) -> io::Result<bool> {
    match poll.poll(events, Some(time)) {
        Ok(()) => Ok(!events.is_empty()),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes all that has come.
fn receive(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                take(&buffer[..n])?;
                if n < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Sends all of it, which is little: the socket takes it.
fn send(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let sent = stream.write(bytes)?;
    if sent < bytes.len() {
        return Err(io::Error::other("the server does not listen to the speaker"));
    }
    Ok(())
}

/// A line that is said, letters that differ from one seed to the next.
fn line(seed: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed as u64 + 1);
    let mut bytes = Vec::with_capacity(LETTERS + 1);
    for _ in 0..LETTERS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.push(b"abcdefghijklmnopqrstuvwxyz012345"[(state >> 59) as usize]);
    }
    bytes.push(b'\n');
    bytes
}
