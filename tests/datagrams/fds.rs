//! Row 28: descriptors that travel with messages.

use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use rustix::io::{Errno, FdFlags, fcntl_getfd};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, sendto, socket_with, socketpair,
};
use wheels::faults::{self, Call};
use wheels::{Address, Datagram, Operation, Sent, Socket, UnixAddress};

use crate::support::{END, FLUSHED, Heard, Rig, udp};
use crate::unix::Directory;

const KINDS: [SocketType; 2] = [SocketType::DGRAM, SocketType::SEQPACKET];

fn pair(kind: SocketType) -> [Socket; 2] {
    let (one, other) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    [one, other].map(|fd| fd.try_into().unwrap())
}

/// A wheel that sends to another, which receives descriptors.
fn wheels(kind: SocketType) -> Rig {
    let mut rig = Rig::start();
    let [from, to] = pair(kind);
    rig.act(|host, cx| {
        host.build(cx, Datagram::builder(from).flushed_event(&FLUSHED));
        host.build(cx, Datagram::builder(to).receive_fds());
    });
    rig
}

/// An end of a pipe to send, and one that ends when all copies of it are closed.
fn witness() -> (OwnedFd, PipeReader) {
    let (reader, writer) = pipe().unwrap();
    (writer.into(), reader)
}

fn copies(count: usize) -> Vec<OwnedFd> {
    (0..count).map(|_| File::open("/dev/null").unwrap().into()).collect()
}

fn send(rig: &mut Rig, payload: &'static [u8], fds: Vec<OwnedFd>) {
    let sent = rig.act(move |host, cx| host.wheel().send_fds(cx, payload, fds));
    assert!(matches!(sent, Sent::Queued), "{sent:?}");
}

fn said(mut reader: PipeReader) -> String {
    let mut said = String::new();
    reader.read_to_string(&mut said).unwrap();
    said
}

fn is_message(heard: &Heard, payload: &[u8], fds: (usize, bool)) -> bool {
    matches!(heard, Heard::Message(note) if note.payload == payload && note.fds == fds)
}

#[test]
fn p28_a_descriptor_arrives_works_is_closed_on_exec_and_the_senders_is_closed() {
    for kind in KINDS {
        let mut rig = wheels(kind);
        let (writer, reader) = witness();
        send(&mut rig, b"take it", vec![writer]);
        rig.run_until_messages(1);
        assert_eq!((&rig.payloads()[0][..], rig.messages()[0].fds), (&b"take it"[..], (1, false)));
        let fd = rig.act(|host, _| host.fds.remove(0));
        assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
        File::from(fd).write_all(b"hello").unwrap();
        assert_eq!(said(reader), "hello");
        rig.end();
    }
}

#[test]
fn p28_messages_with_and_without_descriptors_keep_their_order() {
    for kind in KINDS {
        let mut rig = wheels(kind);
        for number in 0..200_u8 {
            let fds = copies(usize::from(number % 3));
            let sent = rig.act(move |host, cx| {
                host.wheel().send_fds(cx, vec![number; 1 + usize::from(number)], fds)
            });
            assert!(matches!(sent, Sent::Queued), "{sent:?}");
        }
        rig.run_until_messages(200);
        let told: Vec<_> =
            rig.messages().iter().map(|note| (note.payload[0], note.length, note.fds)).collect();
        let sent = |number: u8| (number, 1 + usize::from(number), (usize::from(number % 3), false));
        assert_eq!(told, (0..200).map(sent).collect::<Vec<_>>());
        assert_eq!(rig.failures(), []);
        rig.end();
    }
}

#[test]
fn p28_who_does_not_read_gets_its_descriptors_later_and_in_order() {
    let place = Directory::new("fds-slow");
    let slow = UnixDatagram::bind(place.path("slow")).unwrap();
    let mut rig = Rig::start();
    let to = Address::Unix(UnixAddress::from(place.path("slow")));
    rig.act(move |host, cx| {
        let socket = Socket::try_from(UnixDatagram::unbound().unwrap()).unwrap();
        host.build(cx, Datagram::builder(socket).flushed_event(&FLUSHED));
        for number in 0..100_u8 {
            let sent = host.wheel().send_fds_to(cx, vec![number], copies(2), to.clone());
            assert!(matches!(sent, Sent::Queued), "{sent:?}");
        }
    });
    rig.turn();
    assert_eq!(rig.heard(), []);
    let receives = Datagram::builder(slow.try_into().unwrap()).receive_fds();
    rig.act(|host, cx| host.build(cx, receives));
    rig.run_until_messages(100);
    let told: Vec<_> = rig.messages().iter().map(|note| (note.payload[0], note.fds)).collect();
    assert_eq!(told, (0..100).map(|number| (number, (2, false))).collect::<Vec<_>>());
    rig.end();
}

