//! What a factory cannot show: who holds the lock, whether there is a lock at all, and many starts at once.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

/// A directory of the test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("unix-path-{}-{number}", process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> PathBuf {
        self.0.join("socket")
    }

    /// The path of a server that has died.
    fn stale(&self) -> PathBuf {
        drop(UnixListener::bind(self.path()).unwrap());
        self.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A listener as the factory has it: the path goes first.
struct Server {
    path: Option<BoundPath>,
    _socket: OwnedFd,
}

fn serve(path: &Path) -> io::Result<Server> {
    serve_with(path, &PathOptions::default())
}

fn serve_with(path: &Path, options: &PathOptions) -> io::Result<Server> {
    let socket = sys::socket(Domain::Unix, SocketType::Stream, None)?;
    let path = BoundPath::bind(&socket, path, options)?;
    sys::listen(&socket, 5)?;
    Ok(Server { path, _socket: socket })
}

#[track_caller]
fn assert_in_use(served: io::Result<Server>) {
    assert!(is_in_use(&served.err().expect("the path is taken")));
}

#[test]
fn who_cannot_lock_the_directory_takes_nothing_over() {
    let folder = Folder::new();
    let path = folder.stale();
    let before = fs::symlink_metadata(&path).unwrap().ino();
    let keeper = File::open(&folder.0).unwrap();
    keeper.lock_shared().unwrap();
    assert_in_use(serve(&path));
    assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before);

    // Who needs nothing repaired needs no lock.
    let other = serve(&folder.0.join("other")).unwrap();
    assert!(other.path.is_some());

    drop(keeper);
    let _server = serve(&path).unwrap();
    UnixStream::connect(&path).unwrap();
}

#[test]
fn nothing_is_open_but_the_directory_and_nothing_is_locked() {
    let folder = Folder::new();
    let path = folder.stale();
    let server = serve(&path).unwrap();
    File::open(&folder.0).unwrap().try_lock().unwrap();
    assert!(sys::try_lock(&server.path.as_ref().unwrap().place.directory).is_err(), "O_PATH");
    drop(server);
    assert!(!path.exists());
}

#[test]
fn a_socket_that_does_not_listen_yet_is_not_dead() {
    let folder = Folder::new();
    for kind in [SocketType::Stream, SocketType::SeqPacket, SocketType::Dgram] {
        let socket = sys::socket(Domain::Unix, kind, None).unwrap();
        let bound = BoundPath::bind(&socket, &folder.path(), &PathOptions::default()).unwrap();
        assert_in_use(serve(&folder.path()));
        drop(bound);
        assert!(!folder.path().exists(), "{kind}");
    }
}

#[test]
fn of_many_that_start_at_once_over_a_dead_one_exactly_one_starts() {
    const SERVERS: usize = 4;
    let folder = Folder::new();
    for _ in 0..500 {
        let path = folder.stale();
        let (ready, done) = (Barrier::new(SERVERS), Barrier::new(SERVERS));
        let started = AtomicU32::new(0);
        let start = || {
            ready.wait();
            let served = serve(&path);
            // Nobody ends before all have tried.
            done.wait();
            if served.is_ok() {
                UnixStream::connect(&path).unwrap();
                started.fetch_add(1, Ordering::Relaxed);
            }
        };
        thread::scope(|scope| (0..SERVERS).for_each(|_| drop(scope.spawn(start))));
        assert_eq!(started.into_inner(), 1);
        assert!(!path.exists());
    }
}

#[test]
fn an_old_server_leaves_its_successors_path_alone_whatever_the_number_of_the_node() {
    let folder = Folder::new();
    let path = folder.path();
    let mut old = serve(&path).unwrap();
    for _ in 0..1000 {
        fs::remove_file(&path).unwrap();
        let new = serve(&path).unwrap();
        drop(old);
        UnixStream::connect(&path).unwrap();
        old = new;
    }
}
