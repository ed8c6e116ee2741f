//! `components::TcpServer` among crowds, without descriptors, and what it leaves behind.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use components::{Client, DRAIN, SHUTDOWN, TcpServer};
use reactor::{Clock, Event, Kernel, SessionId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};
use testkit::leak::{self, Descriptors};
use testkit::net::{self, Peer};
use testkit::random::Random;
use wheels::Operation;
use wheels::filter::Line;

use crate::nofile::{self, Lowered};

const SECOND: Duration = Duration::from_secs(1);
const DONE: Event<()> = Event::new("done");
const LEN: Event<(), usize> = Event::new("len");

/// How many there are and were, and why they failed.
#[derive(Clone, Default)]
struct Tally {
    addr: Rc<Cell<Option<SocketAddr>>>,
    connected: Rc<Cell<usize>>,
    disconnected: Rc<Cell<usize>>,
    draining: Rc<Cell<usize>>,
    stopped: Rc<Cell<usize>>,
    failures: Rc<RefCell<Vec<Operation>>>,
    of_server: Rc<RefCell<Vec<(Operation, i32)>>>,
}

fn add(counter: &Cell<usize>) {
    counter.set(counter.get() + 1);
}

/// A server that counts, says each line again, and holds on to a client that says `hold`.
fn counting() -> TcpServer<Tally, Line> {
    TcpServer::new(Line::new)
        .listen("127.0.0.1:0")
        .listening(|tally: &mut Tally, _, up| tally.addr.set(up.local_addr.as_ip()))
        .error(|tally: &mut Tally, _, failure| {
            tally.of_server.borrow_mut().push((failure.operation, failure.errnum));
        })
        .stopped(|tally: &mut Tally, _| add(&tally.stopped))
        .client_connected(|tally: &mut Tally, _| add(&tally.connected))
        .client_input(|_, client: &mut Client<'_, Line>, line| match &line[..] {
            b"hold" => {
                client.set_busy(true);
                client.delay(&DONE, 2 * SECOND, ());
            }
            b"much" => drop(client.put(vec![b'x'; 256 * 1024])),
            b"close" => {
                client.put(vec![b'x'; 256 * 1024]);
                client.shutdown();
            }
            b"abort" => client.abort(),
            b"wait" => client.delay(&DONE, 3600 * SECOND, ()),
            _ => drop(client.put(line)),
        })
        .client_error(|tally: &mut Tally, _, failure| {
            tally.failures.borrow_mut().push(failure.operation);
        })
        .client_disconnected(|tally: &mut Tally, _| add(&tally.disconnected))
        .client_draining(|tally: &mut Tally, _| add(&tally.draining))
        .on_client(&DONE, |_, client, ()| {
            client.put("done");
            client.set_busy(false);
        })
        .on(&LEN, |_, clients, ()| clients.len())
}

struct House {
    kernel: Kernel,
    clock: Clock,
    server: SessionId,
    tally: Tally,
    addr: SocketAddr,
}

impl House {
    fn open(clock: Clock, own: bool) -> Self {
        let server = counting();
        let server = if own { server.session_per_client() } else { server };
        let mut kernel = Kernel::builder().clock(clock.clone()).build().expect("a kernel");
        let tally = Tally::default();
        let server = server.spawn(&mut kernel, tally.clone());
        net::run_until(&mut kernel, "it listens", || tally.addr.get().is_some());
        let addr = tally.addr.get().expect("it listens");
        Self { kernel, clock, server, tally, addr }
    }

    fn turns(&mut self, count: u32) {
        for _ in 0..count {
            self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
        }
    }

    /// Without a wait that would move the clock.
    fn turns_until(&mut self, what: &str, done: impl Fn(&Tally) -> bool) {
        let began = std::time::Instant::now();
        while !done(&self.tally) {
            assert!(began.elapsed() < net::PATIENCE, "waited in vain for {what}");
            self.turns(1);
        }
    }

    fn connect_all(&mut self, count: usize) -> Vec<TcpStream> {
        let wanted = self.tally.connected.get() + count;
        let streams = net::connect_all(self.addr, count);
        self.turns_until("connections", |tally| tally.connected.get() == wanted);
        streams
    }
}