#[test]
fn p28_who_does_not_ask_for_descriptors_gets_the_message_and_is_told() {
    for (kind, payload) in [(KINDS[0], &b"take it"[..]), (KINDS[1], b"take it"), (KINDS[1], b"")] {
        let mut rig = Rig::start();
        let [from, to] = pair(kind);
        rig.act(|host, cx| {
            host.build(cx, Datagram::builder(from));
            host.build(cx, Datagram::builder(to));
        });
        let (writer, reader) = witness();
        send(&mut rig, payload, vec![writer]);
        rig.send(b"and on");
        rig.run_until_messages(2);
        assert!(is_message(&rig.heard()[0], payload, (0, true)), "{:?}", rig.heard());
        assert!(is_message(&rig.heard()[1], b"and on", (0, false)), "{:?}", rig.heard());
        assert_eq!(said(reader), "", "nobody has it");
        rig.end();
    }
}

#[test]
fn p28_an_empty_message_may_carry_descriptors_and_is_not_the_end() {
    let mut rig = wheels(SocketType::SEQPACKET);
    for payload in [&b""[..], b"", b"word"] {
        rig.send(payload);
    }
    send(&mut rig, b"", copies(1));
    send(&mut rig, b"", Vec::new());
    send(&mut rig, b"", copies(2));
    rig.run_until_hears(&Heard::Flushed);
    rig.act(|host, _| drop(host.wheels.remove(0)));
    rig.run_until_hears(&END);
    let told: Vec<_> = rig.messages().iter().map(|note| (note.length, note.fds.0)).collect();
    assert_eq!(told, [(0, 0), (0, 0), (4, 0), (0, 1), (0, 0), (0, 2)]);
    assert_eq!(rig.heard().iter().filter(|heard| **heard == END).count(), 1);
    rig.end();
}

#[test]
fn p24_a_word_behind_empty_messages_comes_though_a_turn_ends_between_them() {
    let mut rig = Rig::start();
    let [from, to] = pair(SocketType::SEQPACKET);
    rig.act(|host, cx| {
        host.build(cx, Datagram::builder(from).flushed_event(&FLUSHED));
        host.build(cx, Datagram::builder(to));
        host.wheels[1].pause_input(cx);
        (0..58).for_each(|_| drop(host.wheel().send(cx, "word")));
        (0..8).for_each(|_| drop(host.wheel().send(cx, "")));
        drop(host.wheel().send(cx, "last"));
    });
    rig.run_until_hears(&Heard::Flushed);
    rig.act(|host, cx| {
        drop(host.wheels.remove(0));
        host.wheel().resume_input(cx);
    });
    rig.run_until_hears(&END);
    assert_eq!(rig.payloads().len(), 67);
    rig.end();
}

#[test]
fn p28_of_descriptors_a_message_carries_253_and_one_more_is_a_failure() {
    for kind in KINDS {
        let mut rig = wheels(kind);
        send(&mut rig, b"full", copies(253));
        rig.run_until_messages(1);
        rig.act(|host, _| host.fds.clear());
        for (count, failures) in [(254, 1), (300, 2)] {
            let (writer, reader) = witness();
            let mut fds = copies(count - 1);
            fds.push(writer);
            send(&mut rig, b"fuller", fds);
            rig.run_until("a failure", |rig| rig.failures().len() == failures);
            assert_eq!(said(reader), "", "all are closed");
        }
        send(&mut rig, b"good", copies(1));
        rig.run_until_messages(2);
        let told: Vec<_> = rig.messages().iter().map(|note| note.fds).collect();
        assert_eq!(told, [(253, false), (1, false)]);
        let failed = Heard::Failed(Operation::Write, Errno::INVAL.raw_os_error(), 6);
        assert_eq!(rig.heard().iter().filter(|heard| **heard == failed).count(), 2);
        rig.end();
    }
}

