//! `components::TcpServer` and the signals that end programs: the first is the beginning of the end.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use components::{DRAIN, TcpServer};
use reactor::{Context, Event, Kernel, SessionId, States};
use rustix::process::Signal as System;
use testkit::net::{self, Ending};
use wheels::filter::Line;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("p61_the_first_signal_drains_a_server_and_the_program_ends_when_it_has", drains),
    ("p61_the_second_signal_ends_everything_at_once", second_is_immediate),
    ("p61_a_signal_while_the_server_drains_already_ends_everything_at_once", already_draining),
    ("p61_two_servers_drain_at_one_signal", two_servers),
    ("the_time_to_drain_after_a_signal_is_limited", limited),
];

const DONE: Event<()> = Event::new("done");
const LONG: Duration = Duration::from_secs(3600);

#[derive(Clone, Default)]
struct Story {
    told: Rc<RefCell<Vec<&'static str>>>,
    addr: Rc<Cell<Option<SocketAddr>>>,
}

impl Story {
    fn tell(&self, what: &'static str) {
        self.told.borrow_mut().push(what);
    }

    fn count(&self, what: &str) -> usize {
        self.told.borrow().iter().filter(|told| **told == what).count()
    }
}

struct House {
    kernel: Kernel,
    server: SessionId,
    story: Story,
    idle: TcpStream,
    busy: TcpStream,
}

/// A server with an idle client and a busy one.
fn open(kernel: Kernel, own: bool, within: Duration) -> House {
    let mut kernel = kernel;
    let story = Story::default();
    let server = TcpServer::new(Line::new)
        .listen("127.0.0.1:0")
        .drain_on_signals(within)
        .listening(|story: &mut Story, _, up| story.addr.set(up.local_addr.as_ip()))
        .stopped(|story: &mut Story, _| story.tell("stopped"))
        .client_connected(|story: &mut Story, _| story.tell("connected"))
        .client_input(|_, client, _| client.set_busy(true))
        .client_draining(|story: &mut Story, client| {
            story.tell("draining");
            client.delay(&DONE, Duration::from_millis(20), ());
        })
        .client_disconnected(|story: &mut Story, _| story.tell("disconnected"))
        .on_client(&DONE, |_, client, ()| {
            client.put("done");
            client.set_busy(false);
        });
    let server = if own { server.session_per_client() } else { server };
    let server = server.spawn(&mut kernel, story.clone());
    net::run_until(&mut kernel, "it listens", || story.addr.get().is_some());
    let addr = story.addr.get().expect("it listens");
    let (idle, mut busy) = (net::connect(addr), net::connect(addr));
    busy.write_all(b"hold\n").expect("write");
    net::run_until(&mut kernel, "both", || story.count("connected") == 2);
    for _ in 0..5 {
        kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }
    House { kernel, server, story, idle, busy }
}

fn drains() {
    for (own, signal) in [(false, System::TERM), (true, System::TERM), (false, System::INT)] {
        let mut house = open(Kernel::new().expect("a kernel"), own, LONG);
        raise(signal);
        let story = house.story.clone();
        net::run_until(&mut house.kernel, "the idle one", || story.count("disconnected") == 1);
        drop(house.idle);
        assert_eq!(story.count("draining"), 2);
        net::run_until(&mut house.kernel, "the busy one", || story.count("disconnected") == 2);
        assert_eq!(net::read_to_end(&mut house.busy), Ending::Closed(b"done\r\n".into()));
        drop(house.busy);
        net::run_to_end(&mut house.kernel);
        assert_eq!(*story.told.borrow().last().expect("some"), "stopped");
        assert_eq!(house.kernel.event_count(), 0);
    }
}

/// Somebody else in the program, who would go on for ever.
fn bystander(kernel: &mut Kernel) -> SessionId {
    let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
        cx.delay("never", LONG, ());
    });
    kernel.spawn(&states, ())
}

fn second_is_immediate() {
    for (own, first, second) in [
        (false, System::INT, System::INT),
        (true, System::INT, System::TERM),
        (false, System::TERM, System::INT),
    ] {
        let mut house = open(Kernel::new().expect("a kernel"), own, LONG);
        // Never done.
        let story = house.story.clone();
        let bystander = bystander(&mut house.kernel);
        raise(first);
        net::run_until(&mut house.kernel, "the idle one", || story.count("disconnected") == 1);
        assert!(house.kernel.has_session(bystander), "the first is the server's alone");
        raise(second);
        house.kernel.run().expect("it ends well");
        assert_eq!(house.kernel.session_count(), 0);
        assert_eq!((story.count("disconnected"), story.count("stopped")), (2, 1));
        assert_eq!(house.kernel.wheel_count(), 0);
    }
}

fn already_draining() {
    let mut house = open(Kernel::new().expect("a kernel"), false, LONG);
    let story = house.story.clone();
    house.kernel.post(house.server, &DRAIN, LONG).expect("it is there");
    net::run_until(&mut house.kernel, "the idle one", || story.count("disconnected") == 1);
    raise(System::TERM);
    house.kernel.run().expect("it ends well");
    assert_eq!((story.count("disconnected"), story.count("stopped")), (2, 1));
}

fn two_servers() {
    let one = open(Kernel::new().expect("a kernel"), false, LONG);
    let mut other = open(one.kernel, true, LONG);
    raise(System::TERM);
    drop((one.idle, one.busy, other.idle, other.busy));
    net::run_to_end(&mut other.kernel);
    for story in [one.story, other.story] {
        assert_eq!((story.count("disconnected"), story.count("stopped")), (2, 1));
    }
}

fn limited() {
    for own in [false, true] {
        let mut house = open(Kernel::new().expect("a kernel"), own, Duration::from_millis(1));
        raise(System::TERM);
        // Neither client closes.
        net::run_to_end(&mut house.kernel);
        let story = house.story;
        assert_eq!((story.count("disconnected"), story.count("stopped")), (2, 1));
    }
}
