//! Messages: recvmmsg(2), sendmmsg(2), segmented sends, multicast and broadcast.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
#[cfg(feature = "simulation")]
use std::os::fd::BorrowedFd;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::sys::socket::sockopt::UdpGsoSegment;
use nix::sys::socket::{
    ControlMessage, MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrLike, SockaddrStorage,
    UnixAddr, getsockopt, recvmmsg, sendmsg,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{self, MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketAddrUnix};
use socket2::{InterfaceIndexOrAddress, SockRef};

use super::{errno, may_be_short, may_fail, simulated};
use crate::address::{Address, UnixAddress};
use crate::family::Domain;
#[cfg(feature = "simulation")]
use crate::simulation::Sockets;

/// Most messages of one call.
pub(crate) const BATCH: usize = 64;

/// A message that was received.
pub(crate) struct Received<'a> {
    pub(crate) payload: &'a [u8],
    /// How long it was: longer than the payload if it did not fit.
    pub(crate) length: usize,
    pub(crate) from: Address,
    /// What was sent along and asked for.
    pub(crate) fds: Vec<OwnedFd>,
    /// More was sent along than that.
    pub(crate) fds_truncated: bool,
}

/// Receives the messages that are there, at most `count`, each into its `stride` bytes of `room` and none
/// longer than `largest`, and says how many there were. Fewer than asked for: there are no more for now,
/// or an error waits that is announced.
///
/// Where messages have no addresses, `domain` is none.
pub(crate) fn recv_batch(
    socket: impl AsFd,
    domain: Option<Domain>,
    shape: Shape<'_>,
    each: impl FnMut(Received<'_>),
) -> io::Result<usize> {
    may_fail!(Recv);
    simulated!(socket, |sockets, fd| recv_simulated(sockets, fd, shape, each));
    match domain {
        Some(Domain::Inet) => {
            recv_named(socket, shape, |addr: SockaddrIn| SocketAddrV4::from(addr).into(), each)
        }
        Some(Domain::Inet6) => {
            let address = |addr: SockaddrIn6| Address::from(SocketAddrV6::from(addr)).unmapped();
            recv_named(socket, shape, address, each)
        }
        Some(Domain::Unix) => recv_named(socket, shape, |addr| unix_address(&addr), each),
        Some(Domain::Vsock) | None => recv_named(socket, shape, |()| nameless(), each),
    }
}

pub(super) fn nameless() -> Address {
    UnixAddress::Unnamed.into()
}

/// Where messages are received to.
pub(crate) struct Shape<'a> {
    pub(crate) room: &'a mut [u8],
    pub(crate) stride: usize,
    pub(crate) largest: usize,
    pub(crate) count: usize,
}

