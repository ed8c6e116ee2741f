//! Messages that come in.
//!
//! Owns those that were received and not told yet. Promises that each is told, the empty ones too, and
//! in their order; that an error of the network stops nothing; and that nothing is kept while nothing
//! comes. Knows no session.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use reactor::{Io, WheelId};

use super::Message;
use crate::address::{Address, UnixAddress};
use crate::family::{Domain, SocketType};
use crate::socket::Socket;
use crate::sys::{self, BATCH, Received, Shape, errno};

#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what the system said and what the session wants"
)]
pub(super) struct Inbound {
    /// Received and not told.
    waiting: VecDeque<Message>,
    source: Source,
    wanted: Wanted,
    /// How many messages the next call asks for.
    expected: usize,
    phase: Phase,
    /// Empty messages of a connection, if they are any: its end looks the same.
    blanks: usize,
    /// The other end of a connection sends no more; what it sent may still be here.
    cut: bool,
    /// There may be more to receive; the system will not say so again.
    readable: bool,
    /// The last call failed. A second failure in a row waits to be announced, lest one that does not
    /// go away be told without end.
    failed: bool,
    paused: bool,
}

/// What is to be received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The longest message, in bytes.
    pub(super) largest: usize,
    /// Descriptors, too.
    pub(super) fds: bool,
}

/// Where messages come from.
#[derive(Debug)]
enum Source {
    /// From anybody: each says from whom.
    Named(Domain),
    /// From the other end.
    Peer(Address),
}

/// ```text
/// Flowing --read 0 of a connection--> Ending --told--> Ended
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Flowing,
    Ending,
    Ended,
}

/// What came of pulling.
pub(super) enum Pulled {
    Message(Message),
    /// The other end of a connection will send no more; once.
    End,
    Failed(io::Error),
    /// Nothing for now, or for ever.
    Nothing,
}

impl Inbound {
    pub(super) fn new(socket: &Socket, wanted: Wanted) -> Self {
        let source = Source::of(socket);
        Self {
            waiting: VecDeque::new(),
            wanted: Wanted { fds: wanted.fds && source.is_unix(), ..wanted },
            source,
            expected: FEWEST,
            phase: Phase::Flowing,
            blanks: 0,
            cut: false,
            readable: false,
            failed: false,
            paused: false,
        }
    }

    pub(super) const fn ready(&mut self) {
        self.readable = true;
    }

    pub(super) const fn pause(&mut self) {
        self.paused = true;
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.paused = false;
        io.again();
    }

