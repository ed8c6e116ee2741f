//! Limits of time and of bytes, in virtual time where time is the subject.

use std::cell::Cell;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use components::Reconnect;
use reactor::{Clock, Context, Kernel, States};
use testkit::net::{self, Ending, Reserved, Silent};
use testkit::story::Story;
use wheels::{Put, SocketFactory};

use crate::client_support::{
    Client, HOUR, MINUTE, Notes, SECOND, client, read_lines, run, run_in_virtual_time, serve,
};

/// A server that never says nor reads anything: what has connected to it waits there.
fn mute() -> (TcpListener, Client) {
    let (listener, addr) = net::listener();
    (listener, client().connect(addr))
}

/// Runs a client that is ended by a limit; what was told between `connected` and `disconnected`, and when.
fn limited(client: Client) -> (String, Duration) {
    let (told, took) = run_in_virtual_time(client.linger(Duration::ZERO));
    let [started, connected, failure, disconnected, stopped] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(
        [started, connected, disconnected, stopped],
        ["started", "connected", "disconnected", "stopped"]
    );
    (failure.clone(), took)
}

#[test]
fn a_server_that_says_nothing_is_left_when_it_is_idle_for_too_long() {
    let (_listener, client) = mute();
    let (failure, took) = limited(client.idle_timeout(MINUTE));
    assert!(failure.starts_with("idle_timeout: "), "{failure}");
    assert_eq!(took, MINUTE);
}

#[test]
fn a_server_that_never_ends_its_line_is_left() {
    let (listener, client) = mute();
    let held = Notes::default();
    let client = client.frame_timeout(7 * SECOND).connected(move |story, _| {
        story.tell("connected");
        let (peer, _) = listener.accept().expect("it is made");
        crate::client_support::write(&peer, "half a l");
        held.borrow_mut().push(peer);
    });
    let (failure, took) = limited(client);
    assert!(failure.starts_with("frame_timeout: "), "{failure}");
    assert_eq!(took, 7 * SECOND);
}

#[test]
fn a_connection_lasts_no_longer_than_it_may() {
    let (_listener, client) = mute();
    let (failure, took) = limited(client.lifetime(HOUR));
    assert!(failure.starts_with("lifetime: "), "{failure}");
    assert_eq!(took, HOUR);
}

#[test]
fn a_server_that_takes_nothing_is_left_after_a_minute_or_when_it_was_said() {
    for (time, expected) in [(None, MINUTE), (Some(5 * SECOND), 5 * SECOND)] {
        let (_listener, mut client) = mute();
        if let Some(time) = time {
            client = client.stall_timeout(time);
        }
        let (failure, took) = limited(client.connected(|story, server| {
            story.tell("connected");
            server.put("x".repeat(12 << 20));
        }));
        assert!(failure.starts_with("stall_timeout: "), "{failure}");
        assert_eq!(took, expected);
    }
}

#[test]
fn nothing_but_a_stall_is_limited_unless_it_was_said() {
    let (_listener, client) = mute();
    let client = client.stall_timeout(None).connected(|story, server| {
        story.tell("connected");
        server.put("x".repeat(12 << 20));
        server.delay("enough", 1000 * HOUR, ());
    });
    let (told, took) = run_in_virtual_time(client.on("enough", |_, server, ()| server.abort()));
    assert_eq!(told, ["started", "connected", "disconnected", "stopped"]);
    assert_eq!(took, 1000 * HOUR);
}

#[test]
fn no_more_is_kept_for_a_server_than_may_be() {
    let (_listener, client) = mute();
    let client = client.most_unsent(1 << 20).connected(|story, server| {
        story.tell("connected");
        let line = "x".repeat(1 << 20);
        let refused =
            (0..100).find(|_| server.put(line.clone()) == Put::Refused(line.clone().into()));
        assert!(refused.is_some());
    });
    let (failure, took) = limited(client);
    assert!(failure.starts_with("output_limit: "), "{failure}");
    assert_eq!(took, Duration::ZERO);
}

#[test]
fn a_server_that_does_not_close_is_waited_for_as_long_as_was_said() {
    let (_listener, client) = mute();
    let client = client.linger(9 * SECOND).connected(|story, server| {
        story.tell("connected");
        server.shutdown();
    });
    let (told, took) = run_in_virtual_time(client);
    assert_eq!(told, ["started", "connected", "disconnected", "stopped"]);
    assert_eq!(took, 9 * SECOND, "its session stays for that");
}

#[test]
fn a_connection_that_is_not_made_in_time_has_failed_to_the_millisecond() {
    let silent = Silent::new();
    let timeout = Duration::from_millis(1_234);
    let (told, took) = run_in_virtual_time(client().connect(silent.addr).connect_timeout(timeout));
    assert_eq!(told, ["started", "connect: Connection timed out", "stopped"]);
    assert_eq!(took, timeout);
}

