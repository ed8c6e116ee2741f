//! Each call of the system fails, the first time it is made and the second, and so on.

use std::fs;

use testkit::leak::Descriptors;
use testkit::logs::{self, Logged};
use testkit::net::{self, Refusing};
use testkit::rig::{Heard, Host, Rig};
use testkit::unix::{self, Folder};
use wheels::faults::{self, Call};
use wheels::{SocketFactory, SocketFactoryBuilder, SocketType};

/// EINTR EIO ENOMEM EACCES EMFILE EINVAL EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENOBUFS.
const ERRORS: [i32; 10] = [4, 5, 12, 13, 24, 22, 97, 98, 99, 105];

const CALLS: [Call; 14] = [
    Call::Socket,
    Call::SetSockOpt,
    Call::Bind,
    Call::Listen,
    Call::Connect,
    Call::PeerAddr,
    Call::Open,
    Call::Stat,
    Call::Fchmod,
    Call::Chmod,
    Call::Unlink,
    Call::Watch,
    Call::WatchAlso,
    Call::Shutdown,
];

/// Makes the call fail that is the `nth` of its kind, in whatever `act` does; says whether there was one.
fn with_fault(call: Call, nth: usize, errnum: i32, act: impl FnOnce()) -> bool {
    (0..nth).for_each(|_| faults::pass_next(call));
    faults::fail_next(call, errnum);
    act();
    let happened = faults::pending() == 0;
    faults::clear();
    happened
}

/// Does it with every call, as often as it is made, and every error.
fn with_each(act: impl Fn(&str)) {
    let mut count = 0;
    for call in CALLS {
        for errnum in ERRORS {
            let mut nth = 0;
            let story = |nth| format!("{call:?} number {nth} fails with {errnum}");
            while with_fault(call, nth, errnum, || act(&story(nth))) {
                nth += 1;
                assert!(nth < 100, "{}", story(nth));
            }
            count += nth;
        }
    }
    assert!(count >= 3 * ERRORS.len(), "only {count} calls have failed");
}

pub(crate) fn p39_whichever_call_fails_all_sockets_are_there_or_none() {
    let folder = Folder::new();
    let (path, other) = (folder.at("socket"), folder.at("other"));
    let builders = [
        (2, SocketFactory::listen("127.0.0.1:0").also("127.0.0.1:0")),
        (3, SocketFactory::unix_listen(&path).mode(0o600).also("127.0.0.1:0").also(other.clone())),
        (2, SocketFactory::datagram("127.0.0.1:0").also(path.clone())),
        (2, SocketFactory::listen_everywhere(0)),
    ];
    let ((), warnings) = logs::capture_warnings(|| {
        for (count, builder) in &builders {
            with_each(|story| all_or_none(builder, *count, &folder, story));
        }
    });
    assert_only_paths(&warnings);
}

fn all_or_none(builder: &SocketFactoryBuilder, count: usize, folder: &Folder, story: &str) {
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    let builder = builder.clone();
    rig.act(move |host, cx| host.build(cx, builder));
    rig.turn();
    rig.turn();
    let heard = rig.heard();
    let is_failed = heard.iter().any(|heard| matches!(heard, Heard::Failed(_)));
    if is_failed {
        assert_eq!(heard.len(), 1, "{story}: {heard:?}");
        assert_eq!(before.opened_since().len(), 0, "{story}");
    } else {
        // What can be done without has failed.
        let doors = rig.act(|host, cx| host.factory().local_addrs(cx).len());
        let there = doors.max(heard.len());
        assert!(there == count || there == 1, "{story}: {there} of {count}");
    }
    rig.act(|host, _| {
        host.factories.clear();
        host.sockets.clear();
    });
    before.assert_same();
    leaves_paths(folder, story);
    assert_eq!(rig.kernel.wheel_count(), 0);
}

pub(crate) fn p39_whichever_call_fails_a_connect_ends_once_and_leaves_nothing() {
    let folder = Folder::new();
    let (path, near) = (folder.at("listener"), folder.at("near"));
    let (listener, addr) = net::listener();
    listener.set_nonblocking(true).unwrap();
    let unix = unix::listening(&path, 9);
    let refusing = Refusing::new();
    let to = |endpoint| SocketFactory::connect(endpoint);
    let builders = [
        to(addr).bind_address("127.0.0.1"),
        to(refusing.addr),
        SocketFactory::unix_connect(&path),
        SocketFactory::unix_connect(&path).bind_address(near.as_path()),
        to(addr).socket_type(SocketType::Dgram),
    ];
    let ((), warnings) = logs::capture_warnings(|| {
        for builder in &builders {
            with_each(|story| {
                ends_once(builder, &folder, story);
                while listener.accept().is_ok() || unix.accept().is_ok() {}
            });
        }
    });
    assert_only_paths(&warnings);
}

fn ends_once(builder: &SocketFactoryBuilder, folder: &Folder, story: &str) {
    let builder = builder.clone();
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    rig.act(move |host, cx| host.build(cx, builder));
    rig.run_until(story, |heard| !heard.is_empty());
    rig.turn();
    let heard = rig.heard();
    assert_eq!(heard.len(), 1, "{story}: {heard:?}");
    assert_eq!(rig.kernel.why_alive(rig.session).as_deref(), Some("1 timer"), "{story}");
    if matches!(heard[0], Heard::Failed(_)) {
        assert_eq!(before.opened_since().len(), 0, "{story}");
    }
    rig.act(|host, _| {
        host.factories.clear();
        host.sockets.clear();
    });
    before.assert_same();
    leaves_paths(folder, story);
}

/// Above all, no descriptor was closed while it was watched.
fn assert_only_paths(warnings: &[Logged]) {
    let others: Vec<_> = warnings.iter().filter(|logged| logged.target != "wheels::bind").collect();
    assert!(others.is_empty(), "{others:?}");
}

/// A path stays if it cannot be removed, or if it cannot be known whose it is: as a dead socket's, which
/// hinders nobody.
fn leaves_paths(folder: &Folder, story: &str) {
    for name in folder.names().iter().filter(|name| *name != "listener") {
        let is_excused = ["Unlink", "Stat", "Open"].iter().any(|call| story.starts_with(call));
        assert!(is_excused, "{story}: {name} is left");
        fs::remove_file(folder.at(name)).expect("it is ours");
    }
}
