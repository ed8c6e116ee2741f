//! Callbacks of servers that give an error back: whose failure that is, and what goes on though they did.
//!
//! That what is told of connections holds all the same is for `server_havoc.rs`.

use std::cell::Cell;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use bytes::Bytes;
use components::{DRAIN, SHUTDOWN, TcpServer};
use reactor::{Clock, Context, Death, Event, Kernel, KernelBuilder, OnException, Signal, States};
use testkit::net::{self, Peer};
use wheels::Failure;
use wheels::filter::Line;

use crate::server_kit::{FORMS, Form, Guest, House, SECOND, Server, Story, lines, telling};

const END: Event<()> = Event::new("end");

type Result<E = &'static str> = std::result::Result<(), E>;
type Case = (&'static str, fn(Server) -> Server);

/// A server for which somebody waits already, who says a line, ends, and takes what comes.
fn visited(form: Form, change: fn(Server) -> Server) -> (House, Peer<()>) {
    let (listener, addr) = net::listener();
    let server = TcpServer::new(Line::new).listen_on([OwnedFd::from(listener)]);
    let mut stream = net::connect(addr);
    stream.write_all(b"hello\n").expect("write");
    stream.shutdown(Shutdown::Write).expect("shutdown");
    let visitor = Peer::play(move || {
        let _ended = io::copy(&mut stream, &mut io::sink());
    });
    (House::start_in(form, Kernel::builder(), change(telling(server))), visitor)
}

const MARK: usize = 1 << 20;

/// More than the system takes at once.
fn put_much(_: &mut Story, client: &mut Guest<'_>, _: Bytes) {
    while client.unsent() < 2 * MARK {
        client.put(vec![b'x'; MARK]);
    }
}

/// Each callback, with an error that says which it is.
const CASES: &[Case] = &[
    ("started", |server| server.started(|_, _| Err("started"))),
    ("listening", |server| server.listening(|_, _, _| Err("listening"))),
    ("refused for its address", |server| {
        server.per_address(0).refused(|_, _, _| Err("refused for its address"))
    }),
    ("refused by pre-connect", |server| {
        let server = server.client_pre_connect(|_, _, _| None);
        server.refused(|_, _, _| Err("refused by pre-connect"))
    }),
    ("connected", |server| server.client_connected(|_, _| Err("connected"))),
    ("input", |server| server.client_input(|_, _, _| Err("input"))),
    ("flushed", |server| server.client_flushed(|_, _| Err("flushed"))),
    ("high", |server| server.client_input(put_much).client_high(MARK, |_, _| Err("high"))),
    ("low", |server| {
        let server = server.client_input(put_much).client_high(MARK, |_, _| ());
        server.client_low(1, |_, _| Err("low"))
    }),
    ("error", |server| server.client_error(|_, _, _: Failure| Err("error"))),
    ("disconnected", |server| server.client_disconnected(|_, _| Err("disconnected"))),
    ("an event of a connection", |server| {
        let server = server.client_connected(|_, client| client.yield_(&END, ()));
        server.on_client(&END, |_, _, ()| Err("an event of a connection"))
    }),
    ("an event of the server", |server| {
        let server = server.started(|_, cx| cx.yield_(&END, ()));
        server.try_on(&END, |_, _, ()| Result::<&str>::Err("an event of the server"))
    }),
    ("draining", |server| {
        let server = server.client_connected(|_, client| client.clients().drain(SECOND));
        server.draining(|_, _| Err("draining"))
    }),
    ("draining of a connection", |server| {
        let server = server.stay_on_error();
        let server = server.client_error(|_, client, _| client.clients().drain(SECOND));
        server.client_draining(|_, _| Err("draining of a connection"))
    }),
    ("stopped", |server| {
        let server = server.client_disconnected(|_, client| client.clients().shutdown());
        server.stopped(|_, _| Err("stopped"))
    }),
];

#[test]
fn the_error_of_any_callback_is_what_the_program_ends_with() {
    for form in FORMS {
        for (place, change) in CASES {
            let (mut house, visitor) = visited(form, *change);
            let error = house.kernel.run().expect_err("it failed");
            assert_eq!(error.to_string(), *place, "{form:?}");
            assert_eq!(house.kernel.session_count(), 0, "{form:?}, {place}");
            visitor.join();
            if !TELL_LESS.contains(place) {
                let told = house.story;
                let (begun, ended) = (told.count("connected"), told.count("disconnected"));
                assert_eq!(begun, ended, "{form:?}, {place}: {:?}", told.told());
            }
        }
    }
}

/// Of the cases those that do not tell when they are connected, or disconnected.
const TELL_LESS: [&str; 5] =
    ["connected", "disconnected", "an event of a connection", "draining", "stopped"];

#[test]
fn a_server_that_cannot_listen_can_be_the_end_of_its_program() {
    for form in FORMS {
        let taken = TcpListener::bind("127.0.0.1:0").expect("bind");
        let server = lines().listen(taken.local_addr().expect("an address"));
        let server = server.error(|_, _, failure| Err(failure));
        let error = House::start_in(form, Kernel::builder(), server).kernel.run();
        let error = error.expect_err("it failed");
        assert_eq!(error.to_string(), "bind: Address already in use");
    }
}

/// A server whose parent is told each death and calls it handled. Its own session hears nothing of it.
fn forgiven(form: Form, kernel: KernelBuilder, server: Server) -> House {
    let server = match form {
        Form::Shared => server,
        Form::Own => server.session_per_client(),
    };
    let (mut kernel, story) = (kernel.build().expect("a kernel"), Story::default());
    let id = Rc::new(Cell::new(None));
    let parent = States::new()
        .on_start({
            let (id, server, story) = (Rc::clone(&id), Cell::new(Some(server)), story.clone());
            move |_: &mut Story, cx: &mut Context<'_>, ()| {
                cx.sig("DIE", "died").expect("a name");
                id.set(server.take().map(|server| server.spawn(cx, story.clone())));
            }
        })
        .on("died", |story: &mut Story, cx: &mut Context<'_>, signal: Signal| {
            let death = signal.payload::<Death>().expect("a death");
            let error = death.error.trim_start_matches("panic: ");
            story.tell(format!("died: {error} in {}", death.place));
            cx.sig_handled();
        });
    kernel.spawn(&parent, story.clone());
    let server = id.get().expect("it was started");
    let mut house = House { kernel, server, story };
    house.run_until_told("listening");
    house.story.take();
    house
}

