//! `wheel_sf_udp`: two datagram sockets of one session send each other's datagrams back, turned by
//! thirteen places, until each has sent ten.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::time::Duration;

use reactor::{Clock, Context, Event, Kernel, Selected, States, Watch};
use testkit::net;
use wheels::{Established, Failure, SocketFactory};

const MADE: Event<Established> = Event::new("made");
const FAILED: Event<Failure> = Event::new("failed");
const READABLE: Event<Selected> = Event::new("readable");

const EACH: u32 = 10;

#[derive(Default)]
struct Pair {
    factories: Vec<SocketFactory>,
    ends: Vec<End>,
}

struct End {
    socket: Watch<UdpSocket>,
    sent: u32,
}

impl Pair {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for _ in 0..2 {
            let factory = SocketFactory::builder()
                .bind_address("127.0.0.1")
                .bind_port(0)
                .socket_protocol("udp")
                .reuse(true)
                .build(cx, &MADE, &FAILED);
            self.factories.push(factory);
        }
    }

    fn made(&mut self, cx: &mut Context<'_>, made: Established) {
        // Each deletes its wheel in its own event.
        self.factories.retain(|factory| factory.id() != made.wheel);
        let socket = UdpSocket::from(OwnedFd::from(made.socket));
        let to = socket.local_addr().expect("it is bound");
        let socket = cx.select_read(socket, &READABLE).expect("a socket can be watched");
        self.ends.push(End { socket, sent: 0 });
        // Whichever comes second begins.
        if let [first, second] = &mut self.ends[..] {
            let first = first.socket.local_addr().expect("it is bound");
            assert_ne!(first, to, "reuse does not give both the same port");
            second.socket.send_to(b"Hello, UDP", first).expect("there is room");
            second.sent = 1;
        }
    }

    fn readable(&mut self, cx: &mut Context<'_>, Selected { watch, .. }: Selected) {
        let end = self.ends.iter_mut().find(|end| end.socket.id() == watch).expect("one of two");
        let mut bytes = [0; 1500];
        let (length, peer) = end.socket.recv_from(&mut bytes).expect("what was told is there");
        let bytes = &mut bytes[..length];
        assert!([&b"Hello, UDP"[..], b"Uryyb, HQC"].contains(&&*bytes), "{bytes:?}");
        if end.sent == EACH {
            cx.delay("done", Duration::from_millis(500), ());
            return;
        }
        bytes.iter_mut().for_each(turn);
        assert_eq!(end.socket.send_to(bytes, peer).expect("there is room"), length);
        end.sent += 1;
    }

    fn done(&mut self, _: &mut Context<'_>, (): ()) {
        assert!(self.factories.is_empty());
        let sent: Vec<u32> = self.ends.drain(..).map(|end| end.sent).collect();
        assert_eq!(sent, [EACH; 2]);
    }
}

fn turn(byte: &mut u8) {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => *byte += 13,
        b'n'..=b'z' | b'N'..=b'Z' => *byte -= 13,
        _ => {}
    }
}

#[test]
fn wheel_sf_udp() {
    let states = States::new()
        .on_start(Pair::start)
        .on(&MADE, Pair::made)
        .on(&FAILED, |_: &mut Pair, _: &mut Context<'_>, failure: Failure| panic!("{failure}"))
        .on(&READABLE, Pair::readable)
        .on("done", Pair::done);
    let mut kernel = Kernel::builder().clock(Clock::system()).build().expect("a kernel");
    kernel.spawn(&states, Pair::default());
    net::run_to_end(&mut kernel);
    assert_eq!((kernel.stats().timers, kernel.stats().failures), (1, 0));
}
