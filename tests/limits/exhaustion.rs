//! No descriptor is left: the real thing, with `RLIMIT_NOFILE`.
//!
//! In virtual time, where a rest is exactly as long as it should be and a loop that has nothing to do
//! shows by how far its clock jumps. Clients have descriptors beyond the limit.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use reactor::{Clock, Context, Kernel};
use socket2::{Domain, Socket, Type};
use testkit::leak;
use testkit::net::{self, Peer};
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{ListenAccept, Operation, SocketFactory, SocketFactoryBuilder};

use crate::nofile::{self, Lowered};

const EMFILE: i32 = 24;
const LIMIT: usize = 64;
const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn p01_everybody_is_served_or_turned_away_and_the_listener_goes_on() {
    let (mut rig, clock, addr) = serving();
    let clients = connect_elsewhere(addr, 200);
    let room = room();
    let began = clock.now();
    at_the_limit(&mut rig);
    let (mut served, turned_away) = outcomes(clients);
    assert_eq!((served.len(), turned_away), (room, 200 - room));
    assert_eq!(rig.failures().iter().map(cause).collect::<Vec<_>>(), [(Operation::Accept, EMFILE)]);
    let listener = rig.act(|host, cx| (host.factory().id(), host.factory().local_addr(cx)));
    assert_eq!(listener, (rig.failures()[0].wheel, Some(addr.into())));

    // Some leave: their places are free, and the rest is over.
    drop(served.split_off(room - 20));
    rig.run_until("the goodbyes", |heard| ends(heard) == 20);
    let (late, turned_away) = {
        let late = connect_elsewhere(addr, 20);
        at_the_limit(&mut rig);
        outcomes(late)
    };
    assert_eq!((late.len(), turned_away), (20, 0));
    // And again: there is no more room, which was told a moment ago.
    let (none, turned_away) = {
        let late = connect_elsewhere(addr, 20);
        at_the_limit(&mut rig);
        outcomes(late)
    };
    assert_eq!((none.len(), turned_away), (0, 20));
    assert_eq!(rig.failures().len() - ends(&rig.heard()), 1);
    assert!(clock.now() - began < Duration::from_secs(5));
    assert_eq!(rig.act(|host, cx| host.factory().local_addr(cx)), Some(addr.into()));
}

pub(crate) fn p01_a_listener_of_somebody_else_goes_on_too() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start_on(Clock::virtual_time(), |host, cx| {
        Host::stay(cx);
        host.react(serve);
        host.accept(cx, ListenAccept::builder(listener));
    });
    let clients = connect_elsewhere(addr, 100);
    let room = room();
    at_the_limit(&mut rig);
    let (mut served, turned_away) = outcomes(clients);
    assert_eq!((served.len(), turned_away), (room, 100 - room));
    assert_eq!(rig.failures().iter().map(cause).collect::<Vec<_>>(), [(Operation::Accept, EMFILE)]);

    drop(served.split_off(room - 20));
    rig.run_until("the goodbyes", |heard| ends(heard) == 20);
    let late = connect_elsewhere(addr, 20);
    at_the_limit(&mut rig);
    assert_eq!(outcomes(late).1, 0);
}

pub(crate) fn p01_in_real_time_nobody_hangs_and_the_loop_does_not_spin() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| host.react(serve));
    let sockets: Vec<Socket> = (0..200).map(|_| nofile::elsewhere(unconnected())).collect();
    let room = room();
    let limit = Lowered::to(LIMIT);
    let clients = Peer::play(move || {
        let connect = |socket: Socket| {
            socket.connect(&addr.into()).expect("the queue has room");
            TcpStream::from(socket)
        };
        outcomes(sockets.into_iter().map(connect).collect())
    });
    let (began, polls) = (Instant::now(), rig.kernel.stats().polls);
    while !clients.is_done() {
        assert!(began.elapsed() < net::PATIENCE, "somebody waits still");
        rig.kernel.run_one_turn(Duration::from_millis(100)).unwrap();
    }
    let (polls, tenths) = (rig.kernel.stats().polls - polls, began.elapsed().as_millis() / 100);
    drop(limit);
    let (served, turned_away) = clients.join();
    assert_eq!((served.len(), turned_away), (room, 200 - room));
    // A turn for each client and its greeting, one for each rest, and those that waited for nothing.
    assert!(
        u128::from(polls) <= 2 * 200 + 3 * (tenths + 1),
        "{polls} in {tenths} tenths of a second"
    );
    let told = rig.failures().len() as u128;
    assert!(
        (1..=1 + tenths / 50).contains(&told),
        "told {told} times in {tenths} tenths of a second"
    );
}

