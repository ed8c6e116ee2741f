//! Messages, with and without descriptors.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use bytes::Bytes;
use reactor::Kernel;
use testkit::unix::Folder;
use wheels::{Address, Datagram, Socket, SocketFactory};

use crate::actor::Heard;
use crate::stage::Stage;

fn bound(stage: &Stage) -> Option<(Socket, Address)> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bind");
    let addr = socket.local_addr().expect("local address").into();
    Some((stage.socket(socket)?, addr))
}

/// One sends, the other tells so many that come, or what is wrong.
fn from_here_to_there(
    stage: &Stage,
    kernel: &mut Kernel,
    (here, there): (Socket, Socket),
    to: Option<Address>,
    texts: Vec<Bytes>,
) {
    let mut left = texts.len();
    stage.actor(
        kernel,
        "receives",
        move |actor, cx| {
            actor.messages(cx, there);
        },
        move |actor, cx, heard| {
            match heard {
                Heard::Message(_) => left -= 1,
                Heard::Failed(failure) if actor.datagram(failure.wheel).is_some() => {}
                _ => {}
            }
            if left == 0 {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        kernel,
        "sends",
        move |actor, cx| {
            let wheel = actor.messages(cx, here);
            let Some(wheel) = actor.datagram(wheel) else { return };
            for text in texts {
                match &to {
                    Some(to) => drop(wheel.send_to(cx, text, to.clone())),
                    None => drop(wheel.send(cx, text)),
                }
            }
        },
        |actor, cx, heard| {
            if let Heard::Flushed = heard {
                actor.teller.tell("sent");
                actor.end(cx);
            }
        },
    );
}

fn words() -> Vec<Bytes> {
    ["one", "", "three"].map(Bytes::from).to_vec()
}

pub(crate) fn udp(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((here, _)) = bound(stage) else { return };
    let Some((there, addr)) = bound(stage) else { return };
    from_here_to_there(stage, &mut kernel, (here, there), Some(addr), words());
    stage.run(kernel);
}

/// The factory makes the socket.
pub(crate) fn udp_connected(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((there, addr)) = bound(stage) else { return };
    stage.actor(
        &mut kernel,
        "receives",
        move |actor, cx| {
            actor.messages(cx, there);
        },
        |actor, cx, heard| {
            if let Heard::Message(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "sends",
        move |actor, cx| {
            let addr = addr.as_ip().expect("an IP address");
            let builder = SocketFactory::connect(addr).socket_type(wheels::SocketType::Dgram);
            actor.factory(cx, builder);
        },
        |actor, cx, heard| match heard {
            Heard::Made(made) => {
                let wheel = actor.messages(cx, made.socket);
                actor.close_factory();
                actor.put(cx, wheel, "hello");
            }
            Heard::Flushed | Heard::Failed(_) => actor.end(cx),
            _ => {}
        },
    );
    stage.run(kernel);
}

/// Some of one length, which the system cuts itself, some not, more than fit into one call.
pub(crate) fn udp_batches(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((here, _)) = bound(stage) else { return };
    let Some((there, addr)) = bound(stage) else { return };
    let alike = (0..40).map(|number| Bytes::from(format!("message {number:04}")));
    let others = (0..40).map(|number| Bytes::from("m".repeat(1 + number)));
    let texts = alike.chain(others).collect();
    from_here_to_there(stage, &mut kernel, (here, there), Some(addr), texts);
    stage.run(kernel);
}

fn unix_pair(stage: &Stage) -> Option<(Socket, Socket)> {
    let (here, there) = UnixDatagram::pair().expect("a pair");
    Some((stage.socket(here)?, stage.socket(there)?))
}

pub(crate) fn unix_datagrams(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some(pair) = unix_pair(stage) else { return };
    from_here_to_there(stage, &mut kernel, pair, None, words());
    stage.run(kernel);
}

pub(crate) fn pass_descriptors(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((here, there)) = unix_pair(stage) else { return };
    let mut left = 2;
    stage.actor(
        &mut kernel,
        "receives",
        move |actor, cx| {
            actor.messages_with(cx, Datagram::builder(there).receive_fds());
        },
        move |actor, cx, heard| {
            if let Heard::Message(_) = heard {
                left -= 1;
            }
            if left == 0 {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "sends",
        move |actor, cx| {
            let wheel = actor.messages(cx, here);
            let Some(wheel) = actor.datagram(wheel) else { return };
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(wheel.send_fds(cx, "two", [OwnedFd::from(reader), writer.into()]));
            drop(wheel.send(cx, "none"));
        },
        |actor, cx, heard| {
            if let Heard::Flushed = heard {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// Messages over a connection, which ends.
pub(crate) fn messages_of_a_connection(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let pair = socket2::Socket::pair(socket2::Domain::UNIX, socket2::Type::SEQPACKET, None);
    let (here, there) = pair.expect("a pair");
    let Some(here) = stage.socket(here) else { return };
    let Some(there) = stage.socket(there) else { return };
    stage.actor(
        &mut kernel,
        "receives",
        move |actor, cx| {
            actor.messages(cx, there);
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "sends",
        move |actor, cx| {
            let wheel = actor.messages(cx, here);
            ["one", "two"].into_iter().for_each(|text| actor.put(cx, wheel, text));
        },
        |actor, cx, heard| {
            if let Heard::Flushed | Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// The receiver's queue is full, and nobody tells when it is not.
pub(crate) fn unix_datagrams_too_many(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let folder = Folder::new();
    let there = UnixDatagram::bind(folder.at("there")).expect("a path");
    let here = UnixDatagram::unbound().expect("a socket");
    let Some(here) = stage.socket(here) else { return };
    let Some(there) = stage.socket(there) else { return };
    let to = wheels::UnixAddress::Path(folder.at("there")).into();
    let texts = (0..40).map(|number| Bytes::from(format!("{number}"))).collect();
    from_here_to_there(stage, &mut kernel, (here, there), Some(to), texts);
    stage.run(kernel);
}
