//! Whether what was seen is right, the fault being what it was.

use log::Level;
use wheels::faults::Call;

use crate::cell::{Cell, Nth, What};
use crate::plausible::{EADDRINUSE, ECONNRESET, ENOBUFS, ENOENT, ENOMEM, EPIPE, is_absorbed};
use crate::stage::Seen;

/// What is wrong, if anything is. `calm` is what is seen without a fault.
pub(crate) fn complaint(cell: Cell, seen: &Seen, calm: &Seen) -> Option<String> {
    if seen.is_like(calm) {
        return None;
    }
    let (call, errnum) = match cell.what {
        What::Error(call, _) if is_told_otherwise(call, seen, calm) => return None,
        What::Error(call, errnum) if !must_be_absorbed(cell, call, errnum) => (call, errnum),
        What::Error(..) | What::Short(_) | What::Late | What::Needless => {
            return Some("is not to be noticed".into());
        }
    };
    let is_new = |(_, number): &&(String, i32)| *number == errnum;
    let of_before = calm.errors.iter().filter(is_new).count();
    let told: Vec<_> = seen.errors.iter().filter(is_new).skip(of_before).collect();
    match told.len() {
        1 => None,
        // It stays so.
        2.. if cell.nth.is_from() => None,
        0 if is_logged(call, seen) || is_gone_already(call, errnum) => None,
        // Messages wait until there is room for them.
        0 if cell.nth.is_from() && waits(call, errnum) => None,
        0 => Some("something is lost, and nobody is told why".into()),
        // What follows from it may have the same number.
        _ if told.iter().filter(|(what, _)| Some(what.as_str()) == name_of(call)).count() == 1 => {
            None
        }
        // One's own, the peer's, and that of whoever stands between them.
        2 | 3 if [ECONNRESET, EPIPE].contains(&errnum) => None,
        many => Some(format!("is told {many} times")),
    }
}

/// What comes again and again is one that does no harm.
fn must_be_absorbed(cell: Cell, call: Call, errnum: i32) -> bool {
    cell.nth == Nth::Each || is_absorbed(call, errnum) && !cell.nth.is_from()
}

/// Who cannot find out whose a path is must take it as somebody else's.
fn is_told_otherwise(call: Call, seen: &Seen, calm: &Seen) -> bool {
    if call == Call::WaitId {
        // Somebody else has taken the status, or there was no such child.
        let mut lines = seen.lines.values().flatten();
        return lines
            .any(|line| ["exited: None", "not a child of this process"].contains(&&**line));
    }
    let inspects = matches!(
        call,
        Call::Socket | Call::Connect | Call::Open | Call::Stat | Call::Flock | Call::Unlink
    );
    let is_taken = |(_, errnum): &&(String, i32)| *errnum == EADDRINUSE;
    inspects
        && seen.errors.len() == calm.errors.len() + 1
        && seen.errors.iter().filter(is_taken).count() == 1
}

/// Where nobody is there who could be told: a path that could not be removed, a server that cannot watch
/// signals.
fn is_logged(call: Call, seen: &Seen) -> bool {
    let of_a_path = matches!(call, Call::Open | Call::Stat | Call::Unlink);
    of_a_path && seen.warnings.len() == 1
        || seen.warnings.iter().any(|logged| logged.level == Level::Error)
}

/// What is to be removed and is not there.
const fn is_gone_already(call: Call, errnum: i32) -> bool {
    matches!((call, errnum), (Call::Open | Call::Stat | Call::Unlink, ENOENT))
}

const fn waits(call: Call, errnum: i32) -> bool {
    matches!((call, errnum), (Call::Send | Call::GetSockOpt, ENOBUFS | ENOMEM))
}

/// What a failure of it is called.
const fn name_of(call: Call) -> Option<&'static str> {
    match call {
        Call::Recv => Some("read"),
        Call::Send => Some("write"),
        Call::Connect => Some("connect"),
        Call::Bind | Call::Open | Call::Stat => Some("bind"),
        _ => None,
    }
}
