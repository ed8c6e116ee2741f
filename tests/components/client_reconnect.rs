//! When a client connects again by itself, in virtual time: waits are asserted by their bounds.

use std::cell::Cell;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::{Duration, Instant};

use components::{Reconnect, Server, TcpClient};
use reactor::{Clock, Kernel};
use testkit::net::{self, Refusing};
use wheels::filter::Line;

use crate::client_support::{
    Client, HOUR, MINUTE, Notes, SECOND, client, run_in_virtual_time, serve_all, start_on, write,
};

const REFUSED: &str = "connect: Connection refused";

/// A client that nobody accepts; when each of its tries failed.
fn tries(client: Client) -> (Vec<String>, Vec<Duration>) {
    let times = Notes::<Instant>::default();
    let noted = Rc::clone(&times);
    let refusing = Refusing::new();
    let (told, _) = run_in_virtual_time(client.connect(refusing.addr).connect_error(
        move |story, server, failure| {
            story.tell(failure);
            noted.borrow_mut().push(server.cx().now());
        },
    ));
    let waits = times.borrow().windows(2).map(|pair| pair[1] - pair[0]).collect();
    (told, waits)
}

#[test]
fn a_client_that_was_not_told_to_never_connects_again() {
    let (told, waits) = tries(client());
    assert_eq!(told, ["started", REFUSED, "stopped"]);
    assert_eq!(waits, []);
}

#[test]
fn p62_waits_grow_to_twice_as_long_up_to_the_most_and_then_it_gives_up() {
    let reconnect = Reconnect::new().first(SECOND).most(10 * SECOND).attempts(40);
    let (told, waits) = tries(client().reconnect(reconnect));
    assert_eq!(told.len(), 2 + 41 + 1);
    assert_eq!(told[42..], ["gave up", "stopped"]);
    assert_eq!(waits.len(), 40);
    let ceilings = [1, 2, 4, 8].into_iter().chain(std::iter::repeat(10));
    for (wait, ceiling) in waits.iter().zip(ceilings) {
        assert!(*wait <= ceiling * SECOND, "{waits:?}");
    }
    // The ceiling limits what is drawn, and not the draw: or they would all wait for ten seconds.
    let longest = waits.iter().filter(|wait| **wait == 10 * SECOND).count();
    assert!(longest <= 1, "{waits:?}");
    // A draw of up to ten seconds: forty of them are not all short.
    assert!(waits.iter().max() > Some(&(4 * SECOND)), "{waits:?}");
}

#[test]
fn waits_stay_within_what_can_be_counted() {
    let forever = Reconnect::new().first(Duration::MAX).most(Duration::MAX).attempts(3);
    assert_eq!(tries(client().reconnect(forever)).1.len(), 3);
    let many = Reconnect::new().first(SECOND / 1000).most(SECOND).attempts(100);
    let (_, waits) = tries(client().reconnect(many));
    assert!(waits.len() == 100 && waits.iter().all(|wait| *wait <= SECOND));
}

#[test]
fn a_wait_of_nothing_is_no_circle() {
    let nothing = Reconnect::new().first(Duration::ZERO).most(Duration::ZERO).attempts(1000);
    let (_, waits) = tries(client().reconnect(nothing));
    assert_eq!(waits.len(), 1000);
    assert!(waits.iter().sum::<Duration>() > SECOND / 10, "half a millisecond each");
}

#[test]
fn no_attempts_are_none() {
    let (told, _) = tries(client().reconnect(Reconnect::new().attempts(0)));
    assert_eq!(told, ["started", REFUSED, "gave up", "stopped"]);
}

#[test]
fn a_client_that_gave_up_can_be_told_to_begin_anew() {
    let rounds = Notes::<()>::default();
    let client = client().reconnect(Reconnect::new().attempts(2)).gave_up(move |story, server| {
        story.tell("gave up");
        rounds.borrow_mut().push(());
        if rounds.borrow().len() < 3 {
            server.reconnect();
        }
    });
    let (told, _) = tries(client);
    let round = [REFUSED, REFUSED, REFUSED, "gave up"];
    assert_eq!(told, [&["started"], &round[..], &round, &round, &["stopped"]].concat());
}

#[test]
fn attempts_are_counted_anew_for_another_place() {
    let count = Rc::new(Cell::new(0));
    let (first, other) = (Refusing::new(), Refusing::new());
    let client = client()
        .connect(first.addr)
        .reconnect(Reconnect::new().attempts(2))
        .connect_error(move |story, server, _| {
            story.tell("failed");
            count.set(count.get() + 1);
            if count.get() == 2 {
                server.connect(other.addr);
            }
        });
    let (told, _) = run_in_virtual_time(client);
    // Two at the first place, and three at the other.
    let failed = ["failed"; 5];
    assert_eq!(told, [&["started"], &failed[..], &["gave up", "stopped"]].concat());
}

