//! Callbacks of clients that panic or give an error back: it is the session's failure, and what they asked for
//! is done all the same.

use std::cell::Cell;
use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};

use components::{CONNECT, Reconnect};
use reactor::{Clock, Context, Death, Event, Kernel, OnException, Signal, States};
use testkit::net::{self, Refusing};
use testkit::story::Story;

use crate::client_support::{At, Client, SECOND, client, read_line, read_lines, serve, start};

const END: Event<()> = Event::new("end");
const LATER: Event<()> = Event::new("later");

type Result = std::result::Result<(), &'static str>;
type Case = (&'static str, fn(Client) -> Client);

/// Says a line, takes what comes, and ends when the client does, in whatever way.
fn talk(stream: TcpStream) {
    let _said = (&stream).write_all(b"hello\r\n");
    let _ended = io::copy(&mut &stream, &mut io::sink());
}

const MARK: usize = 1 << 20;

/// More than the system takes at once.
fn put_much(server: &mut At<'_>) {
    let line = "x".repeat(MARK);
    while server.unsent() < 2 * MARK {
        server.put(line.clone());
    }
}

/// Each callback, with an error that says which it is.
const CASES: &[Case] = &[
    ("started", |client| client.started(|_, _| Err("started"))),
    ("refused", |client| client.pre_connect(|_, _, _| None).refused(|_, _| Err("refused"))),
    ("connected", |client| client.connected(|_, _| Err("connected"))),
    ("input", |client| client.server_input(|_, _, _| Err("input"))),
    ("flushed", |client| client.server_flushed(|_, _| Err("flushed"))),
    ("high", |client| {
        client.server_input(|_, server, _| put_much(server)).server_high(MARK, |_, _| Err("high"))
    }),
    ("low", |client| {
        let client = client.server_input(|_, server, _| put_much(server));
        client.server_high(MARK, |_, _| ()).server_low(1, |_, _| Err("low"))
    }),
    ("disconnected", |client| client.disconnected(|_, _| Err("disconnected"))),
    ("an event", |client| {
        let client = client.started(|_, cx| cx.yield_(&END, ()));
        client.try_on(&END, |_, _, ()| Result::Err("an event"))
    }),
    ("stopped", |client| client.stopped(|_, _| Err("stopped"))),
];

#[test]
fn the_error_of_any_callback_is_what_the_program_ends_with() {
    for (place, change) in CASES {
        let (server, addr) = serve(talk);
        let client = client().connect(addr).server_input(|_, server, line| {
            server.put(line);
            server.shutdown();
        });
        let (mut kernel, _) = start(change(client));
        let error = kernel.run().expect_err("it failed");
        assert_eq!(error.to_string(), *place);
        assert_eq!(kernel.session_count(), 0, "{place}");
        // If it never came, the server waits for somebody.
        drop(TcpStream::connect(addr));
        drop(server);
    }
}

#[test]
fn errors_about_servers_that_are_not_there_are_what_the_program_ends_with() {
    let refusing = Refusing::new();
    let client = |change: fn(Client) -> Client| {
        let client = client().connect(refusing.addr).reconnect(Reconnect::new().attempts(1));
        start(change(client)).0.run().expect_err("it failed").to_string()
    };
    let error = client(|client| client.connect_error(|_, _, failure| Err(failure)));
    assert!(error.starts_with("connect: Connection refused"), "{error}");
    assert_eq!(client(|client| client.gave_up(|_, _| Err("gave up"))), "gave up");

    let (server, addr) = serve(drop);
    let client = crate::client_support::client().connect(addr);
    let (mut kernel, _) = start(client.server_error(|_, _, failure| Err(failure)));
    assert_eq!(kernel.run().expect_err("it failed").to_string(), "read: end of stream");
    server.join();
}

/// Runs a client, whose parent is told each death and calls it handled. Its own session hears nothing of it.
fn run_forgiven(client: Client) -> Vec<String> {
    run_forgiven_on(Clock::system(), client)
}

fn run_forgiven_on(clock: Clock, client: Client) -> Vec<String> {
    let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
    let (story, client) = (Story::default(), Cell::new(Some(client)));
    let parent = States::new()
        .on_start(move |story: &mut Story, cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("a name");
            client.take().map(|client| client.spawn(cx, story.clone()))
        })
        .on("died", |story: &mut Story, cx: &mut Context<'_>, signal: Signal| {
            let death = signal.payload::<Death>().expect("a death");
            story.tell(format_args!("died: {}", death.error.trim_start_matches("panic: ")));
            cx.sig_handled();
        });
    kernel.spawn(&parent, story.clone());
    kernel.run().expect("the kernel runs to its end");
    story.take()
}

/// By an error or a panic.
fn fail(panics: bool) -> Result {
    assert!(!panics, "oh");
    Err("oh")
}

fn end(server: &mut At<'_>, panics: bool) -> Result {
    server.put("bye");
    server.shutdown();
    fail(panics)
}

