//! The names of the system's calls.

use std::fmt;

macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $call:ident,)+) => {
        /// A call of the system that can be made to fail: those of this crate, and those of the wheels.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Call {
            $($(#[doc = $doc])+ $call,)+
        }

        impl Call {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$call),+];
        }
    };
}

calls! {
    /// `socket(2)`
    Socket,
    /// `setsockopt(2)`
    SetSockOpt,
    /// `getsockopt(2)`, without that of `SO_ERROR`
    GetSockOpt,
    /// `getsockopt(2)` of `SO_ERROR`
    TakeError,
    /// `bind(2)`
    Bind,
    /// `listen(2)`
    Listen,
    /// `accept4(2)`
    Accept,
    /// `connect(2)`
    Connect,
    /// `getsockname(2)`
    LocalAddr,
    /// `getpeername(2)`
    PeerAddr,
    /// `recv(2)`, `recvmsg(2)`, `recvmmsg(2)`, `read(2)`, `splice(2)` into a pipe
    Recv,
    /// `send(2)`, `sendmsg(2)`, `sendmmsg(2)`, `write(2)`, `splice(2)` out of a pipe
    Send,
    /// `shutdown(2)`
    Shutdown,
    /// `open(2)`: of the directory or the node of a UNIX socket, of a descriptor in reserve
    Open,
    /// `fstat(2)`, `lstat(2)`
    Stat,
    /// `fchmod(2)`, before a UNIX socket is bound
    Fchmod,
    /// `chmod(2)`, after it was
    Chmod,
    /// `flock(2)`
    Flock,
    /// `unlink(2)`
    Unlink,
    /// `fcntl(2)`, `ioctl(2)`: the flags of a descriptor
    Flags,
    /// `dup(2)`, by `fcntl(2)`
    Dup,
    /// `pipe2(2)`
    Pipe,
    /// `poll(2)`
    Poll,
    /// `getaddrinfo(3)`, whose errors are negative numbers
    GetAddrInfo,
    /// All that it takes to read a file as a whole, such as `/etc/protocols`
    ReadFile,
    /// `epoll_ctl(2)`, of a wheel's one descriptor
    Watch,
    /// `epoll_ctl(2)`, of a further descriptor of a wheel
    WatchAlso,
    /// `epoll_create1(2)`
    EpollCreate,
    /// `epoll_ctl(2)` that adds a descriptor, whosever it is
    EpollAdd,
    /// `epoll_ctl(2)` that removes one
    EpollRemove,
    /// `epoll_wait(2)`
    EpollWait,
    /// `eventfd(2)`
    EventFd,
    /// `write(2)` of an eventfd: the loop is woken from another thread
    Wake,
    /// `sigaction(2)`
    SigAction,
    /// `pidfd_open(2)`
    PidfdOpen,
    /// `waitid(2)`
    WaitId,
    /// `timerfd_create(2)`
    TimerFd,
    /// `timerfd_settime(2)`
    TimerFdSet,
    /// `clone(2)` of a thread
    Thread,
    /// `fork(2)`
    Fork,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
