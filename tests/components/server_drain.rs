//! The orderly end: who is idle goes at once, who is busy finishes, and nobody stays beyond the time.
//!
//! In virtual time, which moves when a test says so.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use components::{DRAIN, SHUTDOWN, TcpServer};
use reactor::{Clock, Event, Kernel, OnException, Signal};
use testkit::net::{self, Ending};

use crate::server_kit::{FORMS, Form, House, SECOND, Server, Story, lines};

const MILLI: Duration = Duration::from_millis(1);
const DONE: Event<()> = Event::new("done");
const MINUTE: Duration = Duration::from_secs(60);

/// A house whose time stands still.
struct Timed {
    house: House,
    clock: Clock,
    began: Instant,
}

impl Timed {
    fn open(form: Form, server: Server) -> Self {
        let clock = Clock::virtual_time();
        let house = House::open_in(form, Kernel::builder().clock(clock.clone()), server);
        let began = clock.now();
        Self { house, clock, began }
    }

    fn connect(&mut self) -> TcpStream {
        let before = self.house.story.count("connected");
        let stream = net::connect(self.house.addr());
        self.turns_until(|story| story.count("connected") > before);
        stream
    }

    /// Turns without which time would not move.
    fn turns_until(&mut self, mut done: impl FnMut(&Story) -> bool) {
        let began = Instant::now();
        while !done(&self.house.story) {
            assert!(began.elapsed() < net::PATIENCE, "told {:?}", self.house.story.told());
            self.house.turns(1);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.house.turns(5);
    }

    fn drain(&mut self, within: Duration) {
        self.house.post(&DRAIN, within);
        self.house.turns(2);
    }

    fn is_over(&self) -> bool {
        self.house.kernel.session_count() == 0
    }

    fn assert_over_in_time(mut self) {
        let began = Instant::now();
        while !self.is_over() {
            assert!(began.elapsed() < net::PATIENCE, "{:?}", self.house.kernel);
            self.house.turns(1);
        }
        assert_eq!(self.clock.now(), self.began, "no time has passed");
        assert_eq!(self.house.kernel.event_count(), 0, "no timer is left");
        assert_eq!(self.house.kernel.wheel_count(), 0);
        assert_eq!(self.house.story.told().last().expect("some"), "stopped");
    }
}

/// `hold` makes its connection busy until it is `done`.
fn holding() -> Server {
    let server = lines().client_input(|story, client, line| {
        story.tell(String::from_utf8_lossy(&line));
        match &line[..] {
            b"hold" => {
                client.set_busy(true);
                client.delay(&DONE, SECOND, ());
            }
            b"much" => drop(client.put(vec![b'x'; 12 << 20])),
            b"pause" => {
                client.delay(&DONE, SECOND / 1000, ());
                client.pause_input();
            }
            _ => drop(client.put(line)),
        }
    });
    server.on_client(&DONE, |_, client, ()| {
        client.put("done");
        client.resume_input();
        client.set_busy(false);
    })
}

#[test]
fn idle_connections_go_at_once_and_so_does_the_server() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines().alias("server"));
        let mut streams = [timed.connect(), timed.connect(), timed.connect()];
        timed.house.story.take();
        timed.drain(MINUTE);
        let told = timed.house.story.told();
        let count = |what| told.iter().filter(|told| **told == what).count();
        assert_eq!((count("draining"), count("disconnected")), (3, 3), "{form:?}: {told:?}");
        assert_eq!(timed.house.kernel.alias_resolve("server"), None);
        TcpStream::connect(timed.house.addr()).expect_err("nobody listens");
        for stream in &mut streams {
            assert_eq!(net::read_to_end(stream), Ending::Closed(Vec::new()));
        }
        drop(streams);
        timed.assert_over_in_time();
    }
}

#[test]
fn without_connections_it_ends_at_once() {
    for form in FORMS {
        for times in 1..3 {
            let mut timed = Timed::open(form, lines().alias("server"));
            (0..times).for_each(|_| timed.house.post(&DRAIN, MINUTE));
            timed.house.turns(3);
            assert_eq!(timed.house.story.told(), ["stopped"]);
            timed.assert_over_in_time();
        }
    }
}

