//! What others can tell a client's session, in every state of it.

use std::rc::Rc;

use components::{CONNECT, RECONNECT, Reconnect, SHUTDOWN};
use reactor::{Clock, Event, Kernel, SessionId};
use testkit::logs;
use testkit::net::{self, Ending, Refusing, Silent};
use testkit::story::Story;
use wheels::{Endpoint, Put};

use crate::client_support::{
    Client, HOUR, MINUTE, Notes, SECOND, client, read_line, run, serve, serve_all, write,
};

const END: &str = "read: end of stream";

/// A client in virtual time, which has done what can be done without time.
fn settled(client: Client) -> (Kernel, Story, SessionId) {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let story = Story::default();
    let session = client.spawn(&mut kernel, story.clone());
    (kernel, story, session)
}

#[track_caller]
fn assert_ends(kernel: &mut Kernel) {
    net::run_to_end(kernel);
}

#[test]
fn a_client_without_a_place_waits_for_one_by_its_alias() {
    let (server, addr) = serve(|stream| write(&stream, "hello\r\n"));
    let (mut kernel, story, session) = settled(client().alias("client"));
    story.assert(["started"]);
    assert_eq!(kernel.alias_resolve("client"), Some(session));
    kernel.post("client", &CONNECT, Endpoint::from(addr)).expect("it waits");
    assert_ends(&mut kernel);
    story.assert(["connected", "hello", END, "disconnected", "stopped"]);
    server.join();
}

#[test]
fn a_client_without_a_place_that_is_to_connect_again_says_so_and_ends() {
    let (mut kernel, story, session) = settled(client().alias("client"));
    let ((), logged) = logs::capture_warnings(|| {
        kernel.post(session, &RECONNECT, ()).expect("it waits");
        assert_ends(&mut kernel);
    });
    story.assert(["started", "stopped"]);
    assert!(logged[0].text.ends_with("there is no place to connect to"), "{logged:?}");
}

#[test]
fn a_client_goes_to_another_server_when_it_is_told() {
    let (first, one) = serve(|mut stream| {
        let end = net::read_to_end(&mut stream);
        drop(stream);
        end
    });
    let (second, two) = serve(|stream| write(&stream, "second\r\n"));
    let client = client().connect(one).connected(move |story, server| {
        let peer = server.peer().and_then(|peer| peer.as_ip());
        if peer == Some(one) {
            story.tell("at the first");
            server.put("bye");
            server.connect(two);
            assert!(!server.is_connected(), "that is over");
        } else {
            assert_eq!(peer, Some(two));
            story.tell("at the second");
        }
    });
    let expected = [
        "started",
        "at the first",
        "disconnected",
        "at the second",
        "second",
        END,
        "disconnected",
        "stopped",
    ];
    assert_eq!(run(client), expected);
    assert_eq!(first.join(), Ending::Closed(b"bye\r\n".to_vec()), "what was put was sent");
    second.join();
}

#[test]
fn a_connection_is_made_anew_when_it_is_told() {
    let (server, addr) = serve_all(|listener| {
        let mut first = net::accept(listener);
        write(&first, "first\r\n");
        assert_eq!(net::read_to_end(&mut first), Ending::Closed(Vec::new()));
        write(&net::accept(listener), "second\r\n");
    });
    let client = client().connect(addr).server_input(|story, server, line| {
        story.tell(String::from_utf8_lossy(&line));
        if line == "first" {
            server.yield_(&RECONNECT, ());
        }
    });
    let expected = [
        "started",
        "connected",
        "first",
        "disconnected",
        "connected",
        "second",
        END,
        "disconnected",
        "stopped",
    ];
    assert_eq!(run(client), expected);
    server.join();
}

#[test]
fn a_wait_is_over_when_it_is_told_to_connect() {
    let refusing = Refusing::new();
    let client = client().connect(refusing.addr).connect_error(|story, server, _| {
        story.tell("failed");
        server.reconnect_after(HOUR);
    });
    let (mut kernel, story, session) = settled(client);
    let began = kernel.now();
    net::run_until_kernel(&mut kernel, "a failure", |_| {
        !story.take().ends_with(&["started".into()])
    });
    for _ in 0..3 {
        kernel.post(session, &RECONNECT, ()).expect("it waits");
        kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
        net::run_until_kernel(&mut kernel, "a failure", |_| !story.take().is_empty());
    }
    assert!(kernel.now() - began < HOUR);
    kernel.post(session, &SHUTDOWN, ()).expect("it waits");
    kernel.run().expect("run");
    story.assert(["stopped"]);
    assert!(kernel.now() - began < HOUR, "nothing is waited for");
}

#[test]
fn a_client_on_its_way_is_shut_down_without_a_word() {
    let silent = Silent::new();
    let (mut kernel, story, session) =
        settled(client().connect(silent.addr).alias("client").reconnect(Reconnect::new()));
    kernel.post(session, &SHUTDOWN, ()).expect("it is there");
    let began = kernel.now();
    kernel.run().expect("run");
    assert_eq!(kernel.now(), began);
    assert_eq!((kernel.session_count(), kernel.wheel_count()), (0, 0));
    story.assert(["started", "stopped"]);
}