/// What callbacks began before they failed, each a way to end.
const BEGUN: &[Case] = &[
    ("connected", |server| {
        server.client_connected(|story, client| {
            story.tell("connected");
            client.put("bye");
            client.shutdown();
            Err("oh")
        })
    }),
    ("input", |server| {
        server.client_input(|_, client, line| {
            client.put(line);
            client.shutdown();
            Err("oh")
        })
    }),
    ("flushed", |server| {
        server.client_flushed(|_, client| {
            client.abort();
            Err("oh")
        })
    }),
    ("error", |server| server.client_error(|_, _, _| Err("oh"))),
    ("disconnected", |server| {
        server.client_disconnected(|story, _| {
            story.tell("disconnected");
            Err("oh")
        })
    }),
    ("an event", |server| {
        let server = server.client_input(|_, client, _| client.yield_(&END, ()));
        server.on_client(&END, |_, client, ()| {
            client.shutdown();
            Err("oh")
        })
    }),
];

#[test]
fn an_error_that_is_handled_leaves_nothing_behind() {
    for form in FORMS {
        for (place, change) in BEGUN {
            let server = change(lines().concurrency(1));
            let mut house = forgiven(form, Kernel::builder(), server);
            for _ in 0..2 {
                let mut stream = house.connect();
                let _said = stream.write_all(b"hello\n");
                house.turns(3);
                let _ended = stream.shutdown(Shutdown::Write);
                house.run_until_told("disconnected");
                house.run_until("the death", |story| has_died(story) == 1);
                drop(stream);
                house.turns(5);
                let told = house.story.clone();
                let counts = (told.count("connected"), told.count("disconnected"), has_died(&told));
                assert_eq!(counts, (1, 1, 1), "{form:?}, {place}: {:?}", told.told());
                house.story.take();
            }
            house.post(&SHUTDOWN, ());
            assert_eq!(house.end(), ["stopped"], "{form:?}, {place}");
        }
    }
}

fn has_died(story: &Story) -> usize {
    story.told().iter().filter(|told| told.starts_with("died: oh in its handler of ")).count()
}

