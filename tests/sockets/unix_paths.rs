//! Paths of UNIX sockets: who gets one, with which rights, and who takes it away.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use rustix::fs::{CWD, FlockOperation, Mode, flock, mkfifoat};
use socket2::Type;
use testkit::rig::Rig;
use testkit::unix::{Folder, Owner, bound, listening, mode, node, try_connect};
use wheels::faults::{self, Call};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder, SocketType};

use crate::bad_parameters::EADDRINUSE;

const EIO: i32 = 5;
const ENOENT: i32 = 2;
const ENOTDIR: i32 = 20;
const EINVAL: i32 = 22;
const ENAMETOOLONG: i32 = 36;

const TYPES: [(SocketType, Type); 3] = [
    (SocketType::Stream, Type::STREAM),
    (SocketType::SeqPacket, Type::SEQPACKET),
    (SocketType::Dgram, Type::DGRAM),
];

fn server(path: &Path) -> SocketFactoryBuilder {
    SocketFactory::unix_listen(path)
}

/// A path that a dead server left.
fn stale(path: &Path) {
    drop(bound(path, Type::STREAM));
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[test]
fn p08_a_server_takes_the_path_of_a_dead_one_of_any_type() {
    let folder = Folder::new();
    let path = folder.at("socket");
    for (_, dead) in TYPES {
        for (kind, new) in TYPES {
            drop(bound(&path, dead));
            assert!(is_there(&path));
            let builder = server(&path).socket_type(kind);
            if kind == SocketType::Dgram {
                let (_owner, made) = Owner::handed(builder);
                try_connect(&path, new).unwrap();
                drop(made);
            } else {
                let owner = Owner::listening(builder);
                try_connect(&path, new).unwrap();
                owner.close();
            }
            assert!(!is_there(&path), "{kind} after {dead:?}");
        }
    }
}

#[test]
fn p08_a_second_server_is_refused_and_the_first_goes_on() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut first = Owner::listening(server(&path));
    for _ in 0..100 {
        assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE));
        first.serve(&path);
    }
}

#[test]
fn p08_what_is_no_socket_stays_as_it_is() {
    let folder = Folder::new();
    let dead = folder.at("dead");
    stale(&dead);
    fs::write(folder.at("file"), "precious").unwrap();
    fs::create_dir(folder.at("folder")).unwrap();
    mkfifoat(CWD, folder.at("pipe"), Mode::RWXU).unwrap();
    symlink(&dead, folder.at("link")).unwrap();
    symlink("nothing", folder.at("dangling")).unwrap();
    let names = folder.names();
    for name in ["file", "folder", "pipe", "link", "dangling"] {
        let path = folder.at(name);
        let before = node(&path);
        assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE), "{name}");
        assert_eq!(node(&path), before, "{name}");
    }
    assert_eq!(fs::read_to_string(folder.at("file")).unwrap(), "precious");
    assert_eq!(folder.names(), names);
}

#[test]
fn p08_of_servers_that_start_at_once_over_a_dead_one_exactly_one_starts() {
    const SERVERS: usize = 3;
    let folder = Folder::new();
    let path = folder.at("socket");
    for _ in 0..100 {
        stale(&path);
        let (ready, tried) = (Barrier::new(SERVERS), Barrier::new(SERVERS));
        let start = || {
            ready.wait();
            let mut owner = Owner::new();
            let started = owner.listen(server(&path));
            tried.wait();
            match started {
                Ok(()) => {
                    owner.serve(&path);
                    1
                }
                Err(why) => {
                    assert_eq!(why, (Operation::Bind, EADDRINUSE));
                    0
                }
            }
        };
        let started: usize = thread::scope(|scope| {
            let others = [scope.spawn(start), scope.spawn(start)];
            start() + others.map(|other| other.join().unwrap()).iter().sum::<usize>()
        });
        assert_eq!(started, 1);
        assert!(!is_there(&path));
    }
}

#[test]
fn p08_while_the_folder_is_locked_nothing_is_taken_over() {
    let folder = Folder::new();
    let path = folder.at("socket");
    stale(&path);
    let before = node(&path);
    let keeper = fs::File::open(&folder.path).unwrap();
    for lock in [FlockOperation::LockShared, FlockOperation::LockExclusive] {
        flock(&keeper, lock).unwrap();
        assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE));
        assert_eq!(node(&path), before);
        // What is nobody's needs no lock.
        Owner::listening(server(&folder.at("other"))).close();
    }
    flock(&keeper, FlockOperation::Unlock).unwrap();
    let _owner = Owner::listening(server(&path));
    flock(&keeper, FlockOperation::NonBlockingLockExclusive).expect("it is locked no more");
}