#[test]
fn who_is_called_busy_is_waited_for() {
    for form in FORMS {
        let mut timed = Timed::open(form, holding());
        let (idle, mut busy) = (timed.connect(), timed.connect());
        busy.write_all(b"hold\n").expect("write");
        timed.turns_until(|story| story.has("hold"));
        timed.drain(MINUTE);
        timed.house.turns(10);
        assert_eq!(timed.house.story.count("draining"), 2, "{form:?}");
        assert_eq!(timed.house.story.count("disconnected"), 1, "{form:?}");
        // It is served on.
        busy.write_all(b"still there?\n").expect("write");
        timed.turns_until(|story| story.has("still there?"));
        timed.pass(SECOND);
        assert_eq!(timed.house.story.count("disconnected"), 2, "{form:?}");
        let answer = b"still there?\r\ndone\r\n".to_vec();
        assert_eq!(net::read_to_end(&mut busy), Ending::Closed(answer));
        drop((idle, busy));
        timed.house.turns(20);
        assert!(timed.is_over(), "{form:?}");
    }
}

#[test]
fn half_a_record_is_waited_for() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines());
        let mut stream = timed.connect();
        stream.write_all(b"half and ").expect("write");
        timed.house.turns(5);
        timed.drain(MINUTE);
        timed.house.turns(10);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        stream.write_all(b"half\n").expect("write");
        timed.turns_until(|story| story.has("disconnected"));
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(b"half and half\r\n".into()));
        drop(stream);
        timed.assert_over_in_time();
    }
}

#[test]
fn what_is_unsent_is_sent() {
    for form in FORMS {
        let mut timed = Timed::open(form, holding());
        let mut stream = timed.connect();
        stream.write_all(b"much\n").expect("write");
        timed.turns_until(|story| story.has("much"));
        timed.drain(MINUTE);
        timed.house.turns(10);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        let peer = net::Peer::play(move || net::read_to_end(&mut stream));
        timed.turns_until(|_| peer.is_done());
        let Ending::Closed(came) = peer.join() else { panic!("it was reset") };
        assert_eq!(came.len(), (12 << 20) + 2, "{form:?}");
        timed.assert_over_in_time();
    }
}

#[test]
fn what_waits_because_of_a_pause_is_handled() {
    for form in FORMS {
        let mut timed = Timed::open(form, holding());
        let mut stream = timed.connect();
        stream.write_all(b"pause\none\ntwo\n").expect("write");
        timed.turns_until(|story| story.has("pause"));
        timed.drain(MINUTE);
        timed.house.turns(10);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        timed.pass(MILLI);
        assert!(timed.house.story.has("two") && timed.house.story.has("disconnected"), "{form:?}");
        let answer = b"done\r\none\r\ntwo\r\n".to_vec();
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(answer));
        drop(stream);
        timed.house.turns(10);
        assert!(timed.is_over());
    }
}

#[test]
fn what_came_before_the_drain_is_answered() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines());
        let mut stream = timed.connect();
        stream.write_all(b"one\ntwo\nthree\n").expect("write");
        timed.drain(MINUTE);
        let answer = b"one\r\ntwo\r\nthree\r\n".to_vec();
        timed.turns_until(|story| story.has("disconnected"));
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(answer), "{form:?}");
        drop(stream);
        timed.assert_over_in_time();
    }
}

#[test]
fn what_came_before_the_drain_is_answered_though_it_is_more_than_is_read_at_once() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines());
        let mut stream = timed.connect();
        // Lines that end where what is read at once does.
        let all = vec![b"123456789012345\n".to_vec(); 16_000].concat();
        stream.set_nonblocking(true).expect("non-blocking");
        let sent = stream.write(&all).expect("write");
        stream.set_nonblocking(false).expect("blocking");
        let sent = sent / 16;
        assert!(sent > 8192, "{sent} lines");
        timed.drain(MINUTE);
        let peer = net::Peer::play(move || net::read_to_end(&mut stream));
        timed.turns_until(|story| story.has("disconnected"));
        timed.turns_until(|_| peer.is_done());
        let (Ending::Closed(came) | Ending::Reset(came)) = peer.join();
        assert!(came.len() / 17 >= sent, "{form:?}: {} of {sent} lines", came.len() / 17);
        timed.assert_over_in_time();
    }
}

#[test]
fn each_is_told_once_and_may_say_good_bye_or_call_itself_busy() {
    for form in FORMS {
        let server = lines().client_draining(|story, client| {
            story.tell("draining");
            assert!(client.clients().is_draining());
            client.put("good-bye");
            client.set_busy(true);
            client.delay(&DONE, SECOND, ());
        });
        let server = server.on_client(&DONE, |_, client, ()| client.set_busy(false));
        let mut timed = Timed::open(form, server);
        let mut stream = timed.connect();
        timed.drain(MINUTE);
        timed.drain(MINUTE);
        timed.house.turns(10);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        timed.pass(SECOND);
        assert!(timed.house.story.has("disconnected"), "{form:?}");
        assert_eq!(timed.house.story.count("draining"), 1, "{form:?}");
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(b"good-bye\r\n".into()));
        drop(stream);
        timed.house.turns(10);
        assert!(timed.is_over());
    }
}

