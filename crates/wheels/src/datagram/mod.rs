//! The wheel that moves messages.
//!
//! [`Datagram`] is the handle and [`DatagramBuilder`] its parameters. `wheel.rs` is the wheel as the kernel
//! keeps it; `inbound.rs` and `outbound.rs` are its two directions, `limits.rs` bounds the second.

mod builder;
mod inbound;
mod limits;
mod outbound;
mod wheel;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;

use bytes::Bytes;
use reactor::{Context, EventName, Handle, WheelId};

use crate::address::Address;
use crate::failure::Failure;
use crate::socket::Socket;
use crate::sys::{self, errno};
pub use builder::DatagramBuilder;
use outbound::Parcel;
use wheel::Mailbox;

/// A socket of messages, held: UDP, UNIX datagrams, or UNIX messages over a connection (`SEQPACKET`).
/// Dropping it closes the socket. (POE has no such wheel: its programs `select_read` the socket and call
/// `recv` and `send` themselves.)
///
/// Each message that comes is a [`Message`] to the session that built the wheel, the empty one too.
/// [Sent](Self::send_to) messages leave when the handlers of the wheel that is being served are done, or as soon as
/// 64 wait.
///
/// What goes wrong is a [`Failure`] of `read` or `write`, and closes nothing. An error that comes back from the
/// network (`ECONNREFUSED` and its like, on connected sockets only: see udp(7)) may be told by either. A
/// failure of `write` is about one message, which is lost; those behind it are sent. Only a connection ends:
/// a `read` with error number zero is told once, after all that came. Empty messages right before
/// the end look like it to the system, and are not told; all others are.
///
/// Up to 64 messages are received with one call (recvmmsg(2)), and as many sent (sendmmsg(2)).
/// Messages of one length to one peer, one behind the other, are given to the system in one piece to be cut
/// there (`UDP_SEGMENT`), where it can: they arrive as they were sent, at a fraction of the cost.
///
/// Messages of UNIX sockets [carry descriptors](Self::send_fds): that is how one process accepts clients for
/// several, and how a server hands its listeners to its
/// [successor](crate::SocketFactory::into_sockets).
///
/// A wheel receives 64 messages in a turn at most, then others are served. What was received and is not told yet goes
/// with the wheel when it is dropped, and so does what is not sent yet: wait for the
/// [flushed event](DatagramBuilder::flushed_event). A wheel keeps its session alive until it is dropped, or
/// its connection has ended and all is sent.
///
/// ```
/// use reactor::{Context, Kernel, States};
/// use wheels::{Datagram, Failure, Message, Socket};
///
/// #[derive(Default)]
/// struct Echo { wheel: Option<Datagram> }
///
/// impl Echo {
///     fn start(&mut self, cx: &mut Context<'_>, (): ()) -> std::io::Result<()> {
///         let socket = Socket::try_from(std::net::UdpSocket::bind("127.0.0.1:0")?)?;
/// #       ask(socket.local_addr()?.as_ip().unwrap());
///         self.wheel = Some(Datagram::builder(socket).build(cx, "got_message", "got_failure"));
///         Ok(())
///     }
///     fn got_message(&mut self, cx: &mut Context<'_>, message: Message) {
///         if let Some(wheel) = &self.wheel {
///             wheel.send_to(cx, message.payload, message.from);
///         }
/// #       if message.length == 0 { self.wheel = None; }
///     }
///     fn got_failure(&mut self, _: &mut Context<'_>, failure: Failure) {
///         log::warn!("{failure}"); // and it goes on
///     }
/// }
/// # fn ask(server: std::net::SocketAddr) {
/// #     std::thread::spawn(move || {
/// #         let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
/// #         socket.send_to(b"hello", server).unwrap();
/// #         let mut buffer = [0; 10];
/// #         assert_eq!(socket.recv(&mut buffer).unwrap(), 5);
/// #         socket.send_to(b"", server).unwrap();
/// #     });
/// # }
///
/// let echo = States::new()
///     .try_on("_start", Echo::start)
///     .on("got_message", Echo::got_message)
///     .on("got_failure", Echo::got_failure);
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&echo, Echo::default());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
pub struct Datagram {
    handle: Handle<Mailbox>,
}

