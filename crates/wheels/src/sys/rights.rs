//! Descriptors that travel with messages (`SCM_RIGHTS`, unix(7)): sendmsg(2) and recvmsg(2).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrAny, SocketAddrUnix, sockopt,
};

use super::datagram::{Received, nameless, socket_address};
use super::{errno, may_fail};
use crate::address::{Address, UnixAddress};

/// Receives one message of a UNIX socket and the descriptors that came with it, which are closed on exec
/// from the first.
pub(crate) fn recv_with_fds(socket: impl AsFd, room: &mut [u8]) -> io::Result<Received<'_>> {
    may_fail!(Recv);
    // A socket may have been told to bring credentials along (`SO_PASSCRED`): they come first.
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FDS), ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    // MSG_TRUNC asks for the true length.
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT | RecvFlags::TRUNC;
    let told = net::recvmsg(socket, &mut [IoSliceMut::new(room)], &mut control, flags)?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    Ok(Received {
        payload: &room[..told.bytes.min(room.len())],
        length: told.bytes,
        from: told.address.map_or_else(nameless, unix_address),
        fds,
        fds_truncated: told.flags.contains(ReturnFlags::CTRUNC),
    })
}

/// A path that fills all there is for it has no zero behind it, which rustix does not expect: it is told as
/// no name.
fn unix_address(addr: SocketAddrAny) -> Address {
    if addr.addr_len() as usize > LONGEST_ADDRESS {
        return nameless();
    }
    let Ok(addr) = SocketAddrUnix::try_from(addr) else { return nameless() };
    let name = addr.abstract_name().map(|name| UnixAddress::Abstract(name.to_owned()));
    let path = || UnixAddress::from_system(addr.path_bytes().unwrap_or_default().to_owned());
    name.unwrap_or_else(path).into()
}

/// Sends one message, and copies of descriptors with it. Sockets of other families than UNIX refuse it:
/// the system would send the message without them.
pub(crate) fn send_with_fds(
    socket: impl AsFd,
    payload: &[u8],
    to: Option<&Address>,
    fds: &[OwnedFd],
) -> io::Result<()> {
    may_fail!(Send);
    may_fail!(GetSockOpt);
    if sockopt::socket_domain(&socket)? != AddressFamily::UNIX {
        return Err(io::Error::from_raw_os_error(errno::OPNOTSUPP));
    }
    let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        // As the system says itself of one too many.
        return Err(io::Error::from_raw_os_error(errno::INVAL));
    }
    let (payload, flags) = ([IoSlice::new(payload)], SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    match to.map(socket_address).transpose()? {
        Some(to) => net::sendmsg_addr(socket, &to, &payload, &mut control, flags)?,
        None => net::sendmsg(socket, &payload, &mut control, flags)?,
    };
    Ok(())
}

/// Most descriptors of one message (`SCM_MAX_FD`).
const MOST_FDS: usize = 253;

/// The size of `sockaddr_un`.
const LONGEST_ADDRESS: usize = 110;