    /// Nothing is received any more.
    pub(super) const fn finish(&mut self) {
        self.phase = Phase::Ended;
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    pub(super) fn pull(&mut self, socket: &Socket, io: &mut Io<'_>) -> Pulled {
        loop {
            if self.paused {
                return Pulled::Nothing;
            }
            if let Some(message) = self.waiting.pop_front() {
                return Pulled::Message(message);
            }
            if self.phase == Phase::Ending {
                self.phase = Phase::Ended;
                return Pulled::End;
            }
            if self.phase == Phase::Ended || !self.readable {
                self.waiting = VecDeque::new();
                return Pulled::Nothing;
            }
            if !io.has_share() {
                io.again();
                return Pulled::Nothing;
            }
            if let Err(error) = self.receive(socket, io) {
                return Pulled::Failed(error);
            }
        }
    }

    /// Receives once, as many as are expected and the share of the turn allows.
    fn receive(&mut self, socket: &Socket, io: &mut Io<'_>) -> io::Result<()> {
        let stride = (self.wanted.largest + LINE).next_multiple_of(LINE);
        let allowed = io.share_left().div_ceil(MESSAGE_COST);
        let most = if self.wanted.fds { 1 } else { self.expected };
        let count = most.min(ROOM / stride).min(allowed).max(1);
        match self.receive_batch(socket, stride, count, io) {
            Ok(received) => {
                self.failed = false;
                self.readable = received == count;
                if received < count || count == self.expected {
                    self.expected = (received + 1).next_power_of_two().clamp(FEWEST, BATCH);
                }
                self.settle_blanks(socket, io)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.failed = false;
                self.readable = false;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => {
                io.spend(MESSAGE_COST);
                // Asked again, what is not connected says the same.
                let lasts = error.raw_os_error() == Some(errno::NOTCONN);
                self.readable = !std::mem::replace(&mut self.failed, true) && !lasts;
                Err(error)
            }
        }
    }

    /// Says how many came.
    fn receive_batch(
        &mut self,
        socket: &Socket,
        stride: usize,
        count: usize,
        io: &mut Io<'_>,
    ) -> io::Result<usize> {
        let wheel = io.id();
        let Wanted { largest, fds } = self.wanted;
        let room = io.scratch(stride * count);
        let (waiting, source, blanks) = (&mut self.waiting, &self.source, &mut self.blanks);
        let mut spent = 0;
        let mut take = |received: Received<'_>| {
            let Received { payload, length, from, fds, fds_truncated } = received;
            spent += payload.len().max(MESSAGE_COST);
            let fds_truncated = fds_truncated && source.is_unix();
            if length == 0 && source.is_peer() && fds.is_empty() && !fds_truncated {
                *blanks += 1;
                return;
            }
            // Behind an end comes nothing: those were messages.
            waiting.extend((0..std::mem::take(blanks)).map(|_| source.blank(wheel)));
            let (payload, from) = (Bytes::copy_from_slice(payload), source.from(from));
            waiting.push_back(Message { payload, length, from, fds, fds_truncated, wheel });
        };
        let received = if fds {
            sys::recv_with_fds(socket, &mut room[..largest]).map(|received| {
                take(received);
                1
            })
        } else {
            sys::recv_batch(socket, source.domain(), Shape { room, stride, largest, count }, take)
        };
        io.spend(spent);
        received
    }

    /// Finds out whether the last of what a connection brought are empty messages or its end: its end is
    /// what goes on for a whole batch when nothing can come any more.
    fn settle_blanks(&mut self, socket: &Socket, io: &Io<'_>) -> io::Result<()> {
        if self.blanks == 0 {
            return Ok(());
        }
        if self.cut && self.blanks >= BATCH {
            self.phase = Phase::Ending;
            return Ok(());
        }
        // Cut: asked once more, for nothing can join what is here any more.
        self.readable = true;
        self.cut = self.cut || is_cut(socket)?;
        if self.cut {
            self.expected = BATCH;
        } else {
            let (blanks, source) = (std::mem::take(&mut self.blanks), &self.source);
            self.waiting.extend((0..blanks).map(|_| source.blank(io.id())));
        }
        Ok(())
    }
}

/// A signal that is pending makes poll(2) fail, though it would not wait.
fn is_cut(socket: &Socket) -> io::Result<bool> {
    loop {
        match sys::is_cut(socket) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            cut => return cut,
        }
    }
}

impl Source {
    fn of(socket: &Socket) -> Self {
        if socket.socket_type() == SocketType::SeqPacket {
            return Self::Peer(socket.peer_addr().unwrap_or_else(|_| UnixAddress::Unnamed.into()));
        }
        Self::Named(match socket.local_addr() {
            Ok(Address::Ip(addr)) if addr.is_ipv4() => Domain::Inet,
            Ok(Address::Ip(_)) => Domain::Inet6,
            Ok(Address::Vsock { .. }) => Domain::Vsock,
            Ok(Address::Unix(_)) | Err(_) => Domain::Unix,
        })
    }

    const fn domain(&self) -> Option<Domain> {
        match self {
            Self::Named(domain) => Some(*domain),
            Self::Peer(_) => None,
        }
    }

    const fn is_unix(&self) -> bool {
        matches!(self, Self::Named(Domain::Unix) | Self::Peer(Address::Unix(_)))
    }

    const fn is_peer(&self) -> bool {
        matches!(self, Self::Peer(_))
    }

    fn blank(&self, wheel: WheelId) -> Message {
        let from = self.from(UnixAddress::Unnamed.into());
        Message {
            payload: Bytes::new(),
            length: 0,
            from,
            fds: Vec::new(),
            fds_truncated: false,
            wheel,
        }
    }

    fn from(&self, told: Address) -> Address {
        match self {
            Self::Named(_) => told,
            Self::Peer(peer) => peer.clone(),
        }
    }
}

/// What a message takes of a wheel's share of a turn at least, the empty one too: 64 are a whole one.
const MESSAGE_COST: usize = 1024;

/// Asking for more than come costs little, but not nothing.
const FEWEST: usize = 4;

/// What the messages of one call may take together: as many as fit of the longest. The parts of it that
/// no message reaches cost no memory.
const ROOM: usize = BATCH * (64 * 1024 + LINE);

/// Messages begin in different lines of the processor's cache, which many at a distance of 64 KiB would
/// not.
const LINE: usize = 64;