#[test]
fn every_try_has_the_time_that_was_said() {
    let silent = Silent::new();
    let client = client()
        .connect(silent.addr)
        .connect_timeout(SECOND)
        .connect_error(|story, server, _| {
            story.tell("failed");
            server.reconnect_after(SECOND);
        })
        .reconnect(Reconnect::new());
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let story = Story::default();
    client.spawn(&mut kernel, story.clone());
    let began = kernel.now();
    let mut count = 0;
    while count < 4 {
        kernel.run_one_turn(HOUR).expect("a turn");
        count += story.take().iter().filter(|line| *line == "failed").count();
    }
    assert_eq!(kernel.now() - began, 7 * SECOND);
}

#[test]
fn a_name_that_is_never_found_takes_no_longer_either() {
    // Who looks names up is stuck.
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock).workers(1).build().expect("a kernel");
    let (release, stuck) = mpsc::channel::<()>();
    let stuck = Cell::new(Some(stuck));
    let jam = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let stuck = stuck.take().expect("a session starts once");
        cx.run_blocking(move || stuck.recv().is_ok(), "released").expect("a thread").release();
    });
    kernel.spawn(&jam, ());
    let story = Story::default();
    let timeout = Duration::from_millis(1_234);
    let client = client().connect("silent.invalid:1").connect_timeout(timeout);
    client.spawn(&mut kernel, story.clone());
    let began = kernel.now();
    while !story.take().contains(&"stopped".to_owned()) {
        kernel.run_one_turn(HOUR).expect("a turn");
    }
    assert_eq!(kernel.now() - began, timeout);
    drop(release);
}

#[test]
fn what_a_factory_was_told_is_done() {
    let near = Reserved::new([127, 0, 0, 1]);
    let (server, addr) = serve(|stream| stream.peer_addr().expect("the peer's address"));
    let factory = SocketFactory::builder()
        .bind_address(near.addr.ip())
        .bind_port(near.addr.port())
        .reuse(true)
        .remote(addr);
    let told = run(client().connect("203.0.113.1:9").factory(factory));
    assert_eq!(told[..2], ["started", "connected"]);
    assert_eq!(server.join(), near.addr);
}

#[test]
fn a_host_has_a_name() {
    let (server, addr) = serve(drop);
    let told = run(client().connect(("localhost", addr.port())));
    assert_eq!(told[..2], ["started", "connected"]);
    server.join();
    let told = run(client().connect(("no-such-host.invalid", addr.port())));
    assert!(told[1].starts_with("getaddrinfo: "), "{told:?}");
}

#[test]
fn marks_are_told_when_they_are_passed_and_a_source_can_be_held_up_by_them() {
    let (server, addr) = serve(|stream| read_lines(&stream).len());
    let heights = Notes::<usize>::default();
    let noted = Rc::clone(&heights);
    let client = client()
        .connect(addr)
        .server_high(1 << 20, move |story, server| {
            noted.borrow_mut().push(server.unsent());
            story.tell("high");
        })
        .server_low(1 << 10, |story, server| {
            assert!(server.unsent() <= 1 << 10);
            story.tell("low");
            server.shutdown();
        })
        .connected(|story, server| {
            story.tell("connected");
            let line = "x".repeat(1 << 16);
            while server.put(line.clone()) == Put::Queued {}
        });
    assert_eq!(run(client), ["started", "connected", "high", "low", "disconnected", "stopped"]);
    assert!(heights.borrow()[0] >= 1 << 20);
    assert!(server.join() > 16);
}

#[test]
fn input_can_be_held_up_by_the_wheel() {
    let (server, addr) = serve(|mut stream| {
        crate::client_support::write(&stream, "one\r\ntwo\r\n");
        net::read_to_end(&mut stream)
    });
    let client = client()
        .connect(addr)
        .server_input(|story, server, line| {
            story.tell(String::from_utf8_lossy(&line));
            if line == "two" {
                return server.shutdown();
            }
            let (wheel, cx) = server.parts();
            wheel.expect("it is connected").pause_input(cx);
            server.yield_("go on", ());
            server.yield_("later", ());
        })
        .on("go on", |story, _, ()| story.tell("go on"))
        .on("later", |_, server, ()| {
            let (wheel, cx) = server.parts();
            wheel.expect("it is connected").resume_input(cx);
        });
    let expected = ["started", "connected", "one", "go on", "two", "disconnected", "stopped"];
    assert_eq!(run(client), expected);
    assert_eq!(server.join(), Ending::Closed(Vec::new()));
}
