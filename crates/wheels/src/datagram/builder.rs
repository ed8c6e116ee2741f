//! What a wheel of messages is built of.

use std::borrow::Cow;

use reactor::{Context, EventName, WheelId};

use super::inbound::Wanted;
use super::limits::Limits;
use super::wheel::{Mailbox, Targets};
use super::{Datagram, Message};
use crate::failure::Failure;
use crate::socket::Socket;

/// The parameters of a [`Datagram`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct DatagramBuilder {
    socket: Socket,
    wanted: Wanted,
    limits: Limits,
    flushed: Option<Cow<'static, str>>,
}

impl Datagram {
    /// A wheel on `socket`, which is of type [`Dgram`](crate::SocketType::Dgram), or
    /// [`SeqPacket`](crate::SocketType::SeqPacket) and connected.
    pub fn builder(socket: Socket) -> DatagramBuilder {
        DatagramBuilder {
            socket,
            wanted: Wanted { largest: LARGEST, fds: false },
            limits: Limits::default(),
            flushed: None,
        }
    }
}

impl DatagramBuilder {
    /// The longest message that is received whole, in bytes, from 1 to 4 MiB: less or more is taken as
    /// these. What is longer comes [truncated](Message::is_truncated). Default: 65,535, which no datagram of
    /// IP exceeds; UNIX messages may. One buffer serves all wheels, so that an idle one does not pay for it.
    pub fn largest(mut self, bytes: usize) -> Self {
        self.wanted.largest = bytes.clamp(1, MOST);
        self
    }

    /// Receives the descriptors that are [sent along](Datagram::send_fds) with messages of UNIX sockets
    /// (`SCM_RIGHTS`, unix(7)), each closed on exec from the first: see [`Message::fds`]. Changes nothing for
    /// other sockets. Default: the system closes them, since whoever may send to a socket could otherwise
    /// fill the process's table.
    ///
    /// Messages are received one at a time then (recvmsg(2)), so that of those that are not told yet none takes
    /// a place in the table. A sender that is bound to a path of 108 bytes, the most there can be, comes as
    /// [unnamed](crate::UnixAddress::Unnamed).
    pub const fn receive_fds(mut self) -> Self {
        self.wanted.fds = true;
        self
    }

    /// How many messages, and how many bytes of them, wait to be sent. What is to be sent then is
    /// [dropped](super::Sent::Dropped); one message may wait in any case, however long. Default: 1,024 messages,
    /// 1 MiB. While 64 failures wait to be told nothing more is sent.
    pub const fn most_unsent(mut self, messages: usize, bytes: usize) -> Self {
        self.limits = Limits { messages, bytes };
        self
    }

    /// Told whenever all that was to be sent has been sent, or has failed, once each time. Default: not told.
    pub fn flushed_event(mut self, event: impl EventName<WheelId>) -> Self {
        self.flushed = Some(event.into_name());
        self
    }

    /// Builds the wheel: `input` is told each message, `failure` what goes wrong.
    ///
    /// A socket of another type is a failure of `socket` (`ESOCKTNOSUPPORT`), told when the events posted so
    /// far are delivered.
    #[must_use = "dropping the wheel closes the socket"]
    pub fn build(
        self,
        cx: &mut Context<'_>,
        input: impl EventName<Message>,
        failure: impl EventName<Failure>,
    ) -> Datagram {
        let Self { socket, wanted, limits, flushed } = self;
        let targets = Targets {
            input: cx.symbol_of(input),
            failure: cx.symbol_of(failure),
            flushed: flushed.map(|event| cx.symbol(event)),
        };
        let handle = cx.add_wheel(|io| Mailbox::open(socket, wanted, limits, targets, io));
        Datagram { handle }
    }
}

/// The length of a datagram of IP is a number of 16 bits.
const LARGEST: usize = 65_535;

/// No more than the buffer has room for. UNIX messages can be longer only where the system's limit of
/// what waits to be sent (`net.core.wmem_max`) was raised far.
const MOST: usize = 4 * 1024 * 1024;
