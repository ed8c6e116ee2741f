//! Which errors a call may meet, by its manual page, in a program that does nothing wrong.

use wheels::faults::Call;

pub(crate) const EPERM: i32 = 1;
pub(crate) const ENOENT: i32 = 2;
pub(crate) const EINTR: i32 = 4;
const EIO: i32 = 5;
const ECHILD: i32 = 10;
pub(crate) const EAGAIN: i32 = 11;
pub(crate) const ENOMEM: i32 = 12;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
const ENOTDIR: i32 = 20;
const EINVAL: i32 = 22;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;
pub(crate) const EPIPE: i32 = 32;
const ENOLCK: i32 = 37;
const ENOSYS: i32 = 38;
const ELOOP: i32 = 40;
const ENONET: i32 = 64;
const EPROTO: i32 = 71;
const ENOPROTOOPT: i32 = 92;
const EPROTONOSUPPORT: i32 = 93;
const EOPNOTSUPP: i32 = 95;
const EAFNOSUPPORT: i32 = 97;
pub(crate) const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;
const ENETDOWN: i32 = 100;
const ENETUNREACH: i32 = 101;
const ECONNABORTED: i32 = 103;
pub(crate) const ECONNRESET: i32 = 104;
pub(crate) const ENOBUFS: i32 = 105;
const ENOTCONN: i32 = 107;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;
const EHOSTDOWN: i32 = 112;
const EHOSTUNREACH: i32 = 113;
const ECANCELED: i32 = 125;
const EAI_NONAME: i32 = -2;
const EAI_AGAIN: i32 = -3;
const EAI_FAIL: i32 = -4;
const EAI_NODATA: i32 = -5;
const EAI_MEMORY: i32 = -10;

/// What the call may fail with. Left out: what needs a mistake (`EBADF`, `EFAULT`), and where the call does
/// its work though it fails (`EINTR` and `EINPROGRESS` of connect).
pub(crate) fn errors_of(call: Call) -> &'static [i32] {
    match call {
        Call::Socket => {
            &[EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT]
        }
        Call::SetSockOpt => &[ENOPROTOOPT, EINVAL, EPERM, ENOMEM],
        Call::GetSockOpt => &[ENOBUFS, EINVAL],
        Call::TakeError => &[ENOBUFS],
        Call::Bind => {
            &[EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, ELOOP, ENOENT, ENOMEM, ENOTDIR, EROFS]
        }
        Call::Listen => &[EADDRINUSE, EOPNOTSUPP],
        Call::Accept => &[
            EAGAIN,
            EINTR,
            ECONNABORTED,
            EMFILE,
            ENFILE,
            ENOBUFS,
            ENOMEM,
            EPROTO,
            EPERM,
            ENETDOWN,
            ENOPROTOOPT,
            EHOSTDOWN,
            ENONET,
            EHOSTUNREACH,
            ENETUNREACH,
            ETIMEDOUT,
        ],
        Call::Connect => &[
            EACCES,
            EPERM,
            EADDRINUSE,
            EADDRNOTAVAIL,
            EAFNOSUPPORT,
            EAGAIN,
            ECONNREFUSED,
            ENOENT,
            ENETUNREACH,
            EHOSTUNREACH,
            ETIMEDOUT,
            ECONNRESET,
        ],
        Call::LocalAddr => &[ENOBUFS],
        Call::PeerAddr => &[ENOBUFS, ENOTCONN],
        Call::Recv => {
            &[EAGAIN, EINTR, ECONNREFUSED, ENOMEM, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, EIO]
        }
        Call::Send => &[
            EAGAIN,
            EINTR,
            EACCES,
            ECONNRESET,
            ECONNREFUSED,
            EPIPE,
            ENOBUFS,
            ENOMEM,
            ETIMEDOUT,
            EHOSTUNREACH,
            ENETUNREACH,
            EIO,
            ENOSPC,
        ],
        Call::Open => &[EACCES, EINTR, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR],
        Call::Stat => &[EACCES, ENOENT, ENOMEM],
        Call::Fchmod | Call::Chmod => &[EIO, EPERM, EROFS],
        Call::Flock => &[EAGAIN, EINTR, ENOLCK],
        Call::Unlink => &[EACCES, EBUSY, EIO, ENOENT, EPERM, EROFS],
        Call::Dup => &[EMFILE],
        Call::Pipe => &[EMFILE, ENFILE],
        Call::Poll => &[EINTR, ENOMEM],
        Call::GetAddrInfo => &[EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_NODATA, EAI_MEMORY],
        Call::ReadFile => &[EACCES, EINTR, EMFILE, ENFILE, ENOENT],
        Call::Watch | Call::WatchAlso | Call::EpollAdd => &[ENOMEM, ENOSPC],
        Call::EpollCreate => &[EMFILE, ENFILE, ENOMEM],
        Call::EpollWait => &[EINTR],
        Call::EventFd => &[EMFILE, ENFILE, ENODEV, ENOMEM],
        Call::PidfdOpen => &[EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS, EINVAL],
        Call::WaitId => &[ECHILD],
        Call::TimerFd => &[EMFILE, ENFILE, ENODEV, ENOMEM],
        Call::TimerFdSet => &[ECANCELED],
        Call::Thread => &[EAGAIN, ENOMEM],
        // They cannot fail in a program that does nothing wrong, or not at all; they are counted.
        Call::Flags | Call::EpollRemove | Call::Wake | Call::SigAction => &[],
        // ENOTCONN: the connection is gone already, which reading tells.
        Call::Shutdown => &[],
        // A scenario is one process.
        Call::Fork => &[],
        other => panic!("no errors are listed for {other}"),
    }
}

/// Whether it is so for a while when it is so once: something has run out, or is not allowed.
pub(crate) fn lasts(errnum: i32) -> bool {
    let lasting = [EPERM, EIO, ENOMEM, EACCES, ENFILE, EMFILE, ENOSPC, EROFS, ENOSYS, ENOBUFS];
    lasting.contains(&errnum)
}

/// Whether nobody is to notice: it is tried again, or what it was for can be done without.
pub(crate) fn is_absorbed(call: Call, errnum: i32) -> bool {
    match (call, errnum) {
        (Call::Accept, EMFILE | ENFILE | ENOBUFS | ENOMEM) => false,
        (
            Call::Accept | Call::PidfdOpen | Call::TimerFd | Call::TimerFdSet | Call::EpollWait,
            _,
        ) => true,
        (Call::Recv | Call::Send | Call::Connect, EAGAIN | EINTR) => true,
        (Call::Flock | Call::Poll, EINTR) => true,
        _ => false,
    }
}