/// As many descriptors as there may be.
fn with_many_descriptors(run: impl FnOnce()) {
    let before = getrlimit(Resource::Nofile);
    let enough = before.maximum.map_or(8192, |maximum| maximum.min(8192));
    setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..before }).expect("setrlimit");
    run();
    setrlimit(Resource::Nofile, before).expect("setrlimit");
}

/// With the limits as they are unless somebody changes them.
pub(crate) fn p43_a_server_sends_a_thousand_slow_clients_away_and_serves_the_good_one() {
    with_many_descriptors(|| {
        for own in [false, true] {
            let mut house = House::open(Clock::virtual_time(), own);
            let mut slow = house.connect_all(1000);
            let mut good = house.connect_all(1).remove(0);
            for second in 0..40 {
                // Those that were closed may or may not notice.
                slow.iter_mut().for_each(|client| drop(client.write_all(b"x")));
                good.write_all(b"ping\n").expect("write");
                house.turns(4);
                let mut answer = [0; 6];
                good.set_nonblocking(true).expect("non-blocking");
                good.read_exact(&mut answer).expect("the answer is there");
                assert_eq!(&answer, b"ping\r\n");
                let gone = if second < 30 { 0 } else { 1000 };
                assert_eq!(house.tally.disconnected.get(), gone, "in second {second}");
                house.clock.advance(SECOND);
            }
            let failures = house.tally.failures.borrow();
            assert!(failures.iter().all(|why| *why == Operation::FrameTimeout));
            assert_eq!(failures.len(), 1000);
        }
    });
}

/// Idle clients are gone in no time, busy ones finish, and the server with the last.
pub(crate) fn p61_five_hundred_idle_clients_go_at_once_and_fifty_busy_ones_finish() {
    with_many_descriptors(|| {
        for own in [false, true] {
            let mut house = House::open(Clock::virtual_time(), own);
            let idle = house.connect_all(500);
            let mut busy = house.connect_all(50);
            busy.iter_mut().for_each(|client| client.write_all(b"hold\n").expect("write"));
            house.turns(5);
            house.kernel.post(house.server, &DRAIN, 30 * SECOND).expect("it is there");
            house.turns(3);
            assert_eq!(house.tally.draining.get(), 550);
            assert_eq!(house.tally.disconnected.get(), 500, "no time has passed");
            drop(idle);
            house.clock.advance(2 * SECOND);
            house.turns_until("the busy ones", |tally| tally.disconnected.get() == 550);
            for client in &mut busy {
                let ending = net::read_to_end(client);
                assert_eq!(ending, net::Ending::Closed(b"done\r\n".into()));
            }
            drop(busy);
            house.turns_until("the end", |tally| tally.stopped.get() == 1);
            house.turns(1);
            assert_eq!(house.kernel.session_count(), 0);
            assert_eq!((house.kernel.wheel_count(), house.kernel.event_count()), (0, 0));
        }
    });
}

/// Those who are busy for ever go at the deadline, with all there is of the server.
pub(crate) fn p61_nothing_is_left_after_the_deadline() {
    with_many_descriptors(|| {
        for own in [false, true] {
            let before = Descriptors::note();
            let mut house = House::open(Clock::virtual_time(), own);
            let mut busy = house.connect_all(50);
            for (number, client) in busy.iter_mut().enumerate() {
                let line = [&b"hold\n"[..], b"half a line", b"much\n"][number % 3];
                client.write_all(line).expect("write");
            }
            house.turns(5);
            // Before they are done.
            house.kernel.post(house.server, &DRAIN, SECOND).expect("it is there");
            house.clock.advance(SECOND / 2);
            house.turns(3);
            house.clock.advance(SECOND);
            house.turns(5);
            assert_eq!(house.kernel.session_count(), 0);
            assert_eq!(house.tally.disconnected.get(), 50);
            assert_eq!((house.kernel.wheel_count(), house.kernel.event_count()), (0, 0));
            drop((busy, house));
            before.assert_same();
        }
    });
}