pub(crate) fn p01_a_full_table_that_nobody_waits_at_costs_nothing() {
    let (mut rig, clock, addr) = serving();
    let room = room();
    let mut clients = connect_elsewhere(addr, room);
    at_the_limit(&mut rig);
    assert_eq!(rig.failures(), [], "there was room for all of them");
    idle(&mut rig, &clock);

    clients.append(&mut connect_elsewhere(addr, 1));
    at_the_limit(&mut rig);
    let (served, turned_away) = outcomes(clients);
    assert_eq!((served.len(), turned_away), (room, 1));
    assert_eq!(rig.failures().len(), 1);
    // One alarm ends the rest. Nothing is tried then, since nobody came.
    let limit = Lowered::to(LIMIT);
    rig.kernel.run_one_turn(HOUR).unwrap();
    idle(&mut rig, &clock);
    drop(limit);
    assert_eq!(rig.failures().len(), 1);
}

pub(crate) fn p01_a_flood_at_a_full_table_is_told_once_in_five_seconds() {
    let (mut rig, clock, addr) = serving();
    let limit = Lowered::to(LIMIT);
    let taken = nofile::take_all();
    drop(limit);
    let polls = rig.kernel.stats().polls;
    let began = clock.now();
    for second in 1..=12 {
        let clients = connect_elsewhere(addr, 5);
        let limit = Lowered::to(LIMIT);
        while clock.now() - began < Duration::from_secs(second) {
            rig.kernel.run_one_turn(Duration::from_secs(1)).unwrap();
        }
        drop(limit);
        assert_eq!(outcomes(clients).1, 5);
    }
    let told = rig.failures().len();
    assert!((2..=3).contains(&told), "in twelve seconds: {told}");
    assert!(rig.peers().is_empty());
    let polls = rig.kernel.stats().polls - polls;
    assert!(
        polls <= 12 * 4,
        "a turn for the clients, one for the alarm, one for the second: {polls}"
    );
    drop(taken);
}

pub(crate) fn p01_without_a_reserve_clients_wait_and_get_it_as_soon_as_there_is_room() {
    let clock = Clock::virtual_time();
    let mut rig = Rig::start_on(clock.clone(), |_, cx| Host::stay(cx));
    let limit = Lowered::to(LIMIT);
    let mut taken = nofile::take_all();
    drop(taken.pop());
    let addr = rig.act(|host, cx| host.listen(cx, local()));
    assert!(nofile::take_all().is_empty(), "the listener has the last");
    drop(limit);

    let clients = connect_elsewhere(addr, 3);
    let limit = Lowered::to(LIMIT);
    let (began, polls) = (clock.now(), rig.kernel.stats().polls);
    while clock.now() - began < Duration::from_secs(12) {
        rig.kernel.run_one_turn(HOUR).unwrap();
    }
    assert_eq!(rig.failures().len(), 3, "at once, after five seconds and after ten");
    let polls = rig.kernel.stats().polls - polls;
    assert!(polls <= 2 * 121 + 5, "two turns a rest, not {polls}");
    assert!(rig.peers().is_empty());

    // The first that is free becomes the reserve: to be turned away is better than to wait.
    drop(taken.pop());
    rest(&mut rig, &clock);
    drop(limit);
    assert!(rig.peers().is_empty());
    assert_eq!(outcomes(clients).1, 3);

    let late = connect_elsewhere(addr, 2);
    let limit = Lowered::to(LIMIT);
    drop(taken.pop());
    rest(&mut rig, &clock);
    drop(limit);
    assert_eq!(rig.peers(), [late[0].local_addr().unwrap()]);
}