#[test]
fn p28_on_sockets_of_other_families_descriptors_are_a_failure_of_their_message() {
    let peer = udp();
    let socket = udp();
    socket.connect(peer.local_addr().unwrap()).unwrap();
    let mut rig = Rig::with_built(Datagram::builder(socket.try_into().unwrap()).receive_fds());
    let (writer, reader) = witness();
    send(&mut rig, b"take it", vec![writer]);
    rig.send(b"and on");
    rig.run_until_heard(1);
    let unsupported = Errno::OPNOTSUPP.raw_os_error();
    assert_eq!(rig.heard(), [Heard::Failed(Operation::Write, unsupported, 7)]);
    assert_eq!(said(reader), "");
    assert_eq!(crate::support::receive(&peer).0, b"and on");
    peer.send_to(
        b"fine",
        rig.act(|host, cx| host.wheel().local_addr(cx)).unwrap().as_ip().unwrap(),
    )
    .unwrap();
    rig.run_until_messages(1);
    assert!(is_message(&rig.heard()[1], b"fine", (0, false)));
    rig.end();
}

#[test]
fn p28_what_cannot_wait_comes_back_with_its_descriptors_and_what_waits_goes_with_the_wheel() {
    for kind in KINDS {
        let mut rig = Rig::start();
        let [from, _silent] = pair(kind);
        rig.act(|host, cx| host.build(cx, Datagram::builder(from).most_unsent(4, 1024)));
        let (writer, reader) = witness();
        let (payload, fds) = rig.act(move |host, cx| {
            for _ in 0..10_000 {
                let fds = [writer.try_clone().unwrap()];
                if let Sent::Dropped(back) = host.wheel().send_fds(cx, vec![7; 100], fds) {
                    return back;
                }
            }
            panic!("nobody reads, and it takes ten thousand");
        });
        assert_eq!((payload.len(), fds.len()), (100, 1));
        drop((fds, _silent));
        rig.act(|host, _| host.wheels.clear());
        rig.turn();
        assert_eq!(said(reader), "");
        rig.end();
    }
}

#[test]
fn p28_too_many_descriptors_on_their_way_are_waited_for() {
    let mut rig = wheels(SocketType::SEQPACKET);
    rig.act(|host, cx| {
        faults::fail_next(Call::Send, Errno::TOOMANYREFS.raw_os_error());
        host.wheel().send_fds(cx, "patience", copies(1))
    });
    rig.run_until_messages(1);
    assert_eq!((rig.failures(), faults::pending()), (vec![], 0));
    rig.end();
}

#[test]
fn p28_senders_of_descriptors_have_names_as_others_have() {
    use std::os::linux::net::SocketAddrExt;
    let place = Directory::new("fds-names");
    let server = UnixDatagram::bind(place.path("server")).unwrap();
    let mut rig = Rig::with_built(Datagram::builder(server.try_into().unwrap()).receive_fds());
    let name = format!("fds-{}", std::process::id());
    let abstract_name =
        std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a short name");
    let senders = [
        UnixDatagram::bind(place.path("client")).unwrap(),
        UnixDatagram::bind_addr(&abstract_name).unwrap(),
        UnixDatagram::unbound().unwrap(),
    ];
    for sender in senders {
        sender.send_to(b"hello", place.path("server")).unwrap();
    }
    rig.run_until_messages(3);
    let from: Vec<_> = rig.messages().into_iter().map(|note| note.from).collect();
    let expected = [
        UnixAddress::from(place.path("client")),
        UnixAddress::Abstract(name.as_bytes().into()),
        UnixAddress::Unnamed,
    ];
    assert_eq!(from, expected.map(Address::Unix));
    rig.end();
}

#[test]
fn p28_a_sender_whose_path_fills_all_there_is_for_it_is_heard() {
    let place = Directory::new("fds-longest");
    let server = UnixDatagram::bind(place.path("server")).unwrap();
    let mut rig = Rig::with_built(Datagram::builder(server.try_into().unwrap()).receive_fds());
    for length in [107, 108] {
        let mut path = place.path("x").into_os_string().into_string().unwrap();
        path.extend(std::iter::repeat_n('x', length - path.len()));
        let sender =
            socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        bind(&sender, &SocketAddrUnix::new(path).unwrap()).unwrap();
        let to = SocketAddrUnix::new(place.path("server")).unwrap();
        sendto(&sender, b"hello", rustix::net::SendFlags::empty(), &to).unwrap();
    }
    rig.run_until_messages(2);
    let named = |note: &crate::support::Note| note.from != Address::Unix(UnixAddress::Unnamed);
    assert_eq!(rig.messages().iter().map(named).collect::<Vec<_>>(), [true, false]);
    rig.end();
}
