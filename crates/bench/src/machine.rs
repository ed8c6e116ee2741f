//! What the benchmarks ask of the machine: two cores, many descriptors, and what a process cost.
//!
//! Nothing here is needed for a benchmark to run: where the machine refuses to pin, the figures
//! only get noisier.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The two cores of a benchmark: one for the server under test, one for the load.
#[derive(Debug, Clone, Copy)]
pub struct Cores {
    server: usize,
    load: usize,
}

impl Cores {
    /// The first two cores this process may use (the same one twice if it has only one).
    #[must_use]
    pub fn detect() -> Self {
        let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let mut free = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let server = free.next().unwrap_or(0);
        Self { server, load: free.next().unwrap_or(server) }
    }

    /// Moves this thread, and what it spawns from now on, to the server's core.
    pub fn enter_server(self) {
        pin(self.server);
    }

    /// Moves this thread, and what it spawns from now on, to the load's core.
    pub fn enter_load(self) {
        pin(self.load);
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    if let Err(error) = sched_setaffinity(None, &set) {
        eprintln!("not pinned to core {core}: {error}");
    }
}

/// Raises the soft limit of open descriptors to the hard one, for this process and what it
/// spawns, and returns it.
pub fn raise_descriptor_limit() -> u64 {
    let old = getrlimit(Resource::Nofile);
    let new = Rlimit { current: old.maximum, maximum: old.maximum };
    let limit = if setrlimit(Resource::Nofile, new).is_ok() { new } else { old };
    limit.current.unwrap_or(u64::MAX)
}

/// Nanoseconds of CPU, system's part included, that a process's live threads have used.
///
/// Exact to the nanosecond for a process that sleeps. Where the kernel keeps no
/// `schedstat`, to the clock tick (10 ms).
///
/// # Errors
///
/// When the process is gone.
pub fn cpu_nanos(pid: u32) -> io::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let Ok(stat) = fs::read_to_string(task?.path().join("schedstat")) else {
            return cpu_ticks(pid);
        };
        total += number(stat.split_whitespace().next())?;
    }
    Ok(total)
}

/// CPU, system's part included, that this process has used.
#[must_use]
pub fn own_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn cpu_ticks(pid: u32) -> io::Result<u64> {
    let stat = stat_from_state(pid)?;
    let mut fields = stat.split_whitespace().skip(11);
    let ticks = number(fields.next())? + number(fields.next())?;
    Ok(ticks * (1_000_000_000 / clock_ticks_per_second().max(1)))
}

/// Whether a process's first thread neither runs nor waits for a core to run on.
///
/// # Errors
///
/// When the process is gone.
pub fn sleeps(pid: u32) -> io::Result<bool> {
    Ok(!stat_from_state(pid)?.starts_with('R'))
}

/// `/proc/PID/stat` from its third field on; the second, the program's name, may hold blanks.
fn stat_from_state(pid: u32) -> io::Result<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    Ok(stat.rsplit_once(") ").map_or_else(String::new, |(_, rest)| rest.to_owned()))
}

/// Bytes of anonymous memory (heap and stacks, no file pages, nothing of the system's) that a
/// process has in RAM.
///
/// # Errors
///
/// When the process is gone, or the kernel does not say.
pub fn anonymous_bytes(pid: u32) -> io::Result<u64> {
    // Counted page by page. `status` adds up what each processor has counted, and may be late.
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:"));
    Ok(number(line.and_then(|line| line.split_whitespace().next()))? * 1024)
}

fn number(field: Option<&str>) -> io::Result<u64> {
    field
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not the /proc we know"))
}