#[test]
fn a_client_on_its_way_begins_again_when_it_is_told() {
    let silent = Silent::new();
    let (server, addr) = serve(|stream| write(&stream, "hello\r\n"));
    let (mut kernel, story, session) = settled(client().connect(silent.addr));
    kernel.post(session, &RECONNECT, ()).expect("it is there");
    kernel.post(session, &CONNECT, Endpoint::from(addr)).expect("it is there");
    assert_ends(&mut kernel);
    story.assert(["started", "connected", "hello", END, "disconnected", "stopped"]);
    server.join();
}

#[test]
fn a_client_that_was_shut_down_can_be_told_to_connect_again() {
    let (server, addr) = serve_all(|listener| {
        for _ in 0..2 {
            write(&net::accept(listener), "hello\r\n");
        }
    });
    let rounds = Notes::<()>::default();
    let client = client()
        .connect(addr)
        .alias("client")
        .server_input(|story, server, _| {
            story.tell(format_args!("{:?}", server.cx().alias_list()));
            server.shutdown();
        })
        .disconnected(move |story, server| {
            story.tell("disconnected");
            if rounds.borrow().is_empty() {
                rounds.borrow_mut().push(());
                server.reconnect();
            }
        });
    let round = ["connected", "[\"client\"]", "disconnected"];
    assert_eq!(run(client), [&["started"], &round[..], &round, &["stopped"]].concat());
    server.join();
}

#[test]
fn a_client_that_ended_and_is_held_by_something_else_can_connect_again() {
    let (server, addr) = serve(|stream| write(&stream, "hello\r\n"));
    let refusing = Refusing::new();
    let client = client()
        .connect(refusing.addr)
        .alias("client")
        .keep_unsent()
        .connect_error(|story, server, failure| {
            story.tell(failure);
            server.delay("later", HOUR, ());
        })
        .on("later", move |story, server, ()| {
            assert_eq!(server.cx().alias_list(), Vec::<String>::new());
            assert_eq!(server.put("to nobody"), Put::Refused("to nobody".into()));
            story.tell("later");
            server.connect(addr);
            assert_eq!(server.cx().alias_list(), Vec::<String>::new(), "not yet");
        })
        .connected(|story, server| {
            assert_eq!(server.cx().alias_list(), ["client"]);
            story.tell("connected");
        });
    let (mut kernel, story, _) = settled(client);
    assert_ends(&mut kernel);
    let expected = [
        "started",
        "connect: Connection refused",
        "later",
        "connected",
        "hello",
        END,
        "disconnected",
        "stopped",
    ];
    story.assert(expected);
    server.join();
}

#[test]
fn an_alias_that_is_anothers_is_logged_and_the_client_works() {
    let (server, addr) = serve(|stream| write(&stream, "hello\r\n"));
    let (mut kernel, _, other) = settled(client().alias("client"));
    let story = Story::default();
    let ((), logged) = logs::capture_warnings(|| {
        client().connect(addr).alias("client").spawn(&mut kernel, story.clone());
        net::run_until(&mut kernel, "its end", || story.take().contains(&"stopped".to_owned()));
    });
    assert_eq!(logged.len(), 1, "{logged:?}");
    assert!(logged[0].text.contains("alias client: "), "{logged:?}");
    assert_eq!(kernel.alias_resolve("client"), Some(other));
    server.join();
}

#[test]
fn events_of_ones_own_have_the_server_at_hand_and_reply() {
    const ASK: Event<String, bool> = Event::new("ask");
    let (server, addr) = serve(|mut stream| (read_line(&stream), net::read_to_end(&mut stream)).0);
    let client = client()
        .connect(addr)
        .on(&ASK, |story, server, question: String| {
            story.tell("asked");
            matches!(server.put(question), Put::Queued)
        })
        .connected(|story, server| {
            story.tell("connected");
            server.delay("early", SECOND, "first");
            server.delay("early", SECOND, "second");
            server.delay("never", MINUTE, "never");
            server.yield_("now", "now");
        })
        .on("now", |story, _, word: &'static str| story.tell(word))
        .on("early", |story, server, word: &'static str| {
            story.tell(word);
            assert!(server.delay_clear("never"));
            assert!(!server.delay_clear("never"), "it was taken back");
            server.yield_("over", ());
        })
        .on("over", |_, server, ()| server.abort())
        .on("never", |story, _, word: &'static str| story.tell(word));
    let (mut kernel, story, session) = settled(client);
    assert_eq!(kernel.call(session, &ASK, "anybody?".to_owned()), Ok(false), "not connected yet");
    let noted = Rc::new(Story::default());
    net::run_until(&mut kernel, "a connection", || {
        story.take().into_iter().for_each(|line| noted.tell(line));
        let told = noted.take();
        told.iter().for_each(|line| noted.tell(line));
        told.contains(&"connected".to_owned())
    });
    assert_eq!(kernel.call(session, &ASK, "who?".to_owned()), Ok(true));
    assert_ends(&mut kernel);
    story.take().into_iter().for_each(|line| noted.tell(line));
    let expected =
        ["started", "asked", "connected", "asked", "now", "second", "disconnected", "stopped"];
    noted.assert(expected);
    assert_eq!(server.join(), "who?");
}
