//! Wheels of every kind, made and dropped at random, at every stage of their lives.

use std::net::{SocketAddr, TcpListener};

use reactor::Context;
use testkit::leak::Descriptors;
use testkit::net::{self, Refusing, Silent};
use testkit::rig::{Host, Rig};
use wheels::{SocketFactory, SocketFactoryBuilder};

const ROUNDS: u32 = 2_000;

pub(crate) fn wheels_dropped_at_any_stage_leave_nothing() {
    let before = Descriptors::note();
    let (listener, accepting) = net::listener();
    listener.set_nonblocking(true).unwrap();
    let (silent, refusing) = (Silent::new(), Refusing::new());
    let targets = [accepting, silent.addr, refusing.addr];
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        for _ in 0..dice.below(4) {
            let throw = dice.next();
            rig.act(move |host, cx| change(host, cx, Dice(throw), &targets));
        }
        for _ in 0..dice.below(3) {
            rig.turn();
        }
        drop_accepted(&listener);
    }
    assert!(!rig.peers().is_empty());
    assert_ne!(rig.failures(), []);

    rig.act(|host, _| {
        host.factories.clear();
        host.streams.clear();
        host.sockets.clear();
    });
    rig.turn();
    assert_eq!(rig.kernel.wheel_count(), 0, "{:?}", rig.kernel);
    rig.kernel.stop();
    rig.run_to_end();
    drop((rig, listener, silent, refusing));
    before.assert_same();
}

/// One change to what the session has.
fn change(host: &mut Host, cx: &mut Context<'_>, mut dice: Dice, targets: &[SocketAddr; 3]) {
    match dice.below(12) {
        0 => drop(host.listen(cx, local())),
        1..4 => drop(host.build(cx, to(targets[dice.below(3)]))),
        4 => drop(host.build(cx, SocketFactory::listen("nowhere"))),
        5 => {
            // To a listener of the session itself.
            if let Some(addr) = host.factories.iter().find_map(|factory| factory.local_addr(cx)) {
                host.build(cx, SocketFactory::connect(addr));
            }
        }
        6..8 => drop(take(&mut host.factories, &mut dice)),
        8 => drop(take(&mut host.sockets, &mut dice)),
        9 => {
            if !host.sockets.is_empty() {
                host.stream(cx);
            }
        }
        10 => {
            let id = host.streams.keys().copied().nth(dice.below(8));
            drop(id.and_then(|id| host.streams.remove(&id)));
        }
        _ => pause_or_resume(host, cx, &mut dice),
    }
    if host.factories.len() > 16 {
        host.factories.clear();
    }
}

fn pause_or_resume(host: &Host, cx: &mut Context<'_>, dice: &mut Dice) {
    for factory in &host.factories {
        match dice.below(3) {
            0 => factory.pause_accept(cx),
            1 => factory.resume_accept(cx),
            _ => {}
        }
    }
}

fn take<T>(list: &mut Vec<T>, dice: &mut Dice) -> Option<T> {
    if list.is_empty() {
        return None;
    }
    Some(list.swap_remove(dice.below(list.len())))
}

/// Closes what has come, some of it without any manners.
fn drop_accepted(listener: &TcpListener) {
    while let Ok((stream, peer)) = listener.accept() {
        if peer.port() % 2 == 0 {
            net::reset(stream);
        }
    }
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

fn to(addr: SocketAddr) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port())
}

/// Numbers that look like chance and are the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 8).unwrap() % limit
    }
}
