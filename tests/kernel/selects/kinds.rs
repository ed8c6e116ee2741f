//! Descriptors of every kind: datagrams, pipes, half-closed streams, files, urgent data, listeners.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use reactor::{Clock, Context, Kernel, SelectMode, Selected, States, Watch};
use rustix::event::PollFlags;
use rustix::fs::{OFlags, fcntl_getfl};
use socket2::SockRef;
use testkit::net;
use testkit::watching::Scene;

use super::drain;
use crate::parts::pair;

/// POE's `t/30_loops/wheel_sf_udp.t`: two sockets that send each other's datagrams back, rot13.
#[derive(Default)]
struct PingPong {
    ends: Option<[End; 2]>,
}

struct End {
    socket: Watch<UdpSocket>,
    sent: u32,
}

const EACH: u32 = 10;

impl PingPong {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        let [first, second] = ["first", "second"].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
        let to: SocketAddr = second.local_addr().unwrap();
        let ends = [first, second].map(|socket| {
            socket.set_nonblocking(true).unwrap();
            End { socket: cx.select_read(socket, "got_input").unwrap(), sent: 0 }
        });
        ends[0].socket.send_to(b"Hello, UDP", to).unwrap();
        self.ends = Some(ends);
        self.ends.as_mut().unwrap()[0].sent = 1;
    }

    fn got_input(&mut self, cx: &mut Context<'_>, Selected { watch, mode }: Selected) {
        assert_eq!(mode, SelectMode::Read);
        let ends = self.ends.as_mut().expect("nothing comes after the end");
        let end = ends.iter_mut().find(|end| end.socket.id() == watch).expect("one of the two");
        let mut bytes = [0; 1500];
        let (length, peer) = end.socket.recv_from(&mut bytes).expect("what was told is there");
        let bytes = &mut bytes[..length];
        assert!([&b"Hello, UDP"[..], b"Uryyb, HQC"].contains(&&*bytes), "{bytes:?}");
        if end.sent == EACH {
            cx.delay("all_sent", Duration::from_millis(500), ());
            return;
        }
        bytes.iter_mut().for_each(rot13);
        assert_eq!(end.socket.send_to(bytes, peer).unwrap(), length);
        end.sent += 1;
    }

    fn all_sent(&mut self, _: &mut Context<'_>, (): ()) {
        let ends = self.ends.take().expect("it comes once");
        assert_eq!(ends.map(|end| end.sent), [EACH; 2]);
    }
}

fn rot13(byte: &mut u8) {
    let base = match byte {
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        _ => return,
    };
    *byte = (*byte - base + 13) % 26 + base;
}

#[test]
fn wheel_sf_udp() {
    let states = States::new()
        .on_start(PingPong::start)
        .on("got_input", PingPong::got_input)
        .on("all_sent", PingPong::all_sent)
        .on_stop(|game: &mut PingPong, _: &mut Context<'_>, ()| assert!(game.ends.is_none()));
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    kernel.spawn(&states, PingPong::default());
    // No timer as a guard: on virtual time it would ring as soon as the system takes a while.
    net::run_to_end(&mut kernel);
}

#[test]
fn a_datagram_left_unread_is_told_again_and_one_read_of_two_leaves_one() {
    let mut scene = Scene::<UdpSocket>::new();
    let [ours, peer] = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    let to = ours.local_addr().unwrap();
    let a = scene.eye("a", move |eye, cx| eye.read(cx, ours, "came"));
    for datagram in [b"one", b"two"] {
        peer.send_to(datagram, to).unwrap();
    }
    let receive = |scene: &mut Scene<UdpSocket>| {
        scene.act(a, |eye, _| {
            let mut bytes = [0; 10];
            let length = eye.watch().recv(&mut bytes).unwrap();
            bytes[..length].to_vec()
        })
    };
    for expected in [b"one", b"two"] {
        scene.await_ready(a, PollFlags::IN);
        for _ in 0..2 {
            scene.turn();
            scene.assert(["a: came read"]);
        }
        assert_eq!(receive(&mut scene), expected);
    }
    scene.turn();
    scene.assert_idle();
    scene.kernel.stop();
}

/// The answer to a datagram that nobody took is an error on the socket that sent it.
#[test]
fn an_error_is_told_as_readiness_and_reading_says_what_it_is() {
    let mut scene = Scene::<UdpSocket>::new();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
    ours.connect(nobody).unwrap();
    scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_expedite(ours, "urgent").unwrap());
        eye.watch().select_read(cx, "came");
        eye.watch().send(b"x").unwrap();
        eye.react(|eye, _, selected| {
            if selected.mode == SelectMode::Expedite {
                let error = eye.watch().recv(&mut [0; 10]).unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
                eye.watches.clear();
            }
        });
    });
    scene.run();
    scene.assert(["a: came read", "a: urgent expedite", "a: _stop"]);
}

