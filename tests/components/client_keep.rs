//! What was put and not sent, and the next connection.

use std::cell::Cell;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use components::{Reconnect, SHUTDOWN, TcpClient};
use reactor::{Clock, Event, Kernel};
use testkit::logs;
use testkit::net::{self, Refusing};
use testkit::story::Story;
use wheels::Put;
use wheels::filter::{Filter, FilterError, Line};

use crate::client_support::{
    Client, HOUR, client, read_line, read_lines, run, serve, serve_all, write,
};

const SOON: Reconnect = Reconnect::new().first(Duration::from_millis(10));
const SAY: Event<String, bool> = Event::new("say");

/// A client that is told by others what to put.
fn told() -> Client {
    client().on(&SAY, |_, server, line: String| matches!(server.put(line), Put::Queued | Put::High))
}

#[test]
fn what_a_broken_connection_left_unsent_is_put_again_in_order() {
    // More than the system keeps, so that the first server cannot have had it all.
    let lines = || (0..200).map(|n| format!("{n} {}", "x".repeat(1 << 16)));
    let (server, addr) = serve_all(move |listener| {
        let first = net::accept(listener);
        assert_eq!(read_line(&first), "login");
        let line = read_line(&first);
        assert!(line.starts_with("0 "), "some of it came: {} {line:.20}", line.len());
        net::reset(first);
        let second = net::accept(listener);
        assert_eq!(read_line(&second), "login");
        let came = read_lines(&second);
        assert!(came == lines().collect::<Vec<_>>(), "each once, in order: {}", came.len());
    });
    let is_filled = Rc::new(Cell::new(false));
    let noted = Rc::clone(&is_filled);
    let client = told()
        .connect(addr)
        .keep_unsent()
        .reconnect(SOON)
        .connected(|story, server| {
            story.tell("connected");
            // For this connection only.
            assert_eq!(server.put("login"), Put::Queued);
            server.yield_("fill", ());
        })
        .on("fill", move |_, server, ()| {
            if !noted.replace(true) {
                lines().for_each(|line| assert!(!matches!(server.put(line), Put::Refused(_))));
            }
        })
        .server_error(|_, _, _| {})
        .server_flushed(move |story, server| {
            // Of the first connection, the login is sent before the rest is put. What was put just now, and
            // written at once, is told as sent once more.
            if is_filled.get() && server.is_connected() && server.unsent() == 0 {
                story.tell("flushed");
                server.shutdown();
            }
        });
    let told = run(client);
    let expected =
        ["started", "connected", "disconnected", "connected", "flushed", "disconnected", "stopped"];
    assert_eq!(told, expected);
    server.join();
}

#[test]
fn what_was_written_at_once_is_not_put_again() {
    let (server, addr) = serve_all(|listener| {
        let first = net::accept(listener);
        write(&first, "go\r\n");
        let came = [read_lines(&first), read_lines(&net::accept(listener))];
        assert_eq!(came, [vec!["one".to_owned()], Vec::new()]);
    });
    let is_again = Cell::new(false);
    let client = told()
        .connect(addr)
        .keep_unsent()
        .connected(move |_, server| {
            if is_again.replace(true) {
                // What was kept is put when this has returned, and goes first.
                server.yield_("end", ());
            }
        })
        .on("end", |_, server, ()| server.shutdown())
        .server_input(|_, server, _| {
            server.put("one");
            let (wheel, cx) = server.parts();
            assert_eq!(wheel.expect("connected").flush(cx), 0);
            server.reconnect();
        });
    run(client);
    server.join();
}

#[test]
fn what_was_sent_is_not_put_again() {
    let (server, addr) = serve_all(|listener| {
        let first = net::accept(listener);
        assert_eq!(read_line(&first), "one");
        write(&first, "got it\r\n");
        first.shutdown(Shutdown::Both).expect("shutdown");
        read_lines(&net::accept(listener))
    });
    let client = told()
        .connect(addr)
        .keep_unsent()
        .reconnect(SOON)
        .connected({
            let is_first = Cell::new(true);
            move |_, server| {
                server.yield_(
                    &SAY,
                    if is_first.take() { "one".to_owned() } else { "two".to_owned() },
                );
            }
        })
        .server_flushed({
            let count = Cell::new(0);
            move |_, server| {
                count.set(count.get() + 1);
                if count.get() == 2 {
                    server.shutdown();
                }
            }
        });
    run(client);
    assert_eq!(server.join(), ["two"]);
}