#[cfg(feature = "simulation")]
fn recv_simulated(
    sockets: &dyn Sockets,
    socket: BorrowedFd<'_>,
    shape: Shape<'_>,
    mut each: impl FnMut(Received<'_>),
) -> io::Result<usize> {
    let mut count = 0;
    for room in shape.room.chunks_mut(shape.stride).take(shape.count) {
        let largest = room.len().min(shape.largest);
        let room = &mut room[..largest];
        let (length, from) = match sockets.recv_from(socket, room) {
            Ok(received) => received,
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        };
        let (payload, from) = (&room[..length.min(largest)], Address::from(from).unmapped());
        each(Received { payload, length, from, fds: Vec::new(), fds_truncated: false });
        count += 1;
    }
    Ok(count)
}

#[cfg(feature = "simulation")]
fn send_simulated<'a>(
    sockets: &dyn Sockets,
    socket: BorrowedFd<'_>,
    messages: impl Iterator<Item = (&'a [u8], Option<&'a Address>)>,
) -> io::Result<usize> {
    let mut count = 0;
    for (payload, to) in messages.take(BATCH) {
        match sockets.send_to(socket, payload, to) {
            Ok(()) => count += 1,
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

fn recv_named<S: SockaddrLike + Copy>(
    socket: impl AsFd,
    shape: Shape<'_>,
    address: impl Fn(S) -> Address,
    mut each: impl FnMut(Received<'_>),
) -> io::Result<usize> {
    // Made anew for each call: the system leaves in them how long the last addresses were, and takes it
    // for the room there is.
    let mut headers = MultiHeaders::<S>::preallocate(shape.count, None);
    let mut parts = shape.room.chunks_mut(shape.stride);
    let mut slices: [[IoSliceMut<'_>; 1]; BATCH] = std::array::from_fn(|_| {
        let part = parts.next().unwrap_or_default();
        let largest = part.len().min(shape.largest);
        [IoSliceMut::new(&mut part[..largest])]
    });
    // MSG_TRUNC asks for the true length.
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
    let fd = socket.as_fd().as_raw_fd();
    let mut count = 0;
    for message in recvmmsg(fd, &mut headers, &mut slices, flags, None)? {
        let payload = message.iovs().next().unwrap_or_default();
        let from = message.address.map_or_else(nameless, &address);
        let fds_truncated = message.flags.contains(MsgFlags::MSG_CTRUNC);
        each(Received { payload, length: message.bytes, from, fds: Vec::new(), fds_truncated });
        count += 1;
    }
    Ok(count)
}

/// Whether the other end of a connection sends no more (`POLLRDHUP`, poll(2)).
pub(crate) fn is_cut(socket: impl AsFd) -> io::Result<bool> {
    may_fail!(Poll);
    simulated!(socket, |_, _| Ok(false));
    let mut watched = [PollFd::new(&socket, PollFlags::RDHUP)];
    poll(&mut watched, Some(&Timespec::default()))?;
    Ok(watched[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP))
}

/// By hand: a sender may be bound to a path that fills all 108 bytes and has no zero behind it.
fn unix_address(addr: &UnixAddr) -> Address {
    let sun = addr.as_ref();
    let len = (addr.len() as usize).saturating_sub(size_of_val(&sun.sun_family));
    let bytes = sun.sun_path.iter().take(len).map(|byte| byte.to_ne_bytes()[0]);
    UnixAddress::from_system(bytes.collect()).into()
}

/// Sends messages in order, at most [`BATCH`], and says how many it took; the error is the first one's.
pub(crate) fn send_batch<'a>(
    socket: impl AsFd,
    messages: impl Iterator<Item = (&'a [u8], Option<&'a Address>)>,
) -> io::Result<usize> {
    may_fail!(Send);
    simulated!(socket, |sockets, fd| send_simulated(sockets, fd, messages));
    let mut parts = Vec::with_capacity(BATCH);
    let most = BATCH;
    may_be_short!(most);
    for (bytes, to) in messages.take(most) {
        match to.map(socket_address).transpose() {
            Ok(to) => {
                let nothing = SendAncillaryBuffer::default();
                parts.push((to, [IoSlice::new(bytes)], nothing));
            }
            Err(error) if parts.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    let mut headers: Vec<_> = parts
        .iter_mut()
        .map(|(to, slices, nothing)| match to {
            Some(to) => MMsgHdr::new_with_addr(to, slices, nothing),
            None => MMsgHdr::new(slices, nothing),
        })
        .collect();
    Ok(net::sendmmsg(socket, &mut headers, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
}

pub(super) fn socket_address(address: &Address) -> io::Result<SocketAddrAny> {
    match address {
        Address::Ip(addr) => Ok(addr.as_any()),
        Address::Unix(UnixAddress::Path(path)) => Ok(SocketAddrUnix::new(path)?.as_any()),
        Address::Unix(UnixAddress::Abstract(name)) => {
            Ok(SocketAddrUnix::new_abstract_name(name)?.as_any())
        }
        Address::Unix(UnixAddress::Unnamed) => Err(io::Error::from_raw_os_error(errno::INVAL)),
        Address::Vsock { .. } => Err(io::Error::from_raw_os_error(errno::AFNOSUPPORT)),
    }
}

/// Whether the system can cut what is sent into messages itself (`UDP_SEGMENT`, udp(7), Linux 4.18). One
/// that does not know how would send it in one piece.
pub(crate) fn can_segment(socket: impl AsFd) -> bool {
    may_fail!(GetSockOpt, _ => false);
    simulated!(socket, |_, _| false);
    getsockopt(&socket, UdpGsoSegment).is_ok()
}

/// Sends all of `runs` as messages of `size` bytes, of which the last may be shorter.
pub(crate) fn send_segments(
    socket: impl AsFd,
    runs: &[IoSlice<'_>],
    size: u16,
    to: Option<SocketAddr>,
) -> io::Result<()> {
    may_fail!(Send);
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let (control, to) = ([ControlMessage::UdpGsoSegments(&size)], to.map(SockaddrStorage::from));
    sendmsg(socket.as_fd().as_raw_fd(), runs, &control, flags, to.as_ref())?;
    Ok(())
}

pub(crate) fn allow_broadcast(socket: impl AsFd) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    SockRef::from(&socket).set_broadcast(true)
}

/// An interface by its number, 0 being one that the system chooses, or by an address of it.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Index(u32),
    Address(Ipv4Addr),
}

/// Only what is sent to groups that this socket has joined comes from now on, not to those of all others on
/// the machine (`IP_MULTICAST_ALL`, `IPV6_MULTICAST_ALL`).
pub(crate) fn hear_own_groups(socket: impl AsFd, group: IpAddr) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Ok(()));
    let socket = SockRef::from(&socket);
    match group {
        IpAddr::V4(_) => socket.set_multicast_all_v4(false),
        IpAddr::V6(_) => socket.set_multicast_all_v6(false),
    }
}

pub(crate) fn join_multicast(socket: impl AsFd, group: IpAddr, interface: By) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Err(io::Error::from_raw_os_error(errno::OPNOTSUPP)));
    let socket = SockRef::from(&socket);
    match (group, interface) {
        (IpAddr::V4(group), _) => socket.join_multicast_v4_n(&group, &interface.into()),
        (IpAddr::V6(group), By::Index(index)) => socket.join_multicast_v6(&group, index),
        (IpAddr::V6(_), By::Address(_)) => Err(io::Error::from_raw_os_error(errno::INVAL)),
    }
}

pub(crate) fn leave_multicast(socket: impl AsFd, group: IpAddr, interface: By) -> io::Result<()> {
    may_fail!(SetSockOpt);
    simulated!(socket, |_, _| Err(io::Error::from_raw_os_error(errno::OPNOTSUPP)));
    let socket = SockRef::from(&socket);
    match (group, interface) {
        (IpAddr::V4(group), _) => socket.leave_multicast_v4_n(&group, &interface.into()),
        (IpAddr::V6(group), By::Index(index)) => socket.leave_multicast_v6(&group, index),
        (IpAddr::V6(_), By::Address(_)) => Err(io::Error::from_raw_os_error(errno::INVAL)),
    }
}

impl From<By> for InterfaceIndexOrAddress {
    fn from(by: By) -> Self {
        match by {
            By::Index(index) => Self::Index(index),
            By::Address(address) => Self::Address(address),
        }
    }
}