#[test]
fn a_pipe_is_read_to_its_end_blocking_as_it_is() {
    let mut scene = Scene::<PipeReader>::new();
    let (reader, mut writer) = std::io::pipe().unwrap();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, reader, "came");
        eye.react(|eye, _, _| {
            let mut bytes = [0; 4];
            let length = (&**eye.watch()).read(&mut bytes).unwrap();
            eye.tell(String::from_utf8_lossy(&bytes[..length]));
            if length == 0 {
                eye.watches.clear();
            }
        });
    });
    scene.turns(2);
    scene.assert_idle();
    writer.write_all(b"sixsix").unwrap();
    scene.turns(3);
    scene.assert(["a: came read", "a: sixs", "a: came read", "a: ix"]);
    scene.assert_idle();
    let flags = scene.act(a, |eye, _| fcntl_getfl(&**eye.watch()).unwrap());
    assert!(!flags.contains(OFlags::NONBLOCK), "p41: it is as it was");
    drop(writer);
    scene.run();
    scene.assert(["a: came read", "a: ", "a: _stop"]);
}

#[test]
fn who_writes_to_a_pipe_that_nobody_reads_is_told_and_finds_out() {
    let mut scene = Scene::<OwnedFd>::new();
    let (reader, writer) = std::io::pipe().unwrap();
    while_not_full(&writer);
    scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_write(writer.into(), "room").unwrap());
        eye.react(|eye, _, _| {
            assert!(rustix::io::write(&**eye.watch(), b"x").is_err());
            eye.watches.clear();
        });
    });
    scene.turns(2);
    scene.assert_idle();
    drop(reader);
    scene.run();
    scene.assert(["a: room write", "a: _stop"]);
}

fn while_not_full(writer: &std::io::PipeWriter) {
    rustix::io::ioctl_fionbio(writer, true).unwrap();
    while (&mut &*writer).write(&[0; 4096]).is_ok() {}
}

#[test]
fn p13_a_half_closed_stream_tells_its_end_by_reading_and_goes_on_writing() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, mut theirs) = pair();
    theirs.write_all(b"request").unwrap();
    theirs.shutdown(Shutdown::Write).unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.react(|eye, cx, selected| match selected.mode {
            SelectMode::Read => {
                eye.tell(drain(&**eye.watch()).len());
                // The end is there to stay: nobody needs to hear of it again.
                eye.watch().select_stop_read(cx);
                eye.watch().select_write(cx, "room");
            }
            SelectMode::Write => {
                (&**eye.watch()).write_all(b"answer").unwrap();
                eye.watches.clear();
            }
            SelectMode::Expedite => unreachable!("it is not watched"),
        });
    });
    scene.run();
    scene.assert(["a: came read", "a: 7", "a: room write", "a: _stop"]);
    assert_eq!(drain(&theirs), b"answer");
}

#[test]
fn p29_an_end_that_nobody_reads_is_told_in_each_turn_until_the_watch_is_paused() {
    let mut scene = Scene::<UnixStream>::new();
    let (ours, theirs) = pair();
    let a = scene.eye("a", move |eye, cx| {
        eye.read(cx, ours, "came");
        eye.watch().select_write(cx, "room");
        eye.watch().select_expedite(cx, "urgent");
    });
    drop(theirs);
    for _ in 0..3 {
        scene.turn();
        scene.assert(["a: came read", "a: room write", "a: urgent expedite"]);
    }
    scene.act(a, |eye, cx| {
        eye.watch().select_pause_read(cx);
        eye.watch().select_pause_write(cx);
        eye.watch().select_stop_expedite(cx);
    });
    scene.turns(2);
    scene.assert_idle();
    scene.act(a, |eye, cx| eye.watch().select_resume_write(cx));
    scene.turn();
    scene.assert(["a: room write"]);
    scene.kernel.stop();
}

