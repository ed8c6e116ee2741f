//! Paths of UNIX sockets, under another umask, from another directory, as another user, and with few
//! descriptors.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::Mode;
use rustix::process::{Uid, geteuid, umask};
use rustix::thread::set_thread_res_uid;
use socket2::Type;
use testkit::leak::Descriptors;
use testkit::unix::{Folder, Owner, bound, listening, mode, node, try_connect};
use wheels::faults::{self, Call};
use wheels::{Operation, SocketFactory};

use crate::nofile::{self, Lowered};

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EADDRINUSE: i32 = 98;

/// The process's umask, for the time of a test.
struct Umask(Mode);

impl Umask {
    fn set(to: u32) -> Self {
        Self(umask(Mode::from_raw_mode(to)))
    }
}

impl Drop for Umask {
    fn drop(&mut self) {
        umask(self.0);
    }
}

pub(crate) fn p11_the_mode_is_exact_under_any_umask() {
    let folder = Folder::new();
    let path = folder.at("socket");
    for taken in [0o000, 0o022, 0o077, 0o777] {
        let _umask = Umask::set(taken);
        let owner = Owner::listening(SocketFactory::unix_listen(&path));
        assert_eq!(mode(&path), 0o777 & !taken, "without a wish");
        owner.close();
        for wanted in [0o000, 0o600, 0o660, 0o666, 0o777] {
            let builder = SocketFactory::unix_listen(&path).mode(wanted);
            let owner = Owner::listening(builder.clone());
            assert_eq!(mode(&path), wanted, "{taken:o}");
            owner.close();
            let builder = builder.unlink_on_close(false);
            Owner::listening(builder.clone()).close();
            assert_eq!(mode(&path), wanted, "{taken:o}");
            // A dead socket that its owner may not connect to cannot be told from a living one.
            if wanted & 0o200 != 0 {
                Owner::listening(builder).close();
                assert_eq!(mode(&path), wanted, "{taken:o}, of a dead one's heir");
            }
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(umask(Mode::from_raw_mode(taken)).as_raw_mode(), taken, "it is as it was");
    }
}

pub(crate) fn p11_the_rights_are_never_wider_not_for_a_moment() {
    const ROUNDS: usize = 1000;
    let folder = Folder::new();
    let path = folder.at("socket");
    // Nothing is taken away, or something is and comes back.
    for (taken, wanted) in [(0o000, 0o600), (0o077, 0o660)] {
        let _umask = Umask::set(taken);
        let (done, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
        let modes = thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut modes = BTreeSet::new();
                while !done.load(Ordering::Relaxed) {
                    if let Ok(found) = fs::symlink_metadata(&path) {
                        modes.insert(found.permissions().mode() & 0o7777);
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                }
                modes
            });
            let mut round = 0;
            while round < ROUNDS || seen.load(Ordering::Relaxed) < ROUNDS {
                Owner::listening(SocketFactory::unix_listen(&path).mode(wanted)).close();
                round += 1;
            }
            done.store(true, Ordering::Relaxed);
            watcher.join().unwrap()
        });
        assert!(modes.iter().all(|mode| mode & !wanted == 0), "{modes:?}");
    }
}

pub(crate) fn p11_a_path_that_cannot_get_its_mode_is_not_there() {
    let folder = Folder::new();
    let _umask = Umask::set(0o077);
    faults::fail_next(Call::Chmod, EPERM);
    let builder = SocketFactory::unix_listen(folder.at("socket")).mode(0o666);
    assert_eq!(Owner::refused(builder.clone()), (Operation::Bind, EPERM));
    assert_eq!(faults::pending(), 0);
    assert_eq!(folder.names(), [""; 0]);
    // What is narrow enough as it is needs no second call.
    faults::fail_next(Call::Chmod, EPERM);
    Owner::listening(builder.mode(0o600)).close();
    assert_eq!(faults::pending(), 1);
    faults::clear();
}

/// The process's working directory, for the time of a test.
struct Within(std::path::PathBuf);

impl Within {
    fn go(to: &Path) -> Self {
        let before = std::env::current_dir().unwrap();
        std::env::set_current_dir(to).unwrap();
        Self(before)
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        std::env::set_current_dir(&self.0).unwrap();
    }
}

pub(crate) fn p10_a_path_is_found_again_wherever_the_process_has_gone() {
    let (here, there) = (Folder::new(), Folder::new());
    for path in ["socket", "./socket", "folder/../socket"] {
        let within = Within::go(&here.path);
        fs::create_dir("folder").unwrap();
        bound(Path::new("socket"), Type::STREAM);
        let owner = Owner::listening(SocketFactory::unix_listen(path));
        let elsewhere = Within::go(&there.path);
        fs::create_dir("folder").unwrap();
        let theirs = UnixListener::bind("socket").unwrap();
        owner.close();
        assert_eq!(here.names(), ["folder"]);
        try_connect(Path::new("socket"), Type::STREAM).unwrap();
        drop((theirs, elsewhere, within));
        fs::remove_dir(here.at("folder")).unwrap();
        fs::remove_dir_all(&there.path).unwrap();
        fs::create_dir(&there.path).unwrap();
    }
}