pub(crate) fn p01_a_crowd_too_large_for_one_rest_is_turned_away_in_several() {
    let (mut rig, clock, addr) = serving();
    let limit = Lowered::to(LIMIT);
    let taken = nofile::take_all();
    drop(limit);
    let clients = connect_elsewhere(addr, 1500);
    let limit = Lowered::to(LIMIT);
    turns(&mut rig);
    rest(&mut rig, &clock);
    drop((limit, taken));
    assert_eq!(outcomes(clients).1, 1500);
    assert_eq!(rig.failures().len(), 1);
}

pub(crate) fn a_factory_that_gets_no_descriptor_says_so() {
    let (_listener, addr) = net::listener();
    let to = SocketFactory::builder().remote_address(addr.ip()).remote_port(addr.port());
    for builder in [local(), to] {
        let mut rig = Rig::start(|_, cx| Host::stay(cx));
        let limit = Lowered::to(LIMIT);
        let taken = nofile::take_all();
        rig.act(|host, cx| host.build(cx, builder));
        turns(&mut rig);
        drop((limit, taken));
        let failures = rig.failures();
        assert_eq!(failures.iter().map(cause).collect::<Vec<_>>(), [(Operation::Socket, EMFILE)]);
        assert_eq!(failures[0].to_string(), "socket: Too many open files");
    }
}

pub(crate) fn a_kernel_that_gets_no_descriptor_is_an_error() {
    let limit = Lowered::to(LIMIT);
    let taken = nofile::take_all();
    let kernel = Kernel::new();
    drop((limit, taken));
    assert_eq!(kernel.unwrap_err().raw_os_error(), Some(EMFILE));
}

/// A session that greets each client with a byte, keeps it, and lets go of who has left.
fn serving() -> (Rig, Clock, SocketAddr) {
    let clock = Clock::virtual_time();
    let (mut rig, addr) = Rig::listening_on(clock.clone(), local());
    rig.act(|host, cx| {
        Host::stay(cx);
        host.react(serve);
    });
    (rig, clock, addr)
}

fn serve(host: &mut Host, cx: &mut Context<'_>, heard: &Heard) {
    match heard {
        Heard::Established { .. } => {
            let id = host.stream(cx);
            host.streams[&id].put(cx, "x");
        }
        Heard::Failed(failure) => drop(host.streams.remove(&failure.wheel)),
        Heard::Came(_) | Heard::Word(_) | Heard::Stopped => {}
    }
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

/// How many descriptors there are below the limit.
fn room() -> usize {
    LIMIT - leak::descriptors().range(..i32::try_from(LIMIT).unwrap()).count()
}

fn connect_elsewhere(addr: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| nofile::elsewhere(net::connect(addr))).collect()
}

fn unconnected() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_read_timeout(Some(net::PATIENCE)).unwrap();
    socket
}

/// Who got the greeting, and how many got nothing but an end. Everybody has got either.
fn outcomes(clients: Vec<TcpStream>) -> (Vec<TcpStream>, usize) {
    let count = clients.len();
    let served: Vec<TcpStream> = clients.into_iter().filter(is_served).collect();
    let turned_away = count - served.len();
    (served, turned_away)
}

fn is_served(mut client: &TcpStream) -> bool {
    let mut greeting = [0];
    match client.read(&mut greeting) {
        Ok(len) => len > 0,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            false
        }
    }
}

fn ends(heard: &[Heard]) -> usize {
    heard.iter().filter(|heard| matches!(heard, Heard::Failed(failure) if failure.is_end())).count()
}

/// Runs while the limit is low, for as long as anything is ready and no time has to pass.
fn at_the_limit(rig: &mut Rig) {
    let limit = Lowered::to(LIMIT);
    turns(rig);
    drop(limit);
}

fn turns(rig: &mut Rig) {
    for _ in 0..10 {
        rig.turn();
    }
}

/// As long as a rest takes, and what comes after it.
fn rest(rig: &mut Rig, clock: &Clock) {
    clock.advance(Duration::from_millis(100));
    turns(rig);
}

/// Nothing is to be done: a turn moves the clock as far as it may.
fn idle(rig: &mut Rig, clock: &Clock) {
    let began = clock.now();
    rig.kernel.run_one_turn(HOUR).unwrap();
    rig.kernel.run_one_turn(HOUR).unwrap();
    assert_eq!(clock.now() - began, 2 * HOUR);
}