type Begun = (&'static str, fn(Client, bool) -> Client);

/// What callbacks asked for before they failed, each a way to end.
const BEGUN: &[Begun] = &[
    ("connected", |client, panics| {
        client.connected(move |story, server| {
            story.tell("connected");
            end(server, panics)
        })
    }),
    ("input", |client, panics| client.server_input(move |_, server, _| end(server, panics))),
    ("flushed", |client, panics| {
        client.server_flushed(move |_, server| {
            server.shutdown();
            fail(panics)
        })
    }),
    ("high", |client, panics| {
        let client = client.server_input(|_, server, _| put_much(server));
        client.server_high(MARK, move |_, server| end(server, panics))
    }),
    ("an event", |client, panics| {
        let client = client.server_input(|_, server, _| server.yield_(&END, ()));
        client.try_on(&END, move |_, server, ()| end(server, panics))
    }),
    ("abort", |client, panics| {
        client.server_input(move |_, server, _| {
            server.abort();
            fail(panics)
        })
    }),
    ("disconnected", |client, panics| {
        client.disconnected(move |story, _| {
            story.tell("disconnected");
            fail(panics)
        })
    }),
    ("refused", |client, panics| {
        client.pre_connect(|_, _, _| None).refused(move |_, _| fail(panics))
    }),
];

#[test]
fn what_a_callback_asked_for_is_done_though_it_fails() {
    for panics in [false, true] {
        for (place, change) in BEGUN {
            let (server, addr) = serve(talk);
            let client = client().connect(addr).alias(*place).server_input(|_, server, line| {
                server.put(line);
                server.delay(&LATER, SECOND, ());
            });
            // By then it is flushed, or whatever else.
            let client = client.on(&LATER, |_, server, ()| server.shutdown());
            let told = run_forgiven(change(client, panics));
            let count = |what| told.iter().filter(|told| **told == what).count();
            let times = usize::from(*place != "refused");
            let counts = (count("connected"), count("disconnected"), count("died: oh"));
            assert_eq!(counts, (times, times, 1), "{place}, {panics}: {told:?}");
            assert_eq!(told.last().expect("some"), "stopped", "{place}, {panics}");
            server.join();
        }
    }
}

#[test]
fn a_connection_that_failed_is_closed_though_it_could_not_be_told() {
    for panics in [false, true] {
        let (server, addr) = serve(|stream| {
            stream.shutdown(Shutdown::Write).expect("shutdown");
            read_lines(&stream)
        });
        let client = client().connect(addr).server_error(move |_, server, _| {
            server.put("last words");
            fail(panics)
        });
        let told = run_forgiven(client);
        assert_eq!(
            told,
            ["started", "connected", "died: oh", "disconnected", "stopped"],
            "{panics}"
        );
        assert_eq!(server.join(), ["last words"]);
    }
}

#[test]
fn a_client_that_fails_to_hear_of_failures_tries_again_all_the_same() {
    for panics in [false, true] {
        let refusing = Refusing::new();
        let client = client().connect(refusing.addr).reconnect(Reconnect::new().attempts(2));
        let client = client.connect_error(move |story, _, _| {
            story.tell("not connected");
            fail(panics)
        });
        let told = run_forgiven_on(Clock::virtual_time(), client);
        let each = ["not connected", "died: oh"];
        assert_eq!(
            told,
            [&["started"], &each[..], &each, &each, &["gave up", "stopped"]].concat(),
            "{panics}"
        );
    }
}

#[test]
fn a_client_that_fails_as_it_starts_connects_if_that_is_handled() {
    let (server, addr) = serve(talk);
    let client = client().connect(addr).server_input(|_, server, _| server.shutdown());
    let told = run_forgiven(client.started(|_, _| fail(false)));
    assert_eq!(told, ["died: oh", "connected", "disconnected", "stopped"]);
    server.join();
}

#[test]
fn a_server_of_which_pre_connect_cannot_say_whether_it_is_right_is_refused() {
    let (server, addr) = serve(talk);
    let client = client().connect(addr).alias("client").reconnect(Reconnect::new());
    let told = run_forgiven(client.pre_connect(|_, _, _| panic!("oh")));
    assert_eq!(told, ["started", "died: oh", "stopped"]);
    server.join();
}

#[test]
fn what_was_kept_is_put_though_connected_fails() {
    for panics in [false, true] {
        let (server, addr) = serve(|stream| read_line(&stream));
        let client = client().keep_unsent();
        let client = client
            .started(move |_, cx| {
                cx.yield_("say", "kept");
                cx.yield_(&CONNECT, addr.into());
            })
            .on("say", |_, server, line: &str| {
                assert_eq!(server.put(line.to_owned()), wheels::Put::Queued);
            })
            .connected(move |story, _| {
                story.tell("connected");
                fail(panics)
            });
        let told = run_forgiven(client);
        let end = "read: end of stream";
        assert_eq!(told, ["connected", "died: oh", end, "disconnected", "stopped"]);
        assert_eq!(server.join(), "kept", "{panics}");
    }
}

#[test]
fn a_client_that_failed_is_stopped_alone() {
    let (server, addr) = serve(talk);
    let mut kernel =
        Kernel::builder().on_exception(OnException::Isolate).build().expect("a kernel");
    let (one, other) = (Story::default(), Story::default());
    let failing = client().connect(addr).server_input(|_, _, _| Err("oh"));
    failing.spawn(&mut kernel, one.clone());
    // Its server says nothing until the other one's is alone.
    let (later, addr) = serve(move |stream| {
        server.join();
        talk(stream);
    });
    let going_on = client().connect(addr).server_input(|_, server, _| server.shutdown());
    going_on.spawn(&mut kernel, other.clone());
    net::run_to_end(&mut kernel);
    later.join();
    assert_eq!(one.take(), ["started", "connected", "stopped"]);
    assert_eq!(other.take(), ["started", "connected", "disconnected", "stopped"]);
}