#[test]
fn what_is_put_without_a_connection_waits_for_one() {
    let (server, addr) = serve(|stream| read_lines(&stream));
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let story = Story::default();
    let refusing = Refusing::new();
    let client = told()
        .connect(refusing.addr)
        .keep_unsent()
        .most_kept(3)
        .connect_error(move |_, server, _| {
            server.connect(addr);
            server.reconnect_after(HOUR);
        })
        .connected(|_, server| assert_eq!(server.put("hello"), Put::Queued))
        .server_flushed(|_, server| server.shutdown());
    let session = client.spawn(&mut kernel, story);
    for (line, is_taken) in [("one", true), ("two", true), ("three", true), ("four", false)] {
        assert_eq!(kernel.call(session, &SAY, line.to_owned()), Ok(is_taken), "{line}");
    }
    kernel.run().expect("run");
    assert_eq!(server.join(), ["hello", "one", "two", "three"]);
}

#[test]
fn no_more_is_kept_than_may_be_and_what_is_refused_comes_back() {
    // What the system takes at once is sent, and need not be kept.
    let (server, addr) = serve(|stream| {
        assert_eq!(read_line(&stream), "0");
        read_lines(&stream).len()
    });
    let client = told()
        .connect(addr)
        .keep_unsent()
        .most_kept(10)
        .connected(|_, server| server.yield_("fill", ()))
        .on("fill", |story, server, ()| {
            for n in 0..100 {
                assert_eq!(server.put(n.to_string()), Put::Queued, "it is sent as soon as that");
            }
            let line = "x".repeat(2 << 20);
            let taken =
                (0..100).find(|_| server.put(line.clone()) == Put::Refused(line.clone().into()));
            // Ten wait, and a few were sent.
            assert!(taken.is_some_and(|taken| taken >= 10), "{taken:?}");
            story.tell("full");
        })
        .most_unsent(1 << 30)
        .server_flushed(|_, server| {
            if server.unsent() == 0 {
                server.shutdown();
            }
        });
    let told = run(client.server_input(|_, _, _| {}));
    assert_eq!(told, ["started", "full", "disconnected", "stopped"]);
    assert!(server.join() >= 99 + 10);
}

/// The number that `docs/src/promises.md` gives.
#[test]
fn a_thousand_and_24_items_are_kept_by_default() {
    let client = told().alias("client").keep_unsent().started(|_, cx| cx.yield_("fill", ()));
    let told = run(client.on("fill", |story, server, ()| {
        for n in 0..1_024 {
            assert_eq!(server.put(n.to_string()), Put::Queued);
        }
        assert_eq!(server.put("1024"), Put::Refused("1024".into()));
        story.tell("full");
        server.shutdown();
    }));
    assert_eq!(told, ["full", "stopped"]);
}

#[test]
fn what_was_put_to_a_server_that_took_nothing_goes_to_the_next_a_little_at_a_time() {
    // Far more than may be unsent: the first connection fails of it, and the second must not.
    let lines = || (0..20).map(|n| format!("{n} {}", "x".repeat(1 << 20)));
    let (server, addr) = serve_all(move |listener| {
        let first = net::accept(listener);
        let second = net::accept(listener);
        drop(first);
        let came = read_lines(&second);
        assert!(came == lines().chain(["last".to_owned()]).collect::<Vec<_>>(), "{}", came.len());
    });
    let count = Rc::new(Cell::new(0));
    let client = told()
        .connect(addr)
        .keep_unsent()
        .most_unsent(2 << 20)
        .reconnect(SOON)
        .connected(move |story, server| {
            story.tell("connected");
            count.set(count.get() + 1);
            let event = if count.get() == 1 { "fill" } else { "last" };
            server.yield_(event, ());
        })
        .on("fill", move |_, server, ()| {
            for line in lines() {
                assert!(!matches!(server.put(line), Put::Refused(_)));
            }
        })
        .on("last", |_, server, ()| {
            assert_eq!(server.put("last"), Put::Queued);
            server.delay("over", Duration::ZERO, ());
        })
        .on("over", |story, server, ()| {
            if server.unsent() > 0 {
                return server.delay("over", Duration::from_millis(1), ());
            }
            story.tell("over");
            server.shutdown();
        });
    let expected = [
        "started",
        "connected",
        "output_limit",
        "disconnected",
        "connected",
        "over",
        "disconnected",
        "stopped",
    ];
    let told: Vec<_> =
        run(client).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(told, expected);
    server.join();
}