#[test]
fn p40_a_file_and_dev_null_are_always_ready_and_others_have_their_turn() {
    let mut scene = Scene::<File>::new();
    let own = std::env::current_exe().unwrap();
    for path in [own.as_path(), Path::new("/dev/null")] {
        let file = File::open(path).unwrap();
        let a = scene.eye("a", move |eye, cx| {
            eye.read(cx, file, "came");
            eye.watch().select_write(cx, "room");
            eye.watch().select_expedite(cx, "never");
            cx.delay("end", Duration::from_secs(1), ());
        });
        scene.clock.advance(Duration::from_secs(1));
        // One event for each mode, and the timer that is due has its turn as well.
        scene.turn();
        scene.assert(["a: came read", "a: room write", "a: end"]);
        scene.act(a, |_, cx| cx.yield_("posted", ()));
        scene.turn();
        scene.assert(["a: came read", "a: room write", "a: posted"]);
        scene.act(a, |eye, cx| {
            assert!(eye.watch().select_pause_read(cx));
            assert!(eye.watch().select_pause_write(cx));
        });
        scene.turn();
        scene.assert_idle();
        scene.act(a, |eye, cx| eye.watch().select_resume_read(cx));
        scene.turn();
        scene.assert(["a: came read"]);
        scene.act(a, |eye, _| eye.watches.clear());
        scene.turn();
        scene.assert(["a: _stop"]);
    }
    scene.run();
}

#[test]
fn p40_a_file_is_read_to_its_end_which_is_told_too() {
    let mut scene = Scene::<File>::new();
    let path = std::env::current_exe().unwrap();
    let size = usize::try_from(path.metadata().unwrap().len()).unwrap();
    scene.eye("a", move |eye, cx| {
        eye.read(cx, File::open(path).unwrap(), "came");
        let (mut bytes, mut read) = (vec![0; 1 << 20], 0);
        eye.react(move |eye, _, _| match (&**eye.watch()).read(&mut bytes).unwrap() {
            0 => {
                assert_eq!(read, size);
                eye.watches.clear();
            }
            length => read += length,
        });
    });
    scene.run();
    assert_eq!(scene.story.take().last().unwrap(), "a: _stop");
}

#[test]
fn urgent_data_is_told_after_reading_and_writing_and_until_it_is_read() {
    let (listener, addr) = net::listener();
    let mut client = net::connect(addr);
    let server = net::accept(&listener);
    server.set_nonblocking(true).unwrap();
    let mut scene = Scene::<TcpStream>::new();
    let a = scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_expedite(server, "urgent").unwrap());
        eye.watch().select_write(cx, "room");
        eye.watch().select_read(cx, "came");
    });
    client.write_all(b"before").unwrap();
    SockRef::from(&client).send_out_of_band(b"!").unwrap();
    scene.await_ready(a, PollFlags::PRI);
    for _ in 0..2 {
        scene.turn();
        scene.assert(["a: came read", "a: room write", "a: urgent expedite"]);
    }
    scene.act(a, |eye, cx| {
        let mut byte = [MaybeUninit::new(0)];
        assert_eq!(SockRef::from(&**eye.watch()).recv_out_of_band(&mut byte).unwrap(), 1);
        assert_eq!(drain(&**eye.watch()), b"before");
        eye.watch().select_stop_write(cx);
    });
    scene.turn();
    scene.assert_idle();
    SockRef::from(&client).send_out_of_band(b"?").unwrap();
    scene.await_ready(a, PollFlags::PRI);
    scene.turn();
    scene.assert(["a: urgent expedite"]);
    scene.kernel.stop();
}

/// What a session needs that accepts by itself, with an accept for each event.
#[test]
fn a_listener_tells_of_each_connection_that_waits() {
    let mut scene = Scene::<TcpListener>::new();
    let (listener, addr) = net::listener();
    let clients = net::connect_all(addr, 3);
    scene.eye("a", move |eye, cx| {
        eye.read(cx, listener, "client");
        let mut left = clients;
        eye.react(move |eye, _, _| {
            let (_, peer) = eye.watch().accept().expect("what was told is there");
            left.retain(|client| client.local_addr().unwrap() != peer);
            if left.is_empty() {
                eye.watches.clear();
            }
        });
    });
    scene.run();
    scene.assert(["a: client read", "a: client read", "a: client read", "a: _stop"]);
}

/// A connect that is under way is writable when it has come to its end, good or bad.
#[test]
fn a_connect_is_told_as_writable() {
    let mut scene = Scene::<TcpStream>::new();
    let (listener, addr) = net::listener();
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_nonblocking(true).unwrap();
    let begun = socket.connect(&addr.into());
    assert!(begun.is_ok() || begun.is_err_and(|error| error.raw_os_error() == Some(115)));
    scene.eye("a", move |eye, cx| {
        eye.watches.push(cx.select_write(socket.into(), "made").unwrap());
        eye.react(move |eye, _, _| {
            assert_eq!(eye.watch().peer_addr().unwrap(), addr);
            assert!(eye.watch().take_error().unwrap().is_none());
            eye.watches.clear();
        });
    });
    scene.run();
    scene.assert(["a: made write", "a: _stop"]);
    drop(listener);
}
