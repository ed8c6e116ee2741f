//! Sockets that came with the process: the protocol of `sd_listen_fds(3)`.
//!
//! Reads `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES`. Promises all or nothing: what is not as the
//! protocol says is an error, and then nothing was taken or changed. Never looks at what the descriptors
//! are.

use std::env::{self, VarError};
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::process;

use crate::sys::inherit;

/// A descriptor that came with the process.
#[derive(Debug)]
pub struct Inherited {
    /// What whoever passed it on calls it (`FileDescriptorName=` of systemd.socket(5)); `unknown` if
    /// there are no names.
    pub name: String,
    /// The descriptor, closed on exec from now on.
    pub fd: OwnedFd,
}

/// Takes over the sockets that systemd, or whoever speaks its protocol, opened for this process: see
/// `sd_listen_fds(3)`. None if there are none, or they are meant for another process.
///
/// To be called once, first thing in `main`: there must be no other thread. What is taken is closed on
/// exec, and the variables are removed, so that no child takes it for its own; a second call gives
/// nothing. What the descriptors are is not looked at: `SocketFactoryBuilder::build_on` of the crate
/// `wheels` does that, and listens on them.
///
/// ```no_run
/// let mut listeners = Vec::new();
/// for inherited in reactor::inherited()? {
///     match &*inherited.name {
///         "http" => listeners.push(inherited.fd),
///         other => eprintln!("what is {other}?"),
///     }
/// }
/// # Ok::<_, reactor::InheritError>(())
/// ```
///
/// # Errors
///
/// The variables are not what they should be, a descriptor is not open or is one of the program's own, or
/// there are other threads. Nothing is taken then, and the variables stay.
pub fn inherited() -> Result<Vec<Inherited>, InheritError> {
    let Some(count) = count()? else { return Ok(Vec::new()) };
    let numbers = FIRST..FIRST + count;
    for fd in numbers.clone() {
        match inherit::has_come_through_exec(fd) {
            Ok(true) => {}
            Ok(false) => return Err(InheritError::Own(fd)),
            Err(error) => return Err(InheritError::Descriptor(fd, error)),
        }
    }
    // All are open: so there are not too many.
    let names = names(count)?;
    match inherit::remove_variables(&VARIABLES) {
        Ok(Ok(())) => {}
        Ok(Err(threads)) => return Err(InheritError::Threads(threads)),
        Err(error) => return Err(InheritError::System(error)),
    }
    let adopt = |(fd, name)| match inherit::adopt(fd) {
        Ok(fd) => Ok(Inherited { name, fd }),
        Err(error) => Err(InheritError::Descriptor(fd, error)),
    };
    numbers.zip(names).map(adopt).collect()
}

/// How many there are for this process.
fn count() -> Result<Option<RawFd>, InheritError> {
    let Some(pid) = variable(PID)? else { return Ok(None) };
    let malformed = |name, value: &str| InheritError::Malformed(name, value.to_owned());
    match pid.parse::<u32>() {
        Ok(pid) if pid == process::id() => {}
        Ok(_) => return Ok(None),
        Err(_) => return Err(malformed(PID, &pid)),
    }
    let Some(fds) = variable(FDS)? else { return Ok(None) };
    // A number that leaves room for the first.
    let count = fds.parse().ok().filter(|count| (0..=RawFd::MAX - FIRST).contains(count));
    count.map(Some).ok_or_else(|| malformed(FDS, &fds))
}

/// A name for each.
fn names(count: RawFd) -> Result<Vec<String>, InheritError> {
    let count = usize::try_from(count).unwrap_or_default();
    let Some(names) = variable(NAMES)? else {
        return Ok(vec![UNKNOWN.to_owned(); count]);
    };
    // No text is the list of no names, and that of one which is empty.
    let list = names.split(':').take(if names.is_empty() { count } else { usize::MAX });
    let list: Vec<_> = list.map(ToOwned::to_owned).collect();
    if list.len() == count { Ok(list) } else { Err(InheritError::Malformed(NAMES, names)) }
}

fn variable(name: &'static str) -> Result<Option<String>, InheritError> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(value)) => {
            Err(InheritError::Malformed(name, value.to_string_lossy().into_owned()))
        }
    }
}

/// Why nothing was inherited.
#[derive(Debug)]
#[non_exhaustive]
pub enum InheritError {
    /// This variable is not what it should be: `LISTEN_PID` or `LISTEN_FDS` no number, or `LISTEN_FDNAMES`
    /// with more or fewer names than there are descriptors.
    Malformed(&'static str, String),
    /// This descriptor is not open.
    Descriptor(RawFd, io::Error),
    /// This descriptor was not inherited but opened by the program itself: it is closed on exec.
    Own(RawFd),
    /// The process has so many threads. The environment cannot be changed while others may read it.
    Threads(usize),
    /// The system does not say how many threads there are.
    System(io::Error),
}

impl fmt::Display for InheritError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(name, value) => write!(f, "{name} is {value:?}"),
            Self::Descriptor(fd, error) => write!(f, "inherited descriptor {fd}: {error}"),
            Self::Own(fd) => write!(f, "descriptor {fd} was not inherited"),
            Self::Threads(count) => write!(f, "cannot inherit: the process has {count} threads"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl Error for InheritError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Descriptor(_, error) | Self::System(error) => Some(error),
            Self::Malformed(..) | Self::Own(_) | Self::Threads(_) => None,
        }
    }
}

/// Behind standard input, output and error (`SD_LISTEN_FDS_START`).
const FIRST: RawFd = 3;

const PID: &str = "LISTEN_PID";
const FDS: &str = "LISTEN_FDS";
const NAMES: &str = "LISTEN_FDNAMES";

/// All that speak of it, of newer versions too.
const VARIABLES: [&str; 4] = [PID, FDS, NAMES, "LISTEN_PIDFDID"];

/// What descriptors are called that have no names.
const UNKNOWN: &str = "unknown";