#[test]
fn p62_clients_that_failed_together_come_back_spread_out() {
    let refusing = Refusing::new();
    let seconds = Notes::<Duration>::default();
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let began = kernel.now();
    for _ in 0..1000 {
        let noted = Rc::clone(&seconds);
        TcpClient::new(Line::new)
            .connect(refusing.addr)
            .reconnect(Reconnect::new().first(5 * SECOND).attempts(1))
            .connect_error(move |tries: &mut u32, server: &mut Server<'_, Line>, _| {
                *tries += 1;
                if *tries == 2 {
                    noted.borrow_mut().push(server.cx().now() - began);
                }
            })
            .spawn(&mut kernel, 0);
    }
    kernel.run().expect("run");
    let seconds = seconds.borrow();
    assert_eq!(seconds.len(), 1000);
    let mut bins = [0; 50];
    for second in seconds.iter() {
        let bin = second.as_millis() / 100;
        bins[usize::try_from(bin).expect("small").min(49)] += 1;
    }
    // Twenty each, on average.
    assert!(bins.iter().all(|bin| *bin <= 60), "{bins:?}");
    assert!(bins.iter().filter(|bin| **bin > 0).count() > 45, "{bins:?}");
}

/// A server that lets connections in by itself, and ends them when they were told to.
fn accepting() -> TcpListener {
    let (listener, _) = net::listener();
    listener.set_nonblocking(true).expect("O_NONBLOCK");
    listener
}

#[test]
fn p62_attempts_are_counted_anew_only_after_a_connection_that_lasted() {
    for (lasts, is_stable) in [(9 * SECOND, false), (10 * SECOND, true)] {
        let listener = accepting();
        let addr = listener.local_addr().expect("local address");
        let connections = Notes::<()>::default();
        let noted = Rc::clone(&connections);
        let reconnect = Reconnect::new().stable(10 * SECOND).attempts(3);
        let client = client()
            .connect(addr)
            .reconnect(reconnect)
            .connected(move |_, server| {
                let (peer, _) = listener.accept().expect("it is made");
                noted.borrow_mut().push(());
                if noted.borrow().len() == 20 {
                    server.shutdown();
                }
                server.delay("enough", lasts, Some(peer));
            })
            // The server ends it.
            .on("enough", |_, _, peer: Option<std::net::TcpStream>| drop(peer))
            .server_error(|_, _, failure| assert!(failure.is_end()));
        let (told, _) = run_in_virtual_time(client);
        let count = connections.borrow().len();
        assert_eq!(count, if is_stable { 20 } else { 4 });
        assert_eq!(told.iter().any(|line| line == "gave up"), !is_stable);
        assert_eq!(told.iter().filter(|line| *line == "disconnected").count(), count);
    }
}

#[test]
fn a_client_comes_back_when_its_server_does() {
    let (server, addr) = serve_all(|listener| {
        for word in ["one\r\n", "two\r\n", "three\r\n"] {
            write(&net::accept(listener), word);
        }
    });
    let client = client()
        .connect(addr)
        .reconnect(Reconnect::new().first(SECOND / 100))
        .server_input(|story, server, line| {
            story.tell(String::from_utf8_lossy(&line));
            if line == "three" {
                server.shutdown();
            }
        });
    let told = crate::client_support::run(client);
    let end = "read: end of stream";
    let expected = [
        "started",
        "connected",
        "one",
        end,
        "disconnected",
        "connected",
        "two",
        end,
        "disconnected",
        "connected",
        "three",
        "disconnected",
        "stopped",
    ];
    assert_eq!(told, expected);
    server.join();
}

#[test]
fn a_callback_may_choose_the_time_itself() {
    let failures = Notes::<()>::default();
    let refusing = Refusing::new();
    let client = client().connect(refusing.addr).reconnect(Reconnect::new()).connect_error(
        move |story, server, _| {
            story.tell("failed");
            failures.borrow_mut().push(());
            if failures.borrow().len() < 3 {
                server.reconnect_after(HOUR);
            } else {
                server.shutdown();
            }
        },
    );
    let (told, took) = run_in_virtual_time(client);
    assert_eq!(told, ["started", "failed", "failed", "failed", "stopped"]);
    assert_eq!(took, 2 * HOUR);
}

#[test]
fn a_client_has_its_alias_while_it_waits_and_gives_it_up_when_it_ends() {
    let refusing = Refusing::new();
    let clock = Clock::virtual_time();
    let client = client()
        .connect(refusing.addr)
        .alias("client")
        .reconnect(Reconnect::new().attempts(5))
        .started(|story, cx| {
            assert_eq!(cx.alias_list(), ["client"]);
            story.tell("started");
        })
        .connect_error(|_, server, _| assert_eq!(server.cx().alias_list(), ["client"]))
        .stopped(|story, cx| {
            assert_eq!(cx.alias_list(), Vec::<String>::new());
            story.tell("stopped");
        });
    let (mut kernel, story) = start_on(clock, client);
    while kernel.session_count() > 0 {
        let has_alias = kernel.alias_resolve("client").is_some();
        assert!(has_alias, "between two connections too");
        kernel.run_one_turn(MINUTE).expect("a turn");
    }
    story.assert(["started", "gave up", "stopped"]);
    assert_eq!(kernel.alias_resolve("client"), None);
}
