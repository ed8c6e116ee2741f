//! Clients and callbacks that do anything at any time, panics and errors included; and what holds all the same.
//!
//! For each connection: connected first and once, disconnected last and once, no input after a shutdown.
//! Never more at a time than may be. And in the end nothing is left. `SEED` says which chances to repeat.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use components::{Client, DRAIN, SHUTDOWN, TcpServer};
use reactor::{Context, Event, Kernel, OnException, SessionId, Signal};
use testkit::net::{self, Peer};
use testkit::random::Random;
use wheels::filter::Line;
use wheels::{Established, Failure, Put};

use crate::server_kit::{FORMS, Form};

const NUDGE: Event<u8> = Event::new("nudge");
const ROUNDS: u64 = 40;
const CLIENTS: usize = 25;

/// What all sessions of a server share.
struct World {
    random: RefCell<Random>,
    /// Whether callbacks panic and give errors back.
    fails: bool,
    now: Cell<usize>,
    most: Cell<Option<usize>>,
    peak: Cell<usize>,
    connected: Cell<usize>,
    disconnected: Cell<usize>,
    stopped: Cell<usize>,
    /// How often the server began to drain.
    drained: Cell<usize>,
    /// What should not have been. (A failure of a callback is nothing to speak of.)
    broken: RefCell<Vec<&'static str>>,
}

type State = Rc<World>;
type It<'a> = Client<'a, Line, Guest>;
type Result = std::result::Result<(), &'static str>;

impl World {
    fn check(&self, holds: bool, what: &'static str) {
        if !holds {
            self.broken.borrow_mut().push(what);
        }
    }

    fn below(&self, limit: u64) -> u64 {
        self.random.borrow_mut().below(limit)
    }
}

/// What is known of one connection.
struct Guest {
    world: State,
    connected: bool,
    disconnected: bool,
    /// Nothing may come any more.
    shut: bool,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.world.check(self.connected == self.disconnected, "connected, and not disconnected");
    }
}

fn guest(world: &mut State, _: &Established) -> Guest {
    Guest { world: Rc::clone(world), connected: false, disconnected: false, shut: false }
}

fn connected(world: &mut State, it: &mut It<'_>) -> Result {
    let state = it.state();
    world.check(!state.connected, "connected twice");
    state.connected = true;
    world.connected.set(world.connected.get() + 1);
    world.now.set(world.now.get() + 1);
    world.peak.set(world.peak.get().max(world.now.get()));
    act(world, it)
}

fn disconnected(world: &mut State, it: &mut It<'_>) -> Result {
    let state = it.state();
    world.check(state.connected && !state.disconnected, "disconnected twice, or before connected");
    state.disconnected = true;
    world.disconnected.set(world.disconnected.get() + 1);
    world.now.set(world.now.get() - 1);
    world.check(!it.is_open() && matches!(it.put("late"), Put::Refused(_)), "open at the end");
    act(world, it)
}

fn input(world: &mut State, it: &mut It<'_>, line: bytes::Bytes) -> Result {
    check_there(world, it, "input before connected, or after the end");
    world.check(!it.state().shut, "input after a shutdown");
    it.put(line);
    act(world, it)
}

fn failed(world: &mut State, it: &mut It<'_>, _: Failure) -> Result {
    check_there(world, it, "an error before connected, or after the end");
    act(world, it)
}

fn told(world: &mut State, it: &mut It<'_>) -> Result {
    check_there(world, it, "told before connected, or after the end");
    act(world, it)
}

fn check_there(world: &World, it: &mut It<'_>, what: &'static str) {
    let state = it.state();
    world.check(state.connected && !state.disconnected, what);
}

/// Anything.
fn act(world: &State, it: &mut It<'_>) -> Result {
    for _ in 0..world.below(3) {
        match world.below(16) {
            0 => drop(it.put("something")),
            1 => drop(it.put(vec![b'x'; 300_000])),
            2 => shut(it),
            3 => {
                it.state().shut = true;
                it.abort();
            }
            4 => it.yield_(&NUDGE, 1),
            5 => it.delay(&NUDGE, Duration::from_micros(world.below(500)), 2),
            6 => it.delay(&NUDGE, Duration::from_secs(3600), 3),
            7 => drop(it.delay_clear(&NUDGE)),
            8 => {
                it.pause_input();
                it.delay("resume", Duration::from_micros(world.below(500)), ());
            }
            9 => it.set_busy(world.below(2) == 0),
            10 => {
                let ids = it.clients().ids();
                let other = ids[usize::try_from(world.below(ids.len() as u64)).expect("small")];
                shut(&mut it.clients().get(other).expect("it is there"));
            }
            11 => it.clients().put_each("to all", |_, _| true),
            12 if world.fails && world.below(4) == 0 => panic!("anywhere"),
            13 if world.fails && world.below(4) == 0 => return Err("anywhere"),
            _ => {}
        }
    }
    Ok(())
}

fn shut(it: &mut It<'_>) {
    it.state().shut = true;
    it.shutdown();
}

