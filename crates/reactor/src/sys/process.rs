//! What the system says of processes: this one, and its children.

use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::raw::c_int;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};

use super::may_fail;

/// A child, to be waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Child<'a> {
    /// Exactly this process, whatever its number is used for later.
    Descriptor(BorrowedFd<'a>),
    /// Who has this number.
    Number(Pid),
}

/// Opens a descriptor that is readable when the process has exited. It is closed on exec.
pub(crate) fn open(pid: Pid) -> io::Result<OwnedFd> {
    may_fail!(PidfdOpen);
    Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
}

/// Says whether a child has exited, and leaves it as it is.
pub(crate) fn has_exited(child: Child<'_>) -> io::Result<bool> {
    Ok(wait(child, WaitIdOptions::NOWAIT)?.is_some())
}

/// Takes the status of a child that has exited, which is what frees its number.
pub(crate) fn reap(child: Child<'_>) -> io::Result<Option<ExitStatus>> {
    Ok(wait(child, WaitIdOptions::empty())?.as_ref().map(exit_status))
}

/// Never waits, in spite of its name.
fn wait(child: Child<'_>, options: WaitIdOptions) -> io::Result<Option<WaitIdStatus>> {
    may_fail!(WaitId);
    let id = match child {
        Child::Descriptor(fd) => WaitId::PidFd(fd),
        Child::Number(pid) => WaitId::Pid(pid),
    };
    Ok(rustix::process::waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options)?)
}

/// In the form of wait(2), which is what std takes.
fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    let core = if status.dumped() { 0x80 } else { 0 };
    ExitStatus::from_raw(match status.terminating_signal() {
        Some(signal) => signal | core,
        None => status.exit_status().unwrap_or_default() << 8,
    })
}

/// The number of threads, without those that are ending: they run nothing of the program any more, but one
/// that was joined may be listed for as long as the machine is busy.
pub(crate) fn threads() -> io::Result<usize> {
    may_fail!(ReadFile);
    let mut threads = 0;
    for task in fs::read_dir("/proc/self/task")? {
        match fs::read_to_string(task?.path().join("stat")) {
            Ok(stat) => threads += usize::from(!is_ending(&stat)),
            // Gone since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(threads)
}

/// Whether a thread's line in `proc_pid_stat(5)` has the system's flag `PF_EXITING`. The system sets it before it
/// wakes whoever joins the thread.
fn is_ending(stat: &str) -> bool {
    // Behind the name, which may be anything, are the state, five numbers, and the flags.
    let behind_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let flags = behind_name.split_ascii_whitespace().nth(6).and_then(|flags| flags.parse().ok());
    flags.is_some_and(|flags: u64| flags & PF_EXITING != 0)
}

const PF_EXITING: u64 = 4;

/// Whether a signal is neither ignored nor handled in this process. If the system does not tell: yes.
pub(crate) fn has_default_action(number: c_int) -> bool {
    may_fail!(ReadFile, _ => true);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let in_set = |name: &str| {
        let set = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        u64::from_str_radix(set.trim(), 16).is_ok_and(|set| set >> (number - 1) & 1 == 1)
    };
    !in_set("SigIgn:") && !in_set("SigCgt:")
}

/// The name of this machine in its network.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Seconds since 1970, for a name and not for keeping time.
pub(crate) fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