#[test]
fn p08_whatever_fails_of_a_repair_leaves_the_path_in_use() {
    let folder = Folder::new();
    let path = folder.at("socket");
    stale(&path);
    let before = node(&path);
    for call in [Call::Stat, Call::Connect, Call::Unlink] {
        faults::fail_next(call, EIO);
        assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE), "{call:?}");
        assert_eq!(faults::pending(), 0, "{call:?} was called");
        assert_eq!(node(&path), before, "{call:?}");
    }
    Owner::listening(server(&path)).serve(&path);
}

#[test]
fn p09_a_server_whose_queue_is_full_keeps_its_path() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let busy = listening(&path, 0);
    let _client = try_connect(&path, Type::STREAM).unwrap();
    try_connect(&path, Type::STREAM).unwrap_err();
    for (kind, _) in TYPES {
        let builder = server(&path).socket_type(kind);
        assert_eq!(Owner::refused(builder), (Operation::Bind, EADDRINUSE));
    }
    busy.accept().unwrap();
    assert_eq!(busy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn p09_a_living_server_does_not_notice_who_finds_its_path_in_use() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let server_there = listening(&path, 100);
    assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE));
    assert_eq!(server_there.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn p09_a_socket_that_is_bound_is_alive_before_it_listens() {
    let folder = Folder::new();
    for (_, kind) in TYPES {
        let path = folder.at(&format!("{kind:?}"));
        let _socket = bound(&path, kind);
        assert_eq!(Owner::refused(server(&path)), (Operation::Bind, EADDRINUSE), "{kind:?}");
    }
}

#[test]
fn p10_a_path_goes_with_its_listener() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let ends: [fn(Owner); 2] = [Owner::close, drop];
    for end in ends {
        let owner = Owner::listening(server(&path));
        assert!(is_there(&path));
        end(owner);
        assert_eq!(folder.names(), [""; 0]);
    }
}

#[test]
fn p10_a_path_stays_if_that_was_asked_for() {
    let folder = Folder::new();
    let path = folder.at("socket");
    Owner::listening(server(&path).unlink_on_close(false)).close();
    assert!(is_there(&path));
    assert!(try_connect(&path, Type::STREAM).is_err());
    // The next one finds what looks like a dead server's.
    Owner::listening(server(&path)).serve(&path);
    assert!(!is_there(&path));
}

#[test]
fn p10_a_successor_keeps_its_path_when_the_old_server_ends() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut old = Owner::listening(server(&path));
    for _ in 0..1000 {
        fs::remove_file(&path).unwrap();
        let mut new = Owner::listening(server(&path));
        old.close();
        new.serve(&path);
        old = new;
    }
    old.close();
    assert!(!is_there(&path));
}

#[test]
fn p10_a_listener_that_was_dropped_leaves_its_path_to_the_next_of_the_same_handler() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let (first, second) = (server(&path), server(&path));
    let mut rig = Rig::start(move |host, cx| {
        host.build(cx, first);
    });
    rig.act(move |host, cx| {
        host.factories.clear();
        host.build(cx, second);
    });
    assert_eq!(rig.heard(), []);
    let _client = try_connect(&path, Type::STREAM).expect("somebody listens");
    rig.run_until_established(1);
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
    assert!(!is_there(&path));
}

#[test]
fn p10_what_else_has_come_to_the_path_stays() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let comes: [fn(&Path); 4] = [
        |path| fs::write(path, "precious").unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| symlink("nothing", path).unwrap(),
        stale,
    ];
    for come in comes {
        let owner = Owner::listening(server(&path));
        fs::rename(&path, folder.at("moved")).unwrap();
        come(&path);
        let before = node(&path);
        owner.close();
        assert_eq!(node(&path), before);
        assert!(is_there(&folder.at("moved")), "who moves it has it");
        fs::rename(&path, folder.at(&before.to_string())).unwrap();
        fs::remove_file(folder.at("moved")).unwrap();
    }
}

#[test]
fn p10_nobody_minds_a_path_that_is_gone_already() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let owner = Owner::listening(server(&path));
    fs::remove_file(&path).unwrap();
    owner.close();
    let owner = Owner::listening(server(&path));
    fs::remove_dir_all(&folder.path).unwrap();
    fs::create_dir(&folder.path).unwrap();
    let _successor = UnixListener::bind(&path).unwrap();
    owner.close();
    UnixStream::connect(&path).unwrap();
}

