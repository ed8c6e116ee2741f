//! The one door to the system: each call once, by its own name.
//!
//! Everything here is a thin call that turns what the system says into `io::Result`. No state, no
//! policy, no retries. With the feature `faults` a test can make each of them fail, and with `simulation`
//! put a network of its own in the place of the system's.

mod datagram;
mod file;
mod name;
mod options;
mod path;
mod rights;
mod socket;
mod splice;
mod watch;

pub(crate) use datagram::{
    BATCH, By, Received, Shape, allow_broadcast, can_segment, hear_own_groups, is_cut,
    join_multicast, leave_multicast, recv_batch, send_batch, send_segments,
};
pub(crate) use file::{
    access, is_nonblocking, is_screen, open_reserve, open_terminal_again, read_if_ready,
    write_if_ready,
};
pub(crate) use name::{NameError, PROTOCOLS, eai, getaddrinfo, read_protocols};
pub(crate) use options::{
    bind_device, set_broadcast, set_keepalive, set_keepalive_count, set_keepalive_idle,
    set_keepalive_interval, set_mark, set_receive_buffer, set_reuse_port, set_send_buffer, set_tos,
    set_traffic_class, set_ttl, set_unicast_hops, set_user_timeout,
};
pub(crate) use path::{
    NodeId, change_mode, find_directory, find_node, open_directory, path_of_node, set_mode,
    stat_name, stat_node, try_lock, unlink,
};
pub(crate) use rights::{recv_with_fds, send_with_fds};
pub use socket::Credentials;
pub(crate) use socket::{
    TCP, accept, bind, connect, describe, is_unix, listen, local_addr, peer_addr, peer_credentials,
    recv, recv_unix, reset_on_close, send, send_vectored, set_nodelay, set_nonblocking,
    set_only_v6, set_reuse_address, shutdown_read, shutdown_write, socket, socket_type, take_error,
};
pub(crate) use splice::{can_splice, ignores_sigpipe, pipe, read_pipe, splice_in, splice_out};
pub(crate) use watch::{watch, watch_also};

/// The numbers of the errors that wheels themselves tell or look for.
pub(crate) mod errno {
    use rustix::io::Errno;

    pub(crate) const INVAL: i32 = Errno::INVAL.raw_os_error();
    pub(crate) const SOCKTNOSUPPORT: i32 = Errno::SOCKTNOSUPPORT.raw_os_error();
    pub(crate) const AFNOSUPPORT: i32 = Errno::AFNOSUPPORT.raw_os_error();
    pub(crate) const NAMETOOLONG: i32 = Errno::NAMETOOLONG.raw_os_error();
    pub(crate) const INTR: i32 = Errno::INTR.raw_os_error();
    pub(crate) const IO: i32 = Errno::IO.raw_os_error();
    pub(crate) const NOMEM: i32 = Errno::NOMEM.raw_os_error();
    pub(crate) const AGAIN: i32 = Errno::AGAIN.raw_os_error();
    pub(crate) const NOBUFS: i32 = Errno::NOBUFS.raw_os_error();
    pub(crate) const TIMEDOUT: i32 = Errno::TIMEDOUT.raw_os_error();
    pub(crate) const MSGSIZE: i32 = Errno::MSGSIZE.raw_os_error();
    pub(crate) const ADDRINUSE: i32 = Errno::ADDRINUSE.raw_os_error();
    pub(crate) const ADDRNOTAVAIL: i32 = Errno::ADDRNOTAVAIL.raw_os_error();
    pub(crate) const CONNREFUSED: i32 = Errno::CONNREFUSED.raw_os_error();
    pub(crate) const CONNRESET: i32 = Errno::CONNRESET.raw_os_error();
    pub(crate) const NOTCONN: i32 = Errno::NOTCONN.raw_os_error();
    pub(crate) const INPROGRESS: i32 = Errno::INPROGRESS.raw_os_error();
    pub(crate) const BADF: i32 = Errno::BADF.raw_os_error();
    pub(crate) const NOTSOCK: i32 = Errno::NOTSOCK.raw_os_error();
    pub(crate) const FAULT: i32 = Errno::FAULT.raw_os_error();
    pub(crate) const CONNABORTED: i32 = Errno::CONNABORTED.raw_os_error();
    pub(crate) const PIPE: i32 = Errno::PIPE.raw_os_error();
    pub(crate) const PERM: i32 = Errno::PERM.raw_os_error();
    pub(crate) const PROTO: i32 = Errno::PROTO.raw_os_error();
    pub(crate) const PROTONOSUPPORT: i32 = Errno::PROTONOSUPPORT.raw_os_error();
    pub(crate) const NETDOWN: i32 = Errno::NETDOWN.raw_os_error();
    pub(crate) const NETUNREACH: i32 = Errno::NETUNREACH.raw_os_error();
    pub(crate) const HOSTDOWN: i32 = Errno::HOSTDOWN.raw_os_error();
    pub(crate) const HOSTUNREACH: i32 = Errno::HOSTUNREACH.raw_os_error();
    pub(crate) const NONET: i32 = Errno::NONET.raw_os_error();
    pub(crate) const NOPROTOOPT: i32 = Errno::NOPROTOOPT.raw_os_error();
    pub(crate) const NODATA: i32 = Errno::NODATA.raw_os_error();
    pub(crate) const NODEV: i32 = Errno::NODEV.raw_os_error();
    pub(crate) const TOOMANYREFS: i32 = Errno::TOOMANYREFS.raw_os_error();
    pub(crate) const OPNOTSUPP: i32 = Errno::OPNOTSUPP.raw_os_error();
}

/// Fails if a test asked for it.
macro_rules! may_fail {
    ($call:ident) => {
        #[cfg(feature = "faults")]
        crate::faults::door(crate::faults::Call::$call)?;
    };
    // Where a failure is not told as an error.
    ($call:ident, $error:pat => $result:expr) => {
        #[cfg(feature = "faults")]
        if let Err($error) = crate::faults::door(crate::faults::Call::$call) {
            return $result;
        }
    };
}
use may_fail;

/// Moves less if a test asked for it.
macro_rules! may_be_short {
    ($what:ident) => {
        #[cfg(feature = "faults")]
        let $what = crate::faults::Cut::cut($what);
    };
}
use may_be_short;

/// Asks a simulated network instead of the system, if the socket is one of its. That itself decides what is
/// short, so as to tell of it.
macro_rules! simulated {
    ($socket:expr, |$sockets:pat_param, $fd:pat_param| $call:expr) => {
        #[cfg(feature = "simulation")]
        if let Some(sockets) = crate::simulation::of(&$socket) {
            let ($sockets, $fd) = (&*sockets, std::os::fd::AsFd::as_fd(&$socket));
            return $call;
        }
    };
}
use simulated;
