//! UNIX sockets: folders for their paths, paths that the dead left, and sessions that own one.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use reactor::{Context, Event, Forked, Kernel, SessionId, States};
use socket2::{Domain, SockAddr, Socket, Type};
use wheels::{Address, Established, Failure, Operation, SocketFactory, SocketFactoryBuilder};

use crate::net;
use crate::rig::Host;

/// A folder of a test's own, which goes with it, but not with its forks.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    process: u32,
}

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let process = std::process::id();
        let name = format!("sockets-{process}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder");
        Self { path, process }
    }

    /// A name in it.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).expect("our folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into())
            .collect();
        names.sort();
        names
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            let _gone = fs::remove_dir_all(&self.path);
        }
    }
}

/// A socket of somebody else.
pub fn bound(path: &Path, kind: Type) -> Socket {
    let socket = Socket::new(Domain::UNIX, kind, None).expect("socket");
    socket.bind(&SockAddr::unix(path).expect("a path")).expect("bind");
    socket
}

/// A listener of somebody else, whose queue has room for so many and one more.
pub fn listening(path: &Path, queue: i32) -> Socket {
    let socket = bound(path, Type::STREAM);
    socket.listen(queue).expect("listen");
    socket.set_nonblocking(true).expect("O_NONBLOCK");
    socket
}

/// Connects, or says why not at once.
pub fn try_connect(path: &Path, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, kind, None).expect("socket");
    socket.set_nonblocking(true).expect("O_NONBLOCK");
    socket.connect(&SockAddr::unix(path).expect("a path")).map(|()| socket)
}

/// What is there: the number of the node.
pub fn node(path: &Path) -> u64 {
    fs::symlink_metadata(path).expect("something is there").ino()
}

/// The rights of what is there.
pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("something is there").permissions().mode() & 0o7777
}

/// A kernel with one session, which has one factory and all that came of it.
#[derive(Debug)]
pub struct Owner {
    kernel: Kernel,
    session: SessionId,
    told: Rc<RefCell<Told>>,
}

/// What a factory told.
#[derive(Default, Debug)]
struct Told {
    made: Vec<Established>,
    failed: Vec<Failure>,
}

struct Holder {
    factory: Option<SocketFactory>,
    told: Rc<RefCell<Told>>,
}

const MADE: Event<Established> = Event::new("made");
const FAILED: Event<Failure> = Event::new("failed");
const BUILD: Event<SocketFactoryBuilder, Option<Address>> = Event::new("build");
const CLOSE: Event<()> = Event::new("close");

impl Owner {
    /// A session that has none yet.
    pub fn new() -> Self {
        let states = States::new()
            .on_start(|_: &mut Holder, cx: &mut Context<'_>, ()| Host::stay(cx))
            .on(&BUILD, |holder: &mut Holder, cx: &mut Context<'_>, builder| {
                let factory = SocketFactoryBuilder::build(builder, cx, &MADE, &FAILED);
                holder.factory.insert(factory).local_addr(cx)
            })
            .on(&MADE, |holder: &mut Holder, _: &mut Context<'_>, made| {
                holder.told.borrow_mut().made.push(made);
            })
            .on(&FAILED, |holder: &mut Holder, _: &mut Context<'_>, failure| {
                holder.told.borrow_mut().failed.push(failure);
            })
            .on(&CLOSE, |holder: &mut Holder, _: &mut Context<'_>, ()| holder.factory = None);
        let mut kernel = Kernel::new().expect("a kernel");
        let told = Rc::default();
        let session = kernel.spawn(&states, Holder { factory: None, told: Rc::clone(&told) });
        Self { kernel, session, told }
    }

    /// A listener that is up.
    #[track_caller]
    pub fn listening(builder: SocketFactoryBuilder) -> Self {
        let mut owner = Self::new();
        owner.listen(builder).expect("nothing is wrong");
        owner
    }

    /// A factory that hands a socket over.
    pub fn handed(builder: SocketFactoryBuilder) -> (Self, Established) {
        let mut owner = Self::new();
        owner.build(builder);
        let made = owner.wait();
        (owner, made)
    }

    /// Why a factory does not come into being.
    #[track_caller]
    pub fn refused(builder: SocketFactoryBuilder) -> (Operation, i32) {
        Self::new().listen(builder).expect_err("it listens")
    }

    /// Whether it listens now, or the failure instead.
    ///
    /// # Errors
    ///
    /// What the factory told: one failure, and nothing else.
    pub fn listen(&mut self, builder: SocketFactoryBuilder) -> Result<(), (Operation, i32)> {
        if self.build(builder).is_some() {
            return Ok(());
        }
        let told = Rc::clone(&self.told);
        net::run_until(&mut self.kernel, "a failure", || !told.borrow().failed.is_empty());
        let told = told.borrow();
        match (&told.made[..], &told.failed[..]) {
            ([], [failure]) => Err((failure.operation, failure.errnum)),
            other => panic!("{other:?}, not one failure"),
        }
    }

    /// A client comes to the path, and this is who lets it in.
    #[track_caller]
    pub fn serve(&mut self, path: &Path) -> Established {
        let client = try_connect(path, Type::STREAM).expect("somebody listens");
        let made = self.wait();
        drop(client);
        made
    }

    /// The next that is made.
    pub fn wait(&mut self) -> Established {
        let told = Rc::clone(&self.told);
        net::run_until(&mut self.kernel, "a socket", || !told.borrow().made.is_empty());
        self.told.borrow_mut().made.remove(0)
    }

    /// Forks: the child's number in the parent, `None` in the child.
    pub fn fork(&mut self) -> Option<u32> {
        match self.kernel.fork().expect("one thread, and room for a process") {
            Forked::Parent { child } => Some(child),
            Forked::Child => None,
        }
    }

    /// Drops the factory; nothing had gone wrong.
    pub fn close(mut self) {
        self.kernel.call(self.session, &CLOSE, ()).expect("the session is alive");
        assert_eq!((self.kernel.wheel_count(), &self.told.borrow().failed[..]), (0, &[][..]));
    }

    fn build(&mut self, builder: SocketFactoryBuilder) -> Option<Address> {
        self.kernel.call(self.session, &BUILD, builder).expect("the session is alive")
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self::new()
    }
}