#[test]
fn p10_a_folder_that_was_renamed_loses_its_path_all_the_same() {
    let folder = Folder::new();
    let [old, new] = ["old", "new"].map(|name| folder.at(name));
    fs::create_dir(&old).unwrap();
    let owner = Owner::listening(server(&old.join("socket")));
    fs::rename(&old, &new).unwrap();
    fs::create_dir(&old).unwrap();
    stale(&old.join("socket"));
    owner.close();
    assert!(!is_there(&new.join("socket")));
    assert!(is_there(&old.join("socket")));
}

#[test]
fn p10_a_datagram_sockets_path_goes_with_the_socket() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let builder = SocketFactory::datagram(&*path).mode(0o600);
    let (owner, made) = Owner::handed(builder.clone());
    assert_eq!(mode(&path), 0o600);
    assert_eq!(Owner::refused(builder), (Operation::Bind, EADDRINUSE));
    drop(owner);
    UnixDatagram::unbound().unwrap().send_to(b"hello", &path).unwrap();
    drop(made);
    assert!(!is_there(&path));
}

#[test]
fn p10_the_near_path_of_a_connection_goes_with_it() {
    let folder = Folder::new();
    let [near, far] = ["near", "far"].map(|name| folder.at(name));
    let mut server = Owner::listening(server(&far));
    let client = SocketFactory::unix_connect(&far).bind_address(&*near).mode(0o600);
    let (_client, made) = Owner::handed(client);
    assert_eq!(mode(&near), 0o600);
    assert_eq!(server.wait().peer.path(), Some(&*near));
    drop(made);
    assert!(!is_there(&near));
}

#[test]
fn p11_the_heir_of_a_dead_server_has_its_own_mode() {
    let folder = Folder::new();
    let path = folder.at("socket");
    stale(&path);
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let _owner = Owner::listening(server(&path).mode(0o600));
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn p11_a_mode_of_more_than_rights_is_refused() {
    let folder = Folder::new();
    for wrong in [0o1000, 0o4755, u32::MAX] {
        let builder = server(&folder.at("socket")).mode(wrong);
        assert_eq!(Owner::refused(builder), (Operation::Bind, EINVAL));
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn p57_a_path_of_107_bytes_is_the_longest() {
    let folder = Folder::new();
    let room = 107 - folder.at("").as_os_str().len();
    let longest = folder.at(&"x".repeat(room));
    assert_eq!(longest.as_os_str().len(), 107);
    let mut owner = Owner::listening(server(&longest));
    owner.serve(&longest);
    assert_eq!(folder.names(), ["x".repeat(room)]);
    owner.close();

    let longer = folder.at(&"x".repeat(room + 1));
    assert_eq!(Owner::refused(server(&longer)), (Operation::PackSockaddrUn, ENAMETOOLONG));
    // Too long is told first, whatever else is wrong.
    let longer = folder.at("nowhere").join("x".repeat(100));
    assert_eq!(Owner::refused(server(&longer)), (Operation::PackSockaddrUn, ENAMETOOLONG));
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_path_that_leads_nowhere_is_refused() {
    let folder = Folder::new();
    fs::write(folder.at("file"), "").unwrap();
    stale(&folder.at("dead"));
    let cases = [
        (folder.at("nowhere/socket"), Operation::Bind, ENOENT),
        (folder.at("file/socket"), Operation::Bind, ENOTDIR),
        (folder.at("zero\0byte"), Operation::PackSockaddrUn, EINVAL),
        (folder.at("new/"), Operation::Bind, ENOENT),
        (folder.at("dead/"), Operation::Bind, EADDRINUSE),
        (folder.at("dead/."), Operation::Bind, ENOTDIR),
        (folder.at(".."), Operation::Bind, EADDRINUSE),
        ("/".into(), Operation::Bind, EADDRINUSE),
    ];
    for (path, operation, errnum) in cases {
        assert_eq!(Owner::refused(server(&path)), (operation, errnum), "{path:?}");
    }
    assert_eq!(folder.names(), ["dead", "file"]);
}

#[test]
fn each_call_that_fails_is_told_and_leaves_no_path() {
    let folder = Folder::new();
    let path = folder.at("socket");
    for call in [Call::Fchmod, Call::Open, Call::Bind, Call::Listen] {
        faults::fail_next(call, EIO);
        let operation = if call == Call::Listen { Operation::Listen } else { Operation::Bind };
        assert_eq!(Owner::refused(server(&path).mode(0o600)), (operation, EIO), "{call:?}");
        assert_eq!(faults::pending(), 0, "{call:?} was called");
        assert_eq!(folder.names(), [""; 0], "{call:?}");
    }
}
