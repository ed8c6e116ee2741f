//! The wheel as the kernel keeps it: both directions, and what is told of them.
//!
//! Owns the socket. Promises that what goes wrong closes nothing: only a connection ends, once.

use reactor::{Bound, Deliver, Io, Kernel, Readiness, Symbol, Wheel, WheelId};

use bytes::Bytes;

use super::inbound::{Inbound, Pulled};
use super::limits::Limits;
use super::outbound::Outbound;
use super::{Message, Sent};
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::SocketType;
use crate::socket::Socket;
use crate::sys::errno;

#[derive(Debug)]
pub(crate) struct Mailbox {
    socket: Socket,
    targets: Targets,
    inbound: Inbound,
    outbound: Outbound,
    /// Something was sent, and that all was is to be told.
    owes_flushed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Targets {
    pub(super) input: Symbol,
    pub(super) failure: Symbol,
    pub(super) flushed: Option<Symbol>,
}

/// What a wheel of messages tells.
#[derive(Debug)]
pub(crate) enum Told {
    Message(Bound<Message>, Message),
    Failed(Bound<Failure>, Box<Failure>),
    Flushed(Bound<WheelId>, WheelId),
}

impl Mailbox {
    pub(super) fn open(
        socket: Socket,
        largest: usize,
        limits: Limits,
        targets: Targets,
        io: &mut Io<'_>,
    ) -> Self {
        let mut mailbox = Self {
            inbound: Inbound::new(&socket, largest),
            outbound: Outbound::new(&socket, limits),
            socket,
            targets,
            owes_flushed: false,
        };
        if let Err(failure) = mailbox.watch(io) {
            mailbox.inbound.finish();
            mailbox.outbound.close(failure);
            io.queue();
            io.release_session();
        }
        mailbox
    }

    fn watch(&self, io: &mut Io<'_>) -> Result<(), Failure> {
        if self.socket.socket_type() == SocketType::Stream {
            let text = "a stream has no messages".into();
            return Err(Failure::told(Operation::Socket, errno::SOCKTNOSUPPORT, text, io.id()));
        }
        let watched = io.watch(&self.socket);
        watched.map(drop).map_err(|error| Failure::new(Operation::Watch, &error, io.id()))
    }

    pub(super) fn send(&mut self, payload: Bytes, to: Option<Address>, io: &mut Io<'_>) -> Sent {
        // A connection has one other end, with a name or without.
        let to = to.filter(|_| self.socket.socket_type() != SocketType::SeqPacket);
        let sent = self.outbound.push(payload, to, &self.socket, io);
        if sent == Sent::Queued {
            self.owes_flushed = self.targets.flushed.is_some();
            if self.inbound.is_over() {
                io.hold_session();
            }
        }
        sent
    }

    pub(super) const fn targets(&mut self) -> &mut Targets {
        &mut self.targets
    }

    pub(super) const fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) const fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    pub(super) const fn pause(&mut self) {
        self.inbound.pause();
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.inbound.resume(io);
    }

    fn write(&mut self, io: &mut Io<'_>) {
        self.outbound.write(&self.socket, io);
        self.release_if_over(io);
    }

    /// Whether nothing is left to wait for.
    fn release_if_over(&self, io: &mut Io<'_>) {
        if self.inbound.is_over() && self.outbound.is_empty() {
            io.release_session();
        }
    }

    fn tells_flushed(&self) -> bool {
        self.owes_flushed && self.outbound.is_empty()
    }

    fn failed(&self, failure: Failure, io: &Io<'_>) -> Told {
        Told::Failed(Bound::new(io.session(), self.targets.failure), Box::new(failure))
    }
}

impl Wheel for Mailbox {
    type Event = Told;

    fn ready(&mut self, readiness: Readiness) {
        let failed = readiness.contains(Readiness::READ_CLOSED);
        if failed || readiness.contains(Readiness::READABLE) {
            self.inbound.ready();
        }
        if readiness.contains(Readiness::WRITABLE) || readiness.contains(Readiness::WRITE_CLOSED) {
            self.outbound.ready();
        }
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Told> {
        if self.outbound.is_unblocked(io) {
            self.write(io);
        }
        if let Some(failure) = self.outbound.take_failure() {
            return Some(self.failed(failure, io));
        }
        if self.tells_flushed() {
            self.owes_flushed = false;
            let flushed = self.targets.flushed?;
            return Some(Told::Flushed(Bound::new(io.session(), flushed), io.id()));
        }
        match self.inbound.pull(&self.socket, io) {
            Pulled::Nothing => None,
            Pulled::Message(message) => {
                Some(Told::Message(Bound::new(io.session(), self.targets.input), message))
            }
            Pulled::Failed(error) => {
                Some(self.failed(Failure::new(Operation::Read, &error, io.id()), io))
            }
            Pulled::End => {
                self.release_if_over(io);
                Some(self.failed(Failure::end(io.id()), io))
            }
        }
    }

    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        self.write(io);
        self.outbound.has_failures() || self.tells_flushed()
    }
}

impl Deliver for Told {
    #[inline]
    fn deliver(self, kernel: &mut Kernel) {
        match self {
            Self::Message(bound, message) => (bound, message).deliver(kernel),
            Self::Failed(bound, failure) => (bound, *failure).deliver(kernel),
            Self::Flushed(bound, wheel) => (bound, wheel).deliver(kernel),
        }
    }
}