#[test]
fn the_last_connection_takes_all_that_was_kept_with_it() {
    let (server, addr) = serve(|stream| read_lines(&stream).len());
    let client =
        told().connect(addr).keep_unsent().connected(|_, server| server.yield_("over", ()));
    let client = client.on("over", |_, server, ()| server.shutdown());
    let mut kernel = Kernel::new().expect("a kernel");
    let session = client.spawn(&mut kernel, Story::default());
    for _ in 0..100 {
        let line = "x".repeat(100_000);
        assert_eq!(kernel.call(session, &SAY, line), Ok(true));
    }
    net::run_to_end(&mut kernel);
    assert_eq!(server.join(), 100);
}

#[test]
fn what_a_failed_connection_refuses_comes_back_if_there_is_to_be_no_other() {
    let (listener, addr) = net::listener();
    let client =
        told().connect(addr).keep_unsent().most_unsent(1 << 20).connected(|story, server| {
            story.tell("connected");
            server.yield_("fill", ());
        });
    let client = client.on("fill", |story, server, ()| {
        let line = "x".repeat(1 << 20);
        assert!((0..100).any(|_| server.put(line.clone()) == Put::Refused(line.clone().into())));
        story.tell("refused");
    });
    let told = run(client.linger(Duration::ZERO));
    assert_eq!(told[..3], ["started", "connected", "refused"]);
    assert_eq!(told[4..], ["disconnected", "stopped"]);
    drop(listener);
}

#[test]
fn what_cannot_be_expressed_is_left_out() {
    let (server, addr) = serve(|stream| read_lines(&stream));
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let filter = || {
        Line::new().try_map_output(|line: Bytes| {
            if line == "no line" { Err(FilterError::TooLong { limit: 0 }) } else { Ok(line) }
        })
    };
    let client = TcpClient::new(filter)
        .connect(addr)
        .keep_unsent()
        .on(&SAY, |(): &mut (), server, line: String| matches!(server.put(line), Put::Queued))
        .server_flushed(|(), server| server.shutdown());
    let session = client.spawn(&mut kernel, ());
    for line in ["one", "no line", "two"] {
        assert_eq!(
            kernel.call(session, &SAY, line.to_owned()),
            Ok(true),
            "it is not looked at yet"
        );
    }
    let ((), logged) = logs::capture_warnings(|| kernel.run().expect("run"));
    assert_eq!(server.join(), ["one", "two"]);
    assert!(logged[0].text.contains("what was kept: "), "{logged:?}");
}

#[test]
fn nothing_is_kept_by_a_client_that_was_not_told_to() {
    let refusing = Refusing::new();
    let client = told().connect(refusing.addr).reconnect(Reconnect::new());
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().expect("a kernel");
    let session = client.spawn(&mut kernel, Story::default());
    assert_eq!(kernel.call(session, &SAY, "hello".to_owned()), Ok(false));
    kernel.post(session, &SHUTDOWN, ()).expect("it is there");
    kernel.run().expect("run");
}

#[test]
fn what_is_kept_outlives_a_connection_that_was_shut_down_before_it_was_put() {
    // It is told to go to another server as soon as it is connected.
    let (first, one) = serve(|mut stream| net::read_to_end(&mut stream));
    let (second, two) = serve(|stream| read_lines(&stream));
    let client = told()
        .connect(one)
        .keep_unsent()
        .connected(move |_, server| {
            if server.peer().and_then(|peer| peer.as_ip()) == Some(one) {
                assert_eq!(server.put("bye"), Put::Queued);
                server.connect(two);
            }
        })
        .server_flushed(move |_, server| {
            if server.is_connected() {
                server.shutdown();
            }
        });
    let mut kernel = Kernel::new().expect("a kernel");
    let session = client.spawn(&mut kernel, Story::default());
    assert_eq!(kernel.call(session, &SAY, "one".to_owned()), Ok(true));
    net::run_to_end(&mut kernel);
    assert_eq!(first.join(), net::Ending::Closed(b"bye\r\n".to_vec()));
    assert_eq!(second.join(), ["one"]);
}

#[test]
fn a_client_that_is_over_keeps_nothing() {
    let (server, addr) = serve(drop);
    let checks = Rc::new(Cell::new(0));
    let count = Rc::clone(&checks);
    let client = client().connect(addr).keep_unsent().disconnected(move |_, server| {
        assert_eq!(server.put("late"), Put::Refused("late".into()));
        count.set(count.get() + 1);
    });
    run(client);
    assert_eq!(checks.get(), 1);
    server.join();
}
