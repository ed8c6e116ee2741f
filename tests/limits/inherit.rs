//! What a child gets of us: nothing. Everything is made closed on exec, not made so afterwards. And by
//! what we wait.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;
use std::time::{Duration, SystemTime};

use testkit::leak::Descriptors;
use testkit::net;
use testkit::rig::{Host, Rig};
use wheels::SocketFactory;

const O_NONBLOCK: u32 = 0o4000;
const O_CLOEXEC: u32 = 0o2_000_000;

pub(crate) fn p67_every_descriptor_is_closed_on_exec_and_every_socket_does_not_block() {
    let before = Descriptors::note();
    let childs_before = descriptors_of_a_child();
    let (peer, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        cx.sig("USR2", "never").expect("SIGUSR2 can be watched");
        cx.alarm_at("never", SystemTime::now() + Duration::from_secs(3600), ());
        let remote = SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port());
        host.build(cx, remote);
    });
    let listening = rig.act(|host, cx| {
        host.listen(cx, SocketFactory::builder().bind_address("::1"));
        host.listen(cx, SocketFactory::builder().bind_address("127.0.0.1"))
    });
    let client = net::connect(listening);
    rig.run_until_established(2);
    rig.act(|host, cx| host.stream(cx));

    let theirs = [peer.as_raw_fd(), client.as_raw_fd()];
    let opened = before.opened_since();
    let mut sockets = 0;
    for (number, target) in &opened {
        let flags = flags(*number);
        assert_ne!(flags & O_CLOEXEC, 0, "{number}, {target}, is left open for a child");
        if target.starts_with("socket:") && !theirs.contains(number) {
            assert_ne!(flags & O_NONBLOCK, 0, "{number}, {target}, may block");
            sockets += 1;
        }
    }
    // Two listeners, a connection made and one accepted; two reserves, the poll and the
    // wall clock's notice beside them.
    assert!(sockets >= 4 && opened.len() >= sockets + theirs.len() + 4, "{opened:?}");
    assert_eq!(descriptors_of_a_child(), childs_before);
}

/// A system that forbids `io_uring`, as containers do, forbids nothing that is needed here.
pub(crate) fn p64_readiness_comes_by_epoll_and_nothing_asks_for_io_uring() {
    let before = Descriptors::note();
    let (peer, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        host.build(cx, SocketFactory::connect(addr));
    });
    rig.run_until_established(1);
    rig.act(|host, cx| host.stream(cx));
    rig.turn();
    let opened = before.opened_since();
    let with = |name: &str| opened.values().filter(|target| target.contains(name)).count();
    assert_eq!((with("[eventpoll]"), with("uring")), (1, 0), "{opened:?}");
    drop(peer);
}

fn flags(number: RawFd) -> u32 {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).expect("/proc is mounted");
    let line = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    u32::from_str_radix(line.trim(), 8).expect("an octal number")
}

/// What a child that was started just now finds open, its own included.
fn descriptors_of_a_child() -> String {
    let listed = Command::new("ls").arg("/proc/self/fd").output().expect("ls");
    assert!(listed.status.success());
    String::from_utf8(listed.stdout).expect("numbers")
}
