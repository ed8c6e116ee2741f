//! A process's own `/etc` and its own network.
//!
//! [`main`] runs each test in a process and in namespaces of its own: its `/etc` is what the test wrote,
//! and its network is a loopback that nobody else is on. Where the system does not allow that, each test
//! says so and is skipped. Arguments are parts of names, as with the usual harness: with some given, the
//! tests run that have one of them.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{getgid, getuid};

use crate::netlink::{self, IFF_NOARP, IFF_UP, Interface, LOOPBACK};

/// A test and its name.
pub type Test = (&'static str, fn());

/// The whole of such a test target. What is `prepared` is so before each test, in its namespaces.
pub fn main(tests: &[Test], prepare: fn() -> io::Result<()>) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = &args[..]
        && flag == INSIDE
    {
        return inside(tests, name, prepare);
    }
    let parts: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(*part));
    let (wanted, others): (Vec<_>, Vec<_>) = tests.iter().partition(|(name, _)| is_wanted(name));

    println!("\nrunning {} tests", wanted.len());
    let (mut failed, mut skipped) = (Vec::new(), 0);
    for (name, _) in &wanted {
        let status = Command::new(std::env::current_exe().expect("our own name"))
            .args([INSIDE, name])
            .status()
            .expect("we can run ourselves");
        let word = match status.code() {
            Some(0) => "ok",
            Some(SKIPPED) => {
                skipped += 1;
                "ignored, it may have no namespaces of its own"
            }
            Some(_) | None => {
                failed.push(name);
                "FAILED"
            }
        };
        println!("test {name} ... {word}");
    }
    failed.iter().for_each(|name| println!("failed: {name}"));
    println!(
        "\ntest result: {}. {} passed; {} failed; {skipped} ignored; 0 measured; {} filtered out\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        wanted.len() - failed.len() - skipped,
        failed.len(),
        others.len(),
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one test in this process.
fn inside(tests: &[Test], name: &str, prepare: fn() -> io::Result<()>) -> ExitCode {
    let (_, test) = tests.iter().find(|(test, _)| *test == name).expect("a test of ours");
    // Before there is a second thread: the namespaces are the calling thread's.
    if let Err(error) = enter().and_then(|()| prepare()) {
        println!("{name}: no namespaces: {error}");
        return ExitCode::from(SKIPPED as u8);
    }
    match panic::catch_unwind(test) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

const INSIDE: &str = "--inside";

/// What automake and others say of a test that cannot be run.
const SKIPPED: i32 = 77;

/// Leaves the machine's files and network behind. There is one thread yet.
///
/// An ordinary user becomes the administrator of a user namespace, where the system allows it.
fn enter() -> io::Result<()> {
    let own = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    if unshare(own).is_err() {
        let (user, group) = (getuid().as_raw(), getgid().as_raw());
        unshare(own | CloneFlags::CLONE_NEWUSER)?;
        fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", format!("0 {group} 1"))?;
    }
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    let tmpfs = Some("tmpfs");
    mount(tmpfs, "/etc", tmpfs, MsFlags::empty(), NONE)?;
    // The loopback of a new network is down.
    netlink::raise(Interface::Index(LOOPBACK), IFF_UP)
}

const NONE: Option<&str> = None;

/// A file of `/etc`. It is empty until the test writes what it needs.
pub fn write(name: &str, text: &str) {
    fs::write(PathBuf::from("/etc").join(name), text).expect("it is ours");
}

/// Names are looked up in `hosts` and then at a server on loopback, who may take its time.
pub fn names(hosts: &str) {
    write("hosts", hosts);
    write("host.conf", "multi on\n");
    write("nsswitch.conf", "hosts: files dns\nservices: files\nprotocols: files\n");
    write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n");
}

/// A setting of the network (sysctl(8)): `ipv4/ip_local_port_range`.
///
/// # Errors
///
/// What open(2) and write(2) say.
pub fn set(name: &str, value: &str) -> io::Result<()> {
    fs::write(Path::new("/proc/sys/net").join(name), value)
}

/// Networks where nobody is and nothing comes back from, not even a refusal: those of [`SILENT_V4`] and
/// [`SILENT_V6`]. Our own addresses there are [`OWN_V4`] and [`OWN_V6`].
///
/// Two interfaces that send to each other. The other end takes nothing in, since nothing is for it.
///
/// # Errors
///
/// The system has no such interfaces.
pub fn add_silence() -> io::Result<()> {
    const INDEX: u32 = 10;
    netlink::add_pair(INDEX, IFF_UP | IFF_NOARP)?;
    netlink::raise(Interface::Named("veth0"), IFF_UP)?;
    netlink::add_address(INDEX, IpAddr::V4(OWN_V4), 24)?;
    netlink::add_address(INDEX, IpAddr::V6(OWN_V6), 64)
}

/// Of the networks for documentation (RFC 5737, RFC 3849).
pub const OWN_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const SILENT_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub const OWN_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub const SILENT_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