fn server(form: Form, most: Option<usize>, on_death: bool) -> TcpServer<State, Line, Guest> {
    let server = TcpServer::with_clients(Line::new, guest).listen("127.0.0.1:0");
    let server = server
        .client_connected(connected)
        .client_input(input)
        .client_flushed(told)
        .client_high(100_000, told)
        .client_low(1000, told)
        .client_error(failed)
        .client_draining(told)
        .client_disconnected(disconnected)
        .on_client(&NUDGE, |world, it, _| told(world, it))
        .on_client("resume", |world: &mut State, it, ()| {
            it.resume_input();
            told(world, it)
        })
        .on("where", |_, clients, ()| clients.local_addrs())
        .on("died", |_, clients, _: Signal| clients.cx().sig_handled())
        .draining(|world: &mut State, clients| {
            world.drained.set(world.drained.get() + 1);
            for id in clients.ids() {
                act(world, &mut clients.get(id).expect("it is there"))?;
            }
            Ok::<_, &'static str>(())
        })
        .started(
            move |_, cx: &mut Context<'_>| if on_death { cx.sig("DIE", "died") } else { Ok(()) },
        )
        .stopped(|world: &mut State, _: &mut Context<'_>| {
            world.stopped.set(world.stopped.get() + 1)
        });
    let server = match most {
        Some(most) => server.concurrency(most),
        None => server,
    };
    match form {
        Form::Shared => server,
        Form::Own => server.session_per_client(),
    }
}

/// Anything a client may do.
fn play(mut random: Random, addr: SocketAddr) {
    let Ok(mut stream) = TcpStream::connect(addr) else { return };
    stream.set_read_timeout(Some(Duration::from_millis(1))).expect("SO_RCVTIMEO");
    let mut piece = vec![0; 50_000];
    for _ in 0..random.below(8) {
        // It may be closed by now.
        let _done = match random.below(5) {
            0 => stream.write(b"a line\n"),
            1 => stream.write(b"one\ntwo\nthree\nhalf of"),
            2 => stream.write(b"\n"),
            3 => stream.read(&mut piece),
            _ => stream.shutdown(Shutdown::Write).map(|()| 0),
        };
    }
    if random.one_in(3) {
        net::reset(stream);
    }
}

#[test]
fn whatever_anybody_does_each_connection_begins_and_ends_once() {
    let mut seeds = Random::from_environment();
    let mut total = 0;
    for round in 0..ROUNDS {
        for form in FORMS {
            // Handled deaths, deaths of one session, and none.
            let (fails, on_death) = [(true, true), (true, false), (false, false)]
                [usize::try_from(round % 3).expect("small")];
            let most = [None, Some(1), Some(7)][usize::try_from(seeds.below(3)).expect("small")];
            let world = Rc::new(World {
                random: RefCell::new(seeds.fork()),
                fails,
                now: Cell::new(0),
                most: Cell::new(most),
                peak: Cell::new(0),
                connected: Cell::new(0),
                disconnected: Cell::new(0),
                stopped: Cell::new(0),
                drained: Cell::new(0),
                broken: RefCell::default(),
            });
            let kernel = Kernel::builder().on_exception(OnException::Isolate);
            let mut kernel = kernel.build().expect("a kernel");
            let session = server(form, most, on_death).spawn(&mut kernel, Rc::clone(&world));
            let addr = kernel
                .call(session, Event::<(), Vec<wheels::Address>>::new("where"), ())
                .expect("it answers")[0]
                .as_ip()
                .expect("an IP address");
            let mut players = seeds.fork();
            let peer = Peer::play(move || {
                for _ in 0..CLIENTS {
                    play(players.fork(), addr);
                }
            });
            let early = seeds.one_in(4);
            if !early {
                peer.run(&mut kernel);
                end(&mut kernel, session, seeds.below(4));
            } else {
                let some = world.connected.get() + 3;
                net::run_until(&mut kernel, "some", || {
                    world.connected.get() >= some || world.stopped.get() > 0 || peer.is_done()
                });
                end(&mut kernel, session, seeds.below(4));
                peer.run(&mut kernel);
            }
            net::run_to_end(&mut kernel);
            total += world.connected.get();
            assert_eq!(world.broken.take(), [""; 0], "round {round}, {form:?}");
            assert_eq!(world.connected.get(), world.disconnected.get(), "round {round}, {form:?}");
            assert_eq!((world.now.get(), world.stopped.get()), (0, 1), "round {round}, {form:?}");
            assert!(world.drained.get() <= 1, "round {round}, {form:?}: it drained again");
            assert_eq!(kernel.event_count(), 0);
            if let Some(most) = world.most.get() {
                assert!(world.peak.get() <= most, "round {round}, {form:?}: {}", world.peak.get());
            }
            drop(kernel);
            assert_eq!(world.broken.take(), [""; 0], "round {round}, {form:?}");
            assert_eq!(Rc::strong_count(&world), 1, "round {round}, {form:?}: a state is left");
        }
    }
    assert!(total > 500, "only {total} connections");
}

/// One of the ways to end a server, if it has not ended by itself.
fn end(kernel: &mut Kernel, session: SessionId, way: u64) {
    if !kernel.has_session(session) {
        return;
    }
    match way {
        0 => kernel.post(session, &SHUTDOWN, ()).expect("it is there"),
        1 => kernel.signal(session, "KILL", ()).expect("it is there"),
        _ => kernel.post(session, &DRAIN, Duration::from_millis(way)).expect("it is there"),
    }
}
