//! A process's own `/etc` and its own network.

use std::fs;
use std::io;
use std::path::PathBuf;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use rustix::process::{getgid, getuid};

/// Leaves the machine's files and network behind. There is one thread yet.
///
/// An ordinary user becomes the administrator of a user namespace, where the system allows it.
pub(crate) fn enter() -> io::Result<()> {
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
    raise_loopback()
}

const NONE: Option<&str> = None;

/// A file of `/etc`. It is empty until the test writes what it needs.
pub(crate) fn write(name: &str, text: &str) {
    fs::write(PathBuf::from("/etc").join(name), text).expect("it is ours");
}

/// Names are looked up in `hosts` and then at a server on loopback, who may take its time.
pub(crate) fn names(hosts: &str) {
    write("hosts", hosts);
    write("host.conf", "multi on\n");
    write("nsswitch.conf", "hosts: files dns\nservices: files\nprotocols: files\n");
    write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n");
}

/// The loopback of a new network is down. Asked by rtnetlink(7): set the flag `IFF_UP` of the first
/// interface, and say whether it is done.
fn raise_loopback() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST: u16 = 1;
    const NLM_F_ACK: u16 = 4;
    const IFF_UP: u32 = 1;
    const LOOPBACK: u32 = 1;
    const HEADER: u32 = 16;
    const REQUEST: u32 = HEADER + 16;

    let mut request = Vec::new();
    // struct nlmsghdr: length, type, flags, sequence, port.
    request.extend(REQUEST.to_ne_bytes());
    request.extend(RTM_NEWLINK.to_ne_bytes());
    request.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    request.extend([0; 8]);
    // struct ifinfomsg: family and kind, which do not matter; index, flags, which flags to change.
    request.extend([0; 4]);
    request.extend(LOOPBACK.to_ne_bytes());
    request.extend(IFF_UP.to_ne_bytes());
    request.extend(IFF_UP.to_ne_bytes());

    let route = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::send(&route, &request, SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (length, _) = rustix::net::recv(&route, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr: zero, or an errno made negative.
    let errnum = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok());
    match errnum.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(errnum) => Err(io::Error::from_raw_os_error(-errnum)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