pub(crate) fn p01_a_server_without_descriptors_turns_clients_away_and_goes_on() {
    for own in [false, true] {
        let mut house = House::open(Clock::virtual_time(), own);
        let count = 100;
        let clients: Vec<_> =
            (0..count).map(|_| nofile::elsewhere(net::connect(house.addr))).collect();
        let next = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        let next = nofile::elsewhere(next);
        let lowered = Lowered::to(64);
        house.turns(50);
        assert_eq!(*house.tally.of_server.borrow(), [(Operation::Accept, 24)]);
        let served = house.tally.connected.get();
        assert!(served > 10 && served < 64, "{served} were served");

        // There is room again.
        drop(clients);
        house.turns_until("their end", |tally| tally.disconnected.get() == served);
        house.clock.advance(SECOND);
        house.turns(5);
        next.connect_timeout(&house.addr.into(), net::PATIENCE).expect("connect");
        let mut client = TcpStream::from(next);
        house.turns_until("the next", |tally| tally.connected.get() == served + 1);
        client.write_all(b"hello\n").expect("write");
        house.turns(5);
        assert_eq!(net::read_exact(&mut client, 7), b"hello\r\n");
        drop(lowered);
        house.kernel.post(house.server, &SHUTDOWN, ()).expect("it is there");
        drop(client);
        house.turns_until("its end", |tally| tally.stopped.get() == 1);
    }
}

/// What a client does, and how it goes.
fn come_and_go(random: &mut Random, mut client: TcpStream) {
    // It may be closed for what it said before.
    let mut say = |line: &[u8]| drop(client.write_all(line));
    match random.below(10) {
        0 => say(b"hello\n"),
        1 => say(b"much\n"),
        2 => say(b"close\n"),
        3 => say(b"abort\n"),
        4 => say(b"wait\n"),
        5 => say(b"unfinished"),
        6 => say(b"hello\nmuch\nclose\nhello\n"),
        7 => say(b"wait\nwait\nhello\nclose\n"),
        8 => say(b"wait\nabort\n"),
        _ => {}
    }
    match random.below(4) {
        0 => net::reset(client),
        1 => {
            let _half = client.shutdown(Shutdown::Write);
            let mut piece = [0; 1000];
            let _some = client.read(&mut piece);
        }
        2 => {
            let _half = client.shutdown(Shutdown::Write);
            let _all = client.read_to_end(&mut Vec::new());
        }
        _ => drop(client),
    }
}

pub(crate) fn two_thousand_connections_of_a_server_leave_nothing() {
    const CONNECTIONS: usize = 2000;
    const AT_ONCE: usize = 50;
    for own in [false, true] {
        let before = Descriptors::note();
        let mut house = House::open(Clock::system(), own);
        let quiet = Descriptors::note();
        let mut memory = Vec::new();
        for round in 0..3 {
            let addr = house.addr;
            let wanted = house.tally.connected.get() + CONNECTIONS;
            let peers = Peer::play(move || {
                let mut random = Random::new(2000 + round);
                for _ in 0..CONNECTIONS / AT_ONCE {
                    let clients = net::connect_all(addr, AT_ONCE);
                    clients.into_iter().for_each(|client| come_and_go(&mut random, client));
                }
            });
            peers.run(&mut house.kernel);
            net::run_until_kernel(&mut house.kernel, "the last to go", |kernel| {
                kernel.wheel_count() == 1 && kernel.session_count() == 1
            });
            let tally = &house.tally;
            assert_eq!(tally.connected.get(), wanted);
            assert_eq!(tally.disconnected.get(), wanted, "each once");
            assert_eq!(house.kernel.event_count(), 0, "no timer is left");
            let left = house.kernel.call(house.server, &LEN, ()).expect("it answers");
            assert_eq!(left, 0);
            quiet.assert_same();
            memory.push(leak::private_memory());
        }
        let grown = memory[2].saturating_sub(memory[1]);
        assert!(grown <= 512 * 1024, "{memory:?}");
        house.kernel.post(house.server, &SHUTDOWN, ()).expect("it is there");
        net::run_to_end(&mut house.kernel);
        drop(house);
        before.assert_same();
    }
}