/// A message came in. It owns what came with it, and so cannot be cloned.
#[derive(Debug)]
pub struct Message {
    /// What it says; its beginning, if it is [truncated](Self::is_truncated).
    pub payload: Bytes,
    /// How long it was when it was sent, in bytes.
    pub length: usize,
    /// Who sent it; over a connection, who is at the other end. Senders of UNIX datagrams that are bound to
    /// nothing are [unnamed](crate::UnixAddress::Unnamed). IPv4 is told as such on sockets of both families.
    pub from: Address,
    /// Descriptors that were sent along, in their order; none unless they are
    /// [received](DatagramBuilder::receive_fds). Those that are not taken out are closed with the message.
    pub fds: Vec<OwnedFd>,
    /// Whether descriptors were sent along that are not here: the table of descriptors was full
    /// (`RLIMIT_NOFILE`), or they are not received. The system has closed them (`MSG_CTRUNC`, recvmsg(2)). Also
    /// true if they are not received and the socket was told to bring credentials (`SO_PASSCRED`).
    pub fds_truncated: bool,
    /// The wheel it came in by.
    pub wheel: WheelId,
}

impl Message {
    /// Whether it was longer than the wheel [receives](DatagramBuilder::largest), and has lost its end.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.length > self.payload.len()
    }
}

/// What became of a message that was to be sent. Ignoring it is fine where a lost message is nothing new.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sent<T = Bytes> {
    /// It is sent as soon as the system takes it.
    Queued,
    /// As much [waits already](DatagramBuilder::most_unsent) as may, or the wheel is closed: here it is
    /// again, with its descriptors if it was sent [with some](Datagram::send_fds). While the wheel is there it is
    /// counted as [dropped](Datagram::dropped).
    Dropped(T),
}

/// An interface of the machine, by which a multicast group is joined.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Interface {
    /// The one that the system's routes lead to.
    #[default]
    Any,
    /// By its number (`if_nametoindex(3)`).
    Index(u32),
    /// By an IPv4 address of it, for IPv4 groups.
    Address(Ipv4Addr),
}

impl Datagram {
    /// The wheel's id, as its events carry it.
    #[must_use]
    pub fn id(&self) -> WheelId {
        self.handle.id()
    }

    /// Sends a message to whom the socket is connected. (`EDESTADDRREQ` or `ENOTCONN` is told if it is not.)
    ///
    /// It leaves when the running handlers are done, many with one call. A wheel that is dropped before
    /// takes it along: drop it by an event that comes after, `cx.yield_` for one.
    pub fn send(&self, cx: &mut Context<'_>, payload: impl Into<Bytes>) -> Sent {
        self.push_payload(cx, payload.into(), None)
    }

    /// Sends a message to an address. A socket of IPv6 takes addresses of IPv4 too, unless it was made for
    /// IPv6 only. Over a connection it goes to the other end, whatever the address, so that who
    /// [sent](Message::from) a message is answered alike on sockets of every kind; where there is none, a
    /// sender who is unnamed cannot be answered (`EINVAL`).
    ///
    /// A UNIX peer that does not read as fast as it is written to holds up only what is sent to it: that is
    /// tried again after 1 ms, and then after longer up to 64 ms.
    pub fn send_to(
        &self,
        cx: &mut Context<'_>,
        payload: impl Into<Bytes>,
        to: impl Into<Address>,
    ) -> Sent {
        self.push_payload(cx, payload.into(), Some(to.into()))
    }