#[test]
fn a_failure_is_seen_to_before_anything_else_is_told() {
    for form in FORMS {
        let server = lines().client_input(|story, client, _| {
            story.tell("input");
            client.abort();
            Err("oh")
        });
        let mut house = forgiven(form, Kernel::builder(), server);
        let mut stream = house.connect();
        stream.write_all(b"hello\n").expect("write");
        house.run_until_told("disconnected");
        let told = house.story.take();
        assert_eq!(
            (&told[..2], &told[3..]),
            (&["connected", "input"].map(String::from)[..], &["disconnected".into()][..])
        );
        assert!(told[2].starts_with("died: oh"), "{form:?}: {told:?}");
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn p22_an_error_of_one_connection_with_a_session_of_its_own_leaves_the_others() {
    let server = lines().client_input(|story, client, line| match &line[..] {
        b"fail" => Err("oh"),
        _ => {
            story.tell("answered");
            client.put(line);
            Ok(())
        }
    });
    let mut house = House::open_isolated(Form::Own, server);
    let (mut one, mut other) = (house.connect(), house.connect());
    one.write_all(b"fail\n").expect("write");
    house.run_until_told("disconnected");
    other.write_all(b"go on\n").expect("write");
    house.run_until_told("answered");
    house.post(&SHUTDOWN, ());
    drop((one, other));
    house.end();
}

#[test]
fn an_event_may_answer_and_may_fail() {
    const DIVIDE: Event<u32, u32> = Event::new("divide");
    const PLAIN: Event<u32, Result<String>> = Event::new("plain");
    let server = lines()
        .try_on(&DIVIDE, |_, _, by: u32| 100_u32.checked_div(by).ok_or("by zero"))
        .on(&PLAIN, |_, _, number: u32| Result::Err(number.to_string()));
    let mut house = forgiven(Form::Shared, Kernel::builder(), server);
    assert_eq!(house.kernel.call(house.server, &DIVIDE, 7).expect("it answers"), 14);
    house.kernel.call(house.server, &DIVIDE, 0).expect_err("it fails");
    // The answer to who asked, and nobody's failure.
    let answer = house.kernel.call(house.server, &PLAIN, 7).expect("it answers");
    assert_eq!(answer, Err("7".into()));
    house.turns(3);
    assert_eq!(house.story.take(), ["died: by zero in its handler of divide"]);
    house.post(&SHUTDOWN, ());
    house.end();
}

#[test]
fn an_acceptor_that_fails_has_not_accepted() {
    let mut kernel = Kernel::new().expect("a kernel");
    let story = Story::default();
    let server = TcpServer::acceptor(|story: &mut Story, _, _| {
        story.tell("accepted");
        Err("no room")
    });
    let server = server
        .listen("127.0.0.1:0")
        .concurrency(1)
        .started(|_, cx| cx.sig("DIE", "died"))
        .on("died", |_, clients, _: Signal| clients.cx().sig_handled())
        .listening(|story, _, up| story.tell(up.local_addr.to_string()));
    let session = server.spawn(&mut kernel, story.clone());
    net::run_until(&mut kernel, "it listens", || !story.told().is_empty());
    let addr = story.take()[0].parse().expect("an address");
    let streams = net::connect_all(addr, 3);
    net::run_until(&mut kernel, "all", || story.count("accepted") == 3);
    drop(streams);
    kernel.post(session, &SHUTDOWN, ()).expect("it is there");
    net::run_to_end(&mut kernel);
}

#[test]
fn a_drain_does_not_wait_for_who_has_failed_with_the_last_that_came() {
    for form in FORMS {
        for panics in [false, true] {
            let clock = Clock::virtual_time();
            let server = lines().client_input(move |story, client, line| {
                story.tell(String::from_utf8_lossy(&line));
                if line == "pause" {
                    client.pause_input();
                    client.delay(&END, SECOND, ());
                    return Ok(());
                }
                assert!(!panics, "oh");
                Err("oh")
            });
            let server = server.on_client(&END, |_, client, ()| client.resume_input());
            let kernel = Kernel::builder().clock(clock.clone());
            let mut house = forgiven(form, kernel, server);
            let mut stream = net::connect(house.addr());
            stream.write_all(b"pause\nlast\n").expect("write");
            house.run_until_zero("pause");
            house.post(&DRAIN, 60 * SECOND);
            house.turns(5);
            assert!(!house.story.has("disconnected"), "{form:?}: something has come");
            clock.advance(SECOND);
            house.run_until_zero("last");
            house.turns(5);
            assert!(house.story.has("disconnected"), "{form:?}, {panics}");
            drop(stream);
            house.end();
        }
    }
}

#[test]
fn of_several_failures_at_the_end_the_first_is_told() {
    for form in FORMS {
        let server = lines()
            .client_disconnected(|story, _| {
                story.tell("disconnected");
                Err("disconnected")
            })
            .stopped(|story, _| -> Result {
                story.tell("stopped");
                panic!("stopped")
            });
        let kernel = Kernel::builder().on_exception(OnException::Stop);
        let mut house = House::open_in(form, kernel, server);
        let _streams = [house.connect(), house.connect()];
        house.story.take();
        house.kernel.stop();
        let error = house.kernel.run().expect_err("it failed");
        assert_eq!(error.to_string(), "disconnected", "{form:?}");
        assert_eq!(house.story.count("disconnected"), 2, "{form:?}");
        assert_eq!(house.story.told().last().expect("some"), "stopped", "{form:?}");
    }
}
