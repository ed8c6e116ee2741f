//! Names of UNIX sockets that are in no file system, and peers that have none.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use testkit::unix::{Folder, Owner};
use wheels::{Address, Operation, Socket, SocketFactory, UnixAddress};

use crate::bad_parameters::EADDRINUSE;

const ENAMETOOLONG: i32 = 36;
const UNNAMED: Address = Address::Unix(UnixAddress::Unnamed);

/// A name that nobody else has.
fn name(rest: &[u8]) -> Vec<u8> {
    let folder = Folder::new();
    [folder.path.as_os_str().as_encoded_bytes(), rest].concat()
}

fn connect(name: &[u8]) -> std::io::Result<UnixStream> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap())
}

#[test]
fn p56_an_abstract_name_is_all_of_its_bytes_and_no_more() {
    let names = [&b""[..], b"\0", b"\0\0", b" and \0 more", b"\xff\xfe"].map(name);
    let mut owners = names.clone().map(|name| {
        Owner::listening(SocketFactory::builder().bind_address(UnixAddress::Abstract(name)))
    });
    for (owner, name) in owners.iter_mut().zip(&names) {
        let client = connect(name).unwrap();
        let made = owner.wait();
        let here = Address::from(UnixAddress::Abstract(name.clone()));
        assert_eq!(made.socket.local_addr().unwrap(), here);
        assert_eq!(client.peer_addr().unwrap().as_abstract_name(), Some(&name[..]));
        let longer = [&name[..], b"\0"].concat();
        if !names.contains(&longer) {
            assert_eq!(connect(&longer).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        }
    }
}

#[test]
fn p56_an_abstract_name_is_written_with_an_at_sign_and_has_no_mode_and_no_path() {
    let folder = Folder::new();
    let text = format!("@{}", folder.at("socket").display());
    let builder = || SocketFactory::unix_listen(&text).mode(0o600);
    let owner = Owner::listening(builder());
    connect(&text.as_bytes()[1..]).unwrap();
    assert_eq!(Owner::refused(builder()), (Operation::Bind, EADDRINUSE));
    assert_eq!(folder.names(), [""; 0]);
    owner.close();
    Owner::listening(builder()).close();
}

#[test]
fn p56_a_factory_connects_to_an_abstract_name() {
    let name = name(b"\0server");
    let listener =
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let far = UnixAddress::Abstract(name);
    let (_owner, made) = Owner::handed(SocketFactory::unix_connect(far.clone()));
    assert_eq!(made.peer, Address::from(far));
    listener.accept().unwrap();
}

#[test]
fn p57_an_abstract_name_of_107_bytes_is_the_longest() {
    let mut longest = name(b"");
    longest.resize(107, b'x');
    let at = |name: &[u8]| SocketFactory::unix_listen(UnixAddress::Abstract(name.to_owned()));
    let _owner = Owner::listening(at(&longest));
    connect(&longest).unwrap();
    longest.push(b'x');
    assert_eq!(Owner::refused(at(&longest)), (Operation::PackSockaddrUn, ENAMETOOLONG));
}

#[test]
fn p58_a_client_without_a_name_is_unnamed_and_has_credentials() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let mut owner = Owner::listening(SocketFactory::unix_listen(&path));
    let client = UnixStream::connect(&path).unwrap();
    let made = owner.wait();
    assert_eq!(made.peer, UNNAMED);
    assert_eq!(made.peer.to_string(), "unnamed");
    assert_eq!(made.socket.peer_addr().unwrap(), UNNAMED);
    let credentials = made.credentials().unwrap();
    assert_eq!(credentials.pid.cast_unsigned(), std::process::id());
    assert_eq!(credentials.uid, rustix::process::geteuid().as_raw());
    drop(client);
}

#[test]
fn p58_both_ends_of_a_pair_are_unnamed() {
    let (a, b) = UnixStream::pair().unwrap();
    for end in [a, b] {
        let socket = Socket::try_from(end).unwrap();
        assert_eq!(socket.local_addr().unwrap(), UNNAMED);
        assert_eq!(socket.peer_addr().unwrap(), UNNAMED);
        let credentials = socket.peer_credentials().unwrap();
        assert_eq!(credentials.pid.cast_unsigned(), std::process::id());
    }
}