    /// Sends a message, and descriptors with it, over a connected UNIX socket (`SCM_RIGHTS`, unix(7)). The peer
    /// gets copies; these are closed when the system has taken the message, or when the wheel is dropped
    /// before. The message may be empty. (POE has nothing like it.)
    ///
    /// A peer that does not [receive](DatagramBuilder::receive_fds) descriptors gets the message without.
    /// 253 go with a message at most (`SCM_MAX_FD`). More are a failure of `write` (`EINVAL`), and so is any on a
    /// socket of another family (`EOPNOTSUPP`): the message is lost then, and its descriptors are closed. If the
    /// user has too many on their way already (`ETOOMANYREFS`), the wheel waits until there are fewer.
    ///
    /// ```
    /// # use reactor::Context;
    /// # use wheels::{Datagram, Established, Message, Socket};
    /// struct Dispatcher { workers: Vec<Datagram>, next: usize }
    ///
    /// impl Dispatcher {
    ///     fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
    ///         self.next = (self.next + 1) % self.workers.len();
    ///         self.workers[self.next].send_fds(cx, "", [client.socket.into()]);
    ///     }
    /// }
    ///
    /// // In a worker, whose wheel was built with `receive_fds`:
    /// fn got_clients(cx: &mut Context<'_>, message: Message) -> std::io::Result<()> {
    ///     for fd in message.fds {
    ///         serve(cx, Socket::try_from(fd)?);
    ///     }
    ///     Ok(())
    /// }
    /// # fn serve(_: &mut Context<'_>, _: Socket) {}
    /// ```
    pub fn send_fds(
        &self,
        cx: &mut Context<'_>,
        payload: impl Into<Bytes>,
        fds: impl IntoIterator<Item = OwnedFd>,
    ) -> Sent<(Bytes, Vec<OwnedFd>)> {
        self.push_fds(cx, payload.into(), fds, None)
    }

    /// [Sends descriptors](Self::send_fds) to an address.
    pub fn send_fds_to(
        &self,
        cx: &mut Context<'_>,
        payload: impl Into<Bytes>,
        fds: impl IntoIterator<Item = OwnedFd>,
        to: impl Into<Address>,
    ) -> Sent<(Bytes, Vec<OwnedFd>)> {
        self.push_fds(cx, payload.into(), fds, Some(to.into()))
    }

    fn push_payload(&self, cx: &mut Context<'_>, payload: Bytes, to: Option<Address>) -> Sent {
        match self.push(cx, Parcel { payload, fds: Vec::new(), to }) {
            Sent::Queued => Sent::Queued,
            Sent::Dropped(parcel) => Sent::Dropped(parcel.payload),
        }
    }

    fn push_fds(
        &self,
        cx: &mut Context<'_>,
        payload: Bytes,
        fds: impl IntoIterator<Item = OwnedFd>,
        to: Option<Address>,
    ) -> Sent<(Bytes, Vec<OwnedFd>)> {
        match self.push(cx, Parcel { payload, fds: fds.into_iter().collect(), to }) {
            Sent::Queued => Sent::Queued,
            Sent::Dropped(parcel) => Sent::Dropped((parcel.payload, parcel.fds)),
        }
    }

    fn push(&self, cx: &mut Context<'_>, parcel: Parcel) -> Sent<Parcel> {
        match cx.wheel(&self.handle) {
            Some((mailbox, mut io)) => mailbox.send(parcel, &mut io),
            None => Sent::Dropped(parcel),
        }
    }

    /// How many bytes wait to be sent.
    #[must_use]
    pub fn unsent(&self, cx: &mut Context<'_>) -> usize {
        cx.wheel(&self.handle).map_or(0, |(mailbox, _)| mailbox.outbound().unsent())
    }

    /// How many messages were [dropped](Sent::Dropped) since the wheel was built; none if it is closed.
    #[must_use]
    pub fn dropped(&self, cx: &mut Context<'_>) -> u64 {
        cx.wheel(&self.handle).map_or(0, |(mailbox, _)| mailbox.outbound().dropped())
    }

    /// Delivers no more messages until [`resume_input`](Self::resume_input), not even those that were
    /// received already, 63 at most. What comes meanwhile waits in the system's buffer (`SO_RCVBUF`); what
    /// does not fit in there is lost, as is usual. Failures to send are told.
    pub fn pause_input(&self, cx: &mut Context<'_>) {
        if let Some((mailbox, _)) = cx.wheel(&self.handle) {
            mailbox.pause();
        }
    }

    /// Delivers messages again, first those that wait.
    pub fn resume_input(&self, cx: &mut Context<'_>) {
        if let Some((mailbox, mut io)) = cx.wheel(&self.handle) {
            mailbox.resume(&mut io);
        }
    }

