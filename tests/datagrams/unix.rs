//! UNIX datagrams: their senders, and receivers that do not read.

use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram};
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use wheels::faults::{self, Call};
use wheels::{Address, Datagram, Sent, Socket, UnixAddress};

use crate::support::{Heard, Rig};

/// A directory for sockets, removed with what is in it.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("datagrams-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Nobody minds what a test leaves there.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn patient(socket: UnixDatagram) -> UnixDatagram {
    socket.set_read_timeout(Some(testkit::net::PATIENCE)).unwrap();
    socket
}

fn unix(path: PathBuf) -> Address {
    Address::Unix(UnixAddress::from(path))
}

fn next(socket: &UnixDatagram) -> Vec<u8> {
    let mut buffer = [0; 100];
    let len = socket.recv(&mut buffer).unwrap();
    buffer[..len].to_vec()
}

#[test]
fn a_sender_is_known_by_its_path_or_its_name_or_not_at_all() {
    let place = Directory::new("senders");
    let mut rig = Rig::with(UnixDatagram::bind(place.path("server")).unwrap());
    let named = UnixDatagram::bind(place.path("client")).unwrap();
    named.send_to(b"path", place.path("server")).unwrap();
    UnixDatagram::unbound().unwrap().send_to(b"", place.path("server")).unwrap();
    rig.run_until_messages(2);
    let from: Vec<_> = rig.messages().into_iter().map(|message| message.from).collect();
    assert_eq!(from, [unix(place.path("client")), Address::Unix(UnixAddress::Unnamed)]);
    rig.end();
}

#[test]
fn an_abstract_name_is_answered() {
    use std::os::linux::net::SocketAddrExt;
    let place = Directory::new("abstract");
    let mut rig = Rig::with(UnixDatagram::bind(place.path("server")).unwrap());
    rig.act(|host, _| host.echoes = true);
    let name = format!("datagrams-{}", std::process::id());
    let client = UnixDatagram::bind_addr(&UnixAddr::from_abstract_name(&name).unwrap());
    let client = patient(client.unwrap());
    client.send_to(b"hello", place.path("server")).unwrap();
    rig.run_until_hears(&Heard::Flushed);
    let name = UnixAddress::Abstract(name.as_bytes().into());
    assert_eq!(rig.messages()[0].from, Address::Unix(name));
    assert_eq!(next(&client), b"hello");
    rig.end();
}

#[test]
fn p46_a_receiver_that_does_not_read_holds_up_only_its_own() {
    let place = Directory::new("held");
    let full = patient(UnixDatagram::bind(place.path("full")).unwrap());
    let free = patient(UnixDatagram::bind(place.path("free")).unwrap());
    let mut rig = Rig::with(UnixDatagram::unbound().unwrap());
    let to = unix(place.path("full"));
    rig.act(move |host, cx| {
        for number in 0..600_u16 {
            let payload = number.to_be_bytes().to_vec();
            assert_eq!(host.wheel().send_to(cx, payload, to.clone()), Sent::Queued);
        }
    });
    rig.turn();
    let left = rig.act(|host, cx| host.wheel().unsent(cx));
    assert!(left > 0, "it takes them all");
    let to = unix(place.path("free"));
    rig.act(move |host, cx| host.wheel().send_to(cx, "free", to));
    rig.run_until("the other", |rig| rig.act(move |host, cx| host.wheel().unsent(cx) <= left));
    assert_eq!(next(&free), b"free");

    // And when it reads again, it gets all, in order.
    let reader =
        testkit::net::Peer::play(move || (0..600).map(|_| next(&full)).collect::<Vec<_>>());
    rig.run_until_hears(&Heard::Flushed);
    let came = reader.run(&mut rig.kernel);
    assert!(
        came.iter()
            .enumerate()
            .all(|(place, payload)| { payload[..] == u16::try_from(place).unwrap().to_be_bytes() })
    );
    assert_eq!(rig.failures(), []);
    rig.end();
}

#[test]
fn p46_sending_to_a_receiver_that_has_stopped_costs_nothing_and_counts_the_dropped() {
    let place = Directory::new("stopped");
    let _stopped = UnixDatagram::bind(place.path("stopped")).unwrap();
    let socket = Socket::try_from(UnixDatagram::unbound().unwrap()).unwrap();
    let clock = reactor::Clock::virtual_time();
    let mut rig = Rig::start_on(clock.clone());
    rig.act(|host, cx| host.build(cx, Datagram::builder(socket).most_unsent(100, 10_000)));
    let to = unix(place.path("stopped"));
    let dropped = rig.act(move |host, cx| {
        let sent = (0..10_000).map(|_| host.wheel().send_to(cx, "x", to.clone()));
        sent.filter(|sent| matches!(sent, Sent::Dropped(_))).count() as u64
    });
    rig.turn();
    let (counted, left) = rig.act(|host, cx| (host.wheel().dropped(cx), host.wheel().unsent(cx)));
    assert_eq!((counted, left), (dropped, 100));
    // However often the loop turns, it is tried again only when it is time.
    for _ in 0..2 {
        faults::fail_next(Call::Send, Errno::AGAIN.raw_os_error());
    }
    for (millis, left) in [(0, 2), (64, 1), (64, 0)] {
        clock.advance(Duration::from_millis(millis));
        for _ in 0..20 {
            rig.turn();
        }
        assert_eq!(faults::pending(), left);
    }
    rig.end();
}

#[test]
fn p46_a_connected_sender_waits_until_its_receiver_reads() {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let theirs = patient(theirs);
    let mut rig = Rig::with(ours);
    rig.act(|host, cx| {
        for number in 0..900_u16 {
            host.wheel().send(cx, number.to_be_bytes().to_vec());
        }
    });
    for _ in 0..5 {
        rig.turn();
    }
    assert!(rig.act(|host, cx| host.wheel().unsent(cx)) > 0, "it takes them all");
    let reader = testkit::net::Peer::play(move || (0..900).map(|_| next(&theirs)).collect());
    rig.run_until_hears(&Heard::Flushed);
    let came: Vec<_> = reader.run(&mut rig.kernel);
    let sent = (0..900_u16).map(|number| number.to_be_bytes().to_vec());
    assert!(sent.eq(came));
    rig.end();
}
