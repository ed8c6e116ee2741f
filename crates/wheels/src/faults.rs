//! Calls of the system that fail because a test wants it.
//!
//! Only with the feature `faults`, which no program should turn on. What is asked for here happens in
//! this thread, to the calls that follow, each once.
//!
//! ```
//! use wheels::faults::{self, Call};
//!
//! faults::fail_next(Call::Accept, 103); // ECONNABORTED
//! assert_eq!(faults::pending(), 1);
//! faults::clear();
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;

/// A call of the system that can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Call {
    /// `socket(2)`
    Socket,
    /// `setsockopt(2)`
    SetSockOpt,
    /// `bind(2)`
    Bind,
    /// `listen(2)`
    Listen,
    /// `accept4(2)`
    Accept,
    /// `connect(2)`
    Connect,
    /// `getpeername(2)`
    PeerAddr,
    /// `recv(2)`, `read(2)`
    Recv,
    /// `send(2)`, `sendmsg(2)`, `write(2)`
    Send,
    /// `shutdown(2)`
    Shutdown,
    /// `open(2)` of the directory or the node of a UNIX socket
    Open,
    /// `fstat(2)`, `lstat(2)`
    Stat,
    /// `fchmod(2)`, before a UNIX socket is bound
    Fchmod,
    /// `chmod(2)`, after it was
    Chmod,
    /// `unlink(2)`
    Unlink,
    /// `epoll_ctl(2)`, of a wheel's one descriptor
    Watch,
    /// `epoll_ctl(2)`, of a further descriptor of a wheel
    WatchAlso,
}

/// Makes the next `call` of this thread fail with the error `errnum`, after those asked for before.
pub fn fail_next(call: Call, errnum: i32) {
    with(|faults| faults.push_back((call, Some(errnum))));
}

/// Lets the next `call` of this thread pass, so that one after it can be made to fail.
pub fn pass_next(call: Call) {
    with(|faults| faults.push_back((call, None)));
}

/// How much was asked for and did not happen yet.
#[must_use]
pub fn pending() -> usize {
    with(|faults| faults.len())
}

/// Forgets what was asked for.
pub fn clear() {
    with(VecDeque::clear);
}

pub(crate) fn take(call: Call) -> Option<io::Error> {
    with(|faults| {
        let place = faults.iter().position(|(asked, _)| *asked == call)?;
        let (_, errnum) = faults.remove(place)?;
        errnum.map(io::Error::from_raw_os_error)
    })
}

/// Without an error, the call is made.
type Faults = VecDeque<(Call, Option<i32>)>;

fn with<R>(act: impl FnOnce(&mut Faults) -> R) -> R {
    thread_local! {
        static FAULTS: Cell<Faults> = const { Cell::new(VecDeque::new()) };
    }
    FAULTS.with(|cell| {
        let mut faults = cell.take();
        let result = act(&mut faults);
        cell.set(faults);
        result
    })
}