    /// Tells messages to another event of the session (POE: `event`).
    pub fn set_input_event(&self, cx: &mut Context<'_>, event: impl EventName<Message>) {
        let symbol = cx.symbol_of(event);
        if let Some((mailbox, _)) = cx.wheel(&self.handle) {
            mailbox.targets().input = symbol;
        }
    }

    /// Tells failures to another event of the session (POE: `event`).
    pub fn set_failure_event(&self, cx: &mut Context<'_>, event: impl EventName<Failure>) {
        let symbol = cx.symbol_of(event);
        if let Some((mailbox, _)) = cx.wheel(&self.handle) {
            mailbox.targets().failure = symbol;
        }
    }

    /// The address it receives at (POE: `getsockname`). `None` while it has none: a socket of UDP gets one
    /// when it first sends, a UNIX socket only by being bound.
    #[must_use]
    pub fn local_addr(&self, cx: &mut Context<'_>) -> Option<Address> {
        let (mailbox, _) = cx.wheel(&self.handle)?;
        let unbound = |address: &Address| match address {
            Address::Ip(addr) => addr.port() == 0,
            Address::Unix(address) => address.is_unnamed(),
            Address::Vsock { .. } => false,
        };
        mailbox.socket().local_addr().ok().filter(|address| !unbound(address))
    }

    /// Receives what is sent to a multicast group, too (`IP_ADD_MEMBERSHIP`, `IPV6_ADD_MEMBERSHIP`). The
    /// socket is to be bound to the group's port, and to any address or the group's.
    ///
    /// Groups that only others on this machine have joined are not heard from then on. (Linux delivers them
    /// otherwise, to whoever is bound to the port: `IP_MULTICAST_ALL`, ip(7).)
    ///
    /// # Errors
    ///
    /// What `setsockopt(2)` says: `ENODEV` (no such interface, or no route to the group), `EADDRINUSE`
    /// (joined already), `EINVAL` (no multicast address, or a group of IPv6 by an IPv4 address), `ENOBUFS`
    /// (20 groups as a rule). `EBADF`: the wheel is closed.
    pub fn join_multicast(
        &self,
        cx: &mut Context<'_>,
        group: IpAddr,
        interface: Interface,
    ) -> io::Result<()> {
        self.set(cx, |socket| {
            match sys::hear_own_groups(socket, group) {
                // Of IPv6 it is younger than what we need else (Linux 4.20).
                Err(error) if error.raw_os_error() == Some(errno::NOPROTOOPT) => {}
                told => told?,
            }
            sys::join_multicast(socket, group, interface.into())
        })
    }

    /// Receives no more of what is sent to a group that was [joined](Self::join_multicast) by the same
    /// interface.
    ///
    /// # Errors
    ///
    /// `EADDRNOTAVAIL`: it was not joined. Otherwise as for joining.
    pub fn leave_multicast(
        &self,
        cx: &mut Context<'_>,
        group: IpAddr,
        interface: Interface,
    ) -> io::Result<()> {
        self.set(cx, |socket| sys::leave_multicast(socket, group, interface.into()))
    }

    /// Allows to send to broadcast addresses (`SO_BROADCAST`), which is a failure (`EACCES`) otherwise.
    ///
    /// # Errors
    ///
    /// What `setsockopt(2)` says. `EBADF`: the wheel is closed.
    pub fn allow_broadcast(&self, cx: &mut Context<'_>) -> io::Result<()> {
        self.set(cx, |socket| sys::allow_broadcast(socket))
    }

    fn set(
        &self,
        cx: &mut Context<'_>,
        change: impl FnOnce(&Socket) -> io::Result<()>,
    ) -> io::Result<()> {
        match cx.wheel(&self.handle) {
            Some((mailbox, _)) => change(mailbox.socket()),
            None => Err(io::Error::from_raw_os_error(errno::BADF)),
        }
    }
}

impl fmt::Debug for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datagram({})", self.id())
    }
}

impl From<Interface> for sys::By {
    fn from(interface: Interface) -> Self {
        match interface {
            Interface::Any => Self::Index(0),
            Interface::Index(index) => Self::Index(index),
            Interface::Address(address) => Self::Address(address),
        }
    }
}
