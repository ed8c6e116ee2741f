//! How options come to a socket.
//!
//! Promises that an option which sockets of a kind do not have is refused, by name: none is left out in
//! silence. Never changes a value but to round and cut it as its method says.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::{Keepalive, SocketOptions};
use crate::family::{Domain, Form, Row, SocketType};
use crate::sys::{self, errno};

impl SocketOptions {
    /// Sets them all on a socket that was just made, before it is bound.
    ///
    /// # Errors
    ///
    /// The option that was refused, by its name, and why.
    pub(crate) fn apply(&self, socket: impl AsFd, row: &Row) -> Outcome {
        let target = Target { socket: socket.as_fd(), row };
        self.apply_buffers(&target)?;
        self.apply_ip(&target)?;
        self.apply_tcp(&target)
    }

    /// Sets what an accepted socket does not have of its listener: nothing but the buffer of UNIX
    /// sockets.
    ///
    /// # Errors
    ///
    /// As of [`apply`](Self::apply).
    #[inline]
    pub(crate) fn apply_accepted(&self, socket: impl AsFd, row: &Row) -> Outcome {
        match (row.form, self.send_buffer) {
            (Form::Path, Some(_)) => self.apply_buffers(&Target { socket: socket.as_fd(), row }),
            (Form::Path | Form::Internet | Form::Machine, _) => Ok(()),
        }
    }

    fn apply_buffers(&self, target: &Target<'_>) -> Outcome {
        let cut = |bytes: usize| bytes.min(LARGEST_BUFFER);
        target.set("SO_RCVBUF", Of::Ip, self.receive_buffer.map(cut), sys::set_receive_buffer)?;
        target.set("SO_SNDBUF", Of::IpOrUnix, self.send_buffer.map(cut), sys::set_send_buffer)
    }

    fn apply_ip(&self, target: &Target<'_>) -> Outcome {
        let reuse_port = self.reuse_port.then_some(());
        let broadcast = self.broadcast.then_some(());
        target.set("SO_REUSEPORT", Of::Ip, reuse_port, |fd, ()| sys::set_reuse_port(fd))?;
        target.set("SO_BROADCAST", Of::IpDatagrams, broadcast, |fd, ()| sys::set_broadcast(fd))?;
        target.set("SO_BINDTODEVICE", Of::Ip, self.device.as_deref(), bind_device)?;
        target.set("SO_MARK", Of::Ip, self.mark, sys::set_mark)?;
        target.set("IP_TOS", Of::Ip, self.traffic_class, sys::set_tos)?;
        target.set("IP_TTL", Of::Ip, self.hop_limit, sys::set_ttl)?;
        if target.row.domain == Domain::Inet6 {
            target.set("IPV6_TCLASS", Of::Ip, self.traffic_class, sys::set_traffic_class)?;
            target.set("IPV6_UNICAST_HOPS", Of::Ip, self.hop_limit, sys::set_unicast_hops)?;
        }
        Ok(())
    }

    fn apply_tcp(&self, target: &Target<'_>) -> Outcome {
        if self.nagle {
            target.check("TCP_NODELAY", Of::Tcp)?;
        } else if target.has(Of::Tcp) {
            target.set("TCP_NODELAY", Of::Tcp, Some(()), |fd, ()| sys::set_nodelay(fd))?;
        }
        if let Some(Keepalive { idle, interval, count }) = self.keepalive {
            let [idle, interval] = [idle, interval].map(|time| Some(time.min(LONGEST_IDLE)));
            target.set("SO_KEEPALIVE", Of::Tcp, Some(()), |fd, ()| sys::set_keepalive(fd))?;
            target.set("TCP_KEEPIDLE", Of::Tcp, idle, sys::set_keepalive_idle)?;
            target.set("TCP_KEEPINTVL", Of::Tcp, interval, sys::set_keepalive_interval)?;
            target.set("TCP_KEEPCNT", Of::Tcp, Some(count), sys::set_keepalive_count)?;
        }
        target.set("TCP_USER_TIMEOUT", Of::Tcp, self.user_timeout, set_user_timeout)
    }
}

/// The option that was refused, by its name, and why.
pub(crate) type Outcome = Result<(), (&'static str, io::Error)>;

/// Which sockets have an option, and something to show for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    Tcp,
    Ip,
    IpDatagrams,
    IpOrUnix,
}

struct Target<'a> {
    socket: BorrowedFd<'a>,
    row: &'a Row,
}

impl<'a> Target<'a> {
    fn set<T>(
        &self,
        option: &'static str,
        of: Of,
        value: Option<T>,
        call: impl FnOnce(BorrowedFd<'a>, T) -> io::Result<()>,
    ) -> Outcome {
        let Some(value) = value else { return Ok(()) };
        self.check(option, of)?;
        call(self.socket, value).map_err(|error| (option, error))
    }

    fn check(&self, option: &'static str, of: Of) -> Outcome {
        if self.has(of) { Ok(()) } else { Err((option, refused(errno::OPNOTSUPP))) }
    }

    /// Not left to the system: Linux takes `SO_MARK` or `SO_KEEPALIVE` of any socket, and does nothing.
    fn has(&self, of: Of) -> bool {
        let is_ip = self.row.form == Form::Internet;
        match of {
            Of::Tcp => self.row.is_tcp,
            Of::Ip => is_ip,
            Of::IpDatagrams => is_ip && self.row.kind == SocketType::Dgram,
            Of::IpOrUnix => is_ip || self.row.form == Form::Path,
        }
    }
}

/// Linux takes zero for its own default, and a number without a sign for one with.
fn set_user_timeout(socket: BorrowedFd<'_>, after: Duration) -> io::Result<()> {
    if after.is_zero() {
        return Err(refused(errno::INVAL));
    }
    let millis = after.min(LONGEST_TIMEOUT).as_nanos().div_ceil(NANOS_PER_MILLI);
    sys::set_user_timeout(socket, u32::try_from(millis).unwrap_or(u32::MAX))
}

/// Linux cuts a name that is too long, and takes an empty one for any device: neither is what was meant.
fn bind_device(socket: BorrowedFd<'_>, name: &str) -> io::Result<()> {
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
        return Err(refused(errno::NODEV));
    }
    sys::bind_device(socket, name.as_bytes())
}

fn refused(errnum: i32) -> io::Error {
    io::Error::from_raw_os_error(errnum)
}

/// The most that Linux takes of seconds between probes (`MAX_TCP_KEEPIDLE`, `MAX_TCP_KEEPINTVL`).
const LONGEST_IDLE: Duration = Duration::from_secs(32_767);

/// The most that Linux takes of milliseconds: an `int`.
const LONGEST_TIMEOUT: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

const NANOS_PER_MILLI: u128 = 1_000_000;

/// An `int`; the system cuts it further.
const LARGEST_BUFFER: usize = i32::MAX.unsigned_abs() as usize;

/// `IFNAMSIZ`, less the zero byte.
const LONGEST_NAME: usize = 15;