#[test]
fn nobody_stays_beyond_the_time_and_nobody_goes_before() {
    for form in FORMS {
        for (first, then) in
            [(10 * SECOND, None), (MINUTE, Some(10 * SECOND)), (SECOND, Some(10 * SECOND))]
        {
            let server = holding().on_client(&DONE, |_, _, ()| ());
            let mut timed = Timed::open(form, server);
            let mut streams = [timed.connect(), timed.connect(), timed.connect(), timed.connect()];
            streams[0].write_all(b"hold\n").expect("write");
            streams[1].write_all(b"half").expect("write");
            streams[2].write_all(b"much\n").expect("write");
            timed.turns_until(|story| story.has("hold") && story.has("much"));
            timed.house.turns(5);
            timed.drain(first);
            if let Some(then) = then {
                timed.drain(then);
            }
            timed.pass(10 * SECOND - MILLI);
            assert_eq!(timed.house.story.count("disconnected"), 1, "{form:?}");
            timed.pass(MILLI);
            assert!(timed.is_over(), "{form:?}, {first:?}, {then:?}: {:?}", timed.house.kernel);
            let told = timed.house.story.told();
            assert_eq!(timed.house.story.count("disconnected"), 4, "{form:?}: {told:?}");
            assert_eq!(timed.house.story.count("draining"), 4, "{form:?}: {told:?}");
            assert_eq!(told.last().expect("some"), "stopped");
            assert_eq!(timed.house.kernel.event_count(), 0);
        }
    }
}

#[test]
fn no_time_at_all_is_time_for_the_idle_and_for_nobody_else() {
    for form in FORMS {
        let mut timed = Timed::open(form, holding());
        let mut streams = [timed.connect(), timed.connect()];
        streams[0].write_all(b"hold\n").expect("write");
        timed.turns_until(|story| story.has("hold"));
        timed.house.post(&DRAIN, Duration::ZERO);
        timed.house.turns(10);
        assert!(timed.is_over(), "{form:?}");
        let told = timed.house.story.told();
        let end = ["draining", "draining", "disconnected", "disconnected", "stopped"];
        let mut tail = told[told.len() - 5..].to_vec();
        tail[..4].sort_by_key(|told| told == "disconnected");
        assert_eq!(tail, end, "{form:?}");
    }
}

#[test]
fn all_the_time_there_is_is_never_over() {
    for form in FORMS {
        let mut timed = Timed::open(form, holding().on_client(&DONE, |_, _, ()| ()));
        let mut stream = timed.connect();
        stream.write_all(b"hold\n").expect("write");
        timed.turns_until(|story| story.has("hold"));
        timed.drain(Duration::MAX);
        timed.pass(4 * MINUTE);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        stream.shutdown(Shutdown::Write).expect("shutdown");
        timed.turns_until(|story| story.has("disconnected"));
        drop(stream);
        timed.house.turns(10);
        assert!(timed.is_over(), "{form:?}");
    }
}

#[test]
fn a_connection_may_drain_its_server_and_goes_itself_when_it_is_done() {
    for form in FORMS {
        let server = lines().client_input(|story, client, line| {
            story.tell(String::from_utf8_lossy(&line));
            client.put("draining");
            client.clients().drain(MINUTE);
        });
        let mut timed = Timed::open(form, server);
        let (idle, mut stream) = (timed.connect(), timed.connect());
        stream.write_all(b"drain\n").expect("write");
        timed.turns_until(|story| story.count("disconnected") == 2);
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(b"draining\r\n".into()));
        assert_eq!(timed.house.story.count("draining"), 2, "{form:?}");
        drop((idle, stream));
        timed.assert_over_in_time();
    }
}

#[test]
fn timers_of_a_connection_that_is_idle_keep_nobody() {
    for form in FORMS {
        let server = lines().client_connected(|story, client| {
            story.tell("connected");
            client.delay(&DONE, 3600 * SECOND, ());
        });
        let mut timed = Timed::open(form, server);
        let stream = timed.connect();
        timed.drain(MINUTE);
        drop(stream);
        timed.assert_over_in_time();
    }
}

#[test]
fn a_server_that_was_shut_down_still_drains() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines());
        let stream = timed.connect();
        timed.house.post(&SHUTDOWN, ());
        timed.house.turns(3);
        assert!(!timed.house.story.has("disconnected"), "{form:?}");
        timed.drain(MINUTE);
        assert!(timed.house.story.has("disconnected"), "{form:?}");
        drop(stream);
        timed.assert_over_in_time();
    }
}

