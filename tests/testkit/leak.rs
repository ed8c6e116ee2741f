//! Descriptors and memory before and after.
//!
//! Both belong to the process: what is here tells the truth only in a test binary that runs one test
//! after another. No child is started and nothing is counted by hand: the system's own list is read.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::RawFd;

/// The process's open descriptors and what each stands for (`socket:[4711]`, `/dev/null`).
pub fn descriptors() -> BTreeMap<RawFd, String> {
    let folder = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let mut open = BTreeMap::new();
    for entry in folder {
        let entry = entry.expect("an entry of /proc/self/fd");
        let number = entry.file_name().to_string_lossy().parse().expect("a number");
        let target = fs::read_link(entry.path()).map(|path| path.display().to_string());
        open.insert(number, target.unwrap_or_default());
    }
    // The folder itself was open, too.
    let own = format!("/proc/{}/fd", std::process::id());
    open.retain(|_, target| *target != own);
    open
}

/// What was open at a time.
#[derive(Clone, Debug)]
pub struct Descriptors {
    before: BTreeMap<RawFd, String>,
}

impl Descriptors {
    pub fn note() -> Self {
        Self { before: descriptors() }
    }

    pub fn count(&self) -> usize {
        self.before.len()
    }

    /// What has been opened since and is open.
    pub fn opened_since(&self) -> BTreeMap<RawFd, String> {
        let mut open = descriptors();
        open.retain(|number, target| self.before.get(number) != Some(target));
        open
    }

    /// Panics unless exactly the same are open again.
    #[track_caller]
    pub fn assert_same(&self) {
        assert_eq!(descriptors(), self.before, "open descriptors: now, and before");
    }
}

/// How many threads the process has.
pub fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("/proc is mounted").count()
}

/// The process's private memory in use, in bytes: heap and stacks (`RssAnon`).
pub fn private_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kib * 1024
}