pub(crate) fn p10_a_path_costs_one_descriptor_and_none_is_left() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let before = Descriptors::note();
    for builder in [
        SocketFactory::unix_listen(&path),
        SocketFactory::unix_listen(&path).mode(0o600).unlink_on_close(false),
        SocketFactory::unix_listen(&path),
    ] {
        let owner = Owner::listening(builder);
        let opened = before.opened_since();
        let is_ours = |target: &&String| folder.path.as_os_str() == target.as_str();
        assert!(opened.values().filter(is_ours).count() <= 1, "{opened:?}");
        let sockets = opened.values().filter(|target| target.starts_with("socket:")).count();
        assert_eq!(sockets, 1, "{opened:?}");
        owner.close();
        before.assert_same();
    }
    let _alive = listening(&path, 5);
    let before = Descriptors::note();
    assert_eq!(refused(&path), (Operation::Bind, EADDRINUSE));
    before.assert_same();
}

/// However few descriptors there are: a listener comes up, or nothing has changed.
pub(crate) fn p39_without_a_descriptor_to_spare_nothing_is_left_behind() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let _umask = Umask::set(0o077);
    // A dead one is in the way, or none; and the mode needs another look.
    for dead in [false, true] {
        let mut came_up = 0;
        for spare in 0..24 {
            if dead {
                bound(&path, Type::STREAM);
            }
            let names = folder.names();
            let mut owner = Owner::new();
            let limit = Lowered::to(64);
            let mut taken = nofile::take_all();
            taken.truncate(taken.len() - spare);
            let came = owner.listen(SocketFactory::unix_listen(&path).mode(0o666));
            drop((taken, limit));
            if let Err(why) = came {
                assert_eq!(folder.names(), names, "{spare}: {why:?}");
                fs::remove_file(&path).unwrap_or_default();
                continue;
            }
            assert_eq!(mode(&path), 0o666);
            owner.close();
            assert_eq!(folder.names(), [""; 0]);
            came_up += 1;
        }
        assert!(came_up > 0);
    }
}

fn refused(path: &Path) -> (Operation, i32) {
    Owner::refused(SocketFactory::unix_listen(path))
}

/// As somebody who may not do everything: another user if we may be one, else we.
pub(crate) fn unprivileged(does: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            if geteuid().is_root() {
                let nobody = Uid::from_raw(65534);
                set_thread_res_uid(nobody, nobody, nobody).expect("root may");
            }
            does();
        });
        other.join().expect("nobody panics");
    });
}

pub(crate) fn p08_who_may_not_write_to_the_folder_changes_nothing() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let writable = |rights| fs::set_permissions(&folder.path, PermissionsExt::from_mode(rights));
    writable(0o555).unwrap();
    unprivileged(|| assert_eq!(refused(&path), (Operation::Bind, EACCES)));
    writable(0o755).unwrap();
    bound(&path, Type::STREAM);
    fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
    let dead = node(&path);
    writable(0o555).unwrap();
    unprivileged(|| assert_eq!(refused(&path), (Operation::Bind, EADDRINUSE)));
    assert_eq!(node(&path), dead);
    writable(0o755).unwrap();
}

pub(crate) fn p08_a_dead_socket_that_we_may_not_ask_or_not_remove_stays() {
    let folder = Folder::new();
    let path = folder.at("socket");
    bound(&path, Type::STREAM);
    let dead = node(&path);
    // No right to connect; then no right to remove what another user has in a sticky folder.
    fs::set_permissions(&folder.path, PermissionsExt::from_mode(0o1777)).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    unprivileged(|| assert_eq!(refused(&path), (Operation::Bind, EADDRINUSE)));
    assert_eq!(node(&path), dead);
    if geteuid().is_root() {
        fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        unprivileged(|| assert_eq!(refused(&path), (Operation::Bind, EADDRINUSE)));
        assert_eq!(node(&path), dead);
    }
}

pub(crate) fn p08_who_has_given_privileges_up_repairs_and_widens_its_own() {
    let folder = Folder::new();
    fs::set_permissions(&folder.path, PermissionsExt::from_mode(0o1777)).unwrap();
    let path = folder.at("socket");
    let _umask = Umask::set(0o077);
    unprivileged(|| {
        bound(&path, Type::STREAM);
        let mut owner = Owner::listening(SocketFactory::unix_listen(&path).mode(0o666));
        assert_eq!(mode(&path), 0o666);
        owner.serve(&path);
        owner.close();
    });
    assert_eq!(folder.names(), [""; 0]);
}