#[test]
fn those_behind_a_draining_that_panics_are_told_too() {
    let server = lines().client_draining(|story, _| {
        story.tell("draining");
        panic!("in draining")
    });
    let clock = Clock::virtual_time();
    let kernel = Kernel::builder().clock(clock).on_exception(OnException::Isolate);
    let mut house = House::open_in(Form::Shared, kernel, server);
    let streams = [house.connect(), house.connect(), house.connect()];
    house.story.take();
    house.post(&DRAIN, MINUTE);
    house.turns(10);
    let told = ["draining", "draining", "draining", "disconnected", "disconnected", "disconnected"];
    assert_eq!(house.story.told()[..6], told);
    drop(streams);
    house.end();
}

#[test]
fn what_else_a_server_has_is_let_go_when_it_begins_to_drain() {
    const TICK: Event<()> = Event::new("tick");
    for form in FORMS {
        let server = lines()
            .started(|story, cx| {
                story.tell("started");
                cx.delay(&TICK, MINUTE, ());
            })
            .on(&TICK, |_, _, ()| unreachable!("it was taken back"))
            .draining(|story, clients| {
                story.tell("the server drains");
                assert!(clients.is_draining() && clients.local_addrs().is_empty());
                assert_eq!(clients.cx().alarm_clear(&TICK), 1);
            });
        let mut timed = Timed::open(form, server);
        let streams = [timed.connect(), timed.connect()];
        timed.house.story.take();
        timed.drain(2 * MINUTE);
        timed.drain(2 * MINUTE);
        let told = timed.house.story.told();
        let count = |what| told.iter().filter(|told| **told == what).count();
        assert_eq!(told[0], "the server drains", "{form:?}");
        assert_eq!((count("the server drains"), count("draining")), (1, 2), "{form:?}: {told:?}");
        drop(streams);
        timed.assert_over_in_time();
    }
}

#[test]
fn what_a_server_keeps_when_it_drains_keeps_it_until_its_time_is_up() {
    const TICK: Event<()> = Event::new("tick");
    for form in FORMS {
        let server = lines()
            .draining(|_, clients| clients.cx().delay(&TICK, SECOND, ()))
            .on(&TICK, |story, _, ()| story.tell("tick"));
        let mut timed = Timed::open(form, server);
        timed.drain(MINUTE);
        assert!(!timed.is_over(), "{form:?}");
        timed.pass(SECOND);
        assert!(timed.is_over(), "{form:?}");
        assert_eq!(timed.house.story.told(), ["tick", "stopped"], "{form:?}");
    }
}

#[test]
fn a_server_that_is_shut_down_does_not_drain() {
    for form in FORMS {
        let mut timed = Timed::open(form, lines().draining(|_, _| panic!("it does not")));
        timed.house.post(&SHUTDOWN, ());
        timed.house.turns(5);
        timed.assert_over_in_time();
    }
}

#[test]
fn an_acceptor_is_told_that_it_drains() {
    let mut kernel = Kernel::new().expect("a kernel");
    let story = Story::default();
    let server = TcpServer::acceptor(|_: &mut Story, _, _| ())
        .listen("127.0.0.1:0")
        .draining(|story, _| story.tell("draining"))
        .stopped(|story, _| story.tell("stopped"));
    let session = server.spawn(&mut kernel, story.clone());
    kernel.post(session, &DRAIN, MINUTE).expect("it is there");
    net::run_to_end(&mut kernel);
    assert_eq!(story.told(), ["draining", "stopped"]);
}

#[test]
fn connections_are_told_though_the_server_fails_to_hear_that_it_drains() {
    let changes: [fn(Server) -> Server; 2] = [
        |server| server.draining(|_, _| Err("in draining")),
        |server| server.draining(|_, _| panic!("in draining")),
    ];
    for change in changes {
        let server = change(lines()).started(|_, cx| cx.sig("DIE", "died")).on(
            "died",
            |story, clients, _: Signal| {
                story.tell("died");
                clients.cx().sig_handled();
            },
        );
        let mut timed = Timed::open(Form::Shared, server);
        let streams = [timed.connect(), timed.connect()];
        timed.house.story.take();
        timed.drain(MINUTE);
        timed.house.turns(5);
        let told = ["draining", "draining", "died", "disconnected", "disconnected"];
        assert_eq!(timed.house.story.told()[..5], told);
        drop(streams);
        timed.assert_over_in_time();
    }
}
