//! What a client is told, in which order, and what it can do in each callback.

use std::io::Read;
use std::net::Shutdown;

use components::{Reconnect, SHUTDOWN, TcpClient};
use reactor::Kernel;
use testkit::logs;
use testkit::net::{self, Refusing};
use testkit::story::Story;
use wheels::filter::Line;
use wheels::{Put, SocketFactory};

use crate::client_support::{
    At, Client, Notes, SECOND, client, read_line, read_lines, run, run_in_virtual_time, serve,
    serve_all, start, write,
};

const END: &str = "read: end of stream";

#[test]
fn the_callbacks_come_in_poes_order() {
    let (server, addr) = serve(|stream| {
        assert_eq!(read_line(&stream), "hello");
        write(&stream, "one\r\ntwo\r\n");
    });
    let client = client()
        .connect(addr)
        .pre_connect(move |story, _, established| {
            assert_eq!(established.peer.as_ip(), Some(addr));
            story.tell("pre_connect");
            Some(established.socket.into())
        })
        .connected(move |story, server| {
            story.tell("connected");
            assert!(server.is_connected());
            assert_eq!(server.peer().and_then(|peer| peer.as_ip()), Some(addr));
            assert_eq!(server.put("hello"), Put::Queued);
            assert_eq!(server.unsent(), "hello\r\n".len());
        })
        .server_flushed(|story, server| {
            assert_eq!(server.unsent(), 0);
            story.tell("flushed");
        })
        .disconnected(|story, server| {
            assert!(!server.is_connected() && server.wheel().is_none() && server.peer().is_none());
            story.tell("disconnected");
        });
    let told = run(client);
    let expected = [
        "started",
        "pre_connect",
        "connected",
        "flushed",
        "one",
        "two",
        END,
        "disconnected",
        "stopped",
    ];
    assert_eq!(told, expected);
    server.join();
}

/// Lines enough for the system not to take them at once.
fn put_much(server: &mut At<'_>) -> usize {
    let line = "x".repeat(1 << 20);
    let mut count = 0;
    while server.unsent() < 8 << 20 {
        assert_ne!(server.put(line.clone()), Put::Refused(line.clone().into()));
        count += 1;
    }
    count
}

#[test]
fn a_client_that_is_shut_down_sends_what_was_put_and_is_disconnected_once() {
    let (server, addr) = serve(|stream| {
        write(&stream, "nobody wants this\r\n");
        read_lines(&stream).len()
    });
    let sent = Notes::<usize>::default();
    let count = Notes::clone(&sent);
    let client = client()
        .connect(addr)
        .reconnect(Reconnect::new())
        .connected(move |story, server| {
            story.tell("connected");
            count.borrow_mut().push(put_much(server));
            server.shutdown();
            server.shutdown();
            assert!(!server.is_connected());
            assert_eq!(server.put("late"), Put::Refused("late".into()));
        })
        .disconnected(|story, server| {
            assert_eq!(server.put("late"), Put::Refused("late".into()));
            story.tell("disconnected");
        });
    assert_eq!(run(client), ["started", "connected", "disconnected", "stopped"]);
    assert_eq!(server.join(), sent.borrow()[0]);
}

#[test]
fn a_client_that_wants_to_know_is_told_that_all_is_sent_before_it_is_disconnected() {
    let (server, addr) = serve(|stream| read_lines(&stream).len());
    let client = client().connect(addr).server_flushed(|story, _| story.tell("flushed")).connected(
        |story, server| {
            story.tell("connected");
            put_much(server);
            server.shutdown();
        },
    );
    assert_eq!(run(client), ["started", "connected", "flushed", "disconnected", "stopped"]);
    assert!(server.join() >= 8);
}

#[test]
fn it_is_told_so_though_all_was_written_at_once() {
    let (server, addr) = serve(|stream| read_lines(&stream));
    let client = client().connect(addr).server_flushed(|story, _| story.tell("flushed")).connected(
        |story, server| {
            server.put("hello");
            let (wheel, cx) = server.parts();
            story.tell(wheel.expect("connected").flush(cx));
            server.shutdown();
        },
    );
    assert_eq!(run(client), ["started", "0", "flushed", "disconnected", "stopped"]);
    assert_eq!(server.join(), ["hello"]);
}

#[test]
fn a_client_can_be_shut_down_in_every_callback() {
    type Chosen = fn(Client) -> Client;
    fn end(story: &mut Story, server: &mut At<'_>) {
        story.tell("shutdown");
        server.shutdown();
    }
    const SAY: &str = "say";
    let in_callbacks: [(Chosen, &[&str]); 6] = [
        (|client| client.connected(end), &["shutdown", "disconnected"]),
        (
            |client| client.server_input(|story, server, _| end(story, server)),
            &["connected", "shutdown", "disconnected"],
        ),
        (
            |client| client.connected(|_, server| drop(server.put("x"))).server_flushed(end),
            &["shutdown", "disconnected"],
        ),
        (
            |client| {
                client.connected(|_, server| assert!(put_much(server) > 0)).server_high(1, end)
            },
            &["shutdown", "disconnected"],
        ),
        (
            |client| client.server_error(|story, server, _| end(story, server)),
            &["connected", "hello", "shutdown", "disconnected"],
        ),
        (
            |client| {
                client
                    .connected(|_, server| server.yield_(SAY, ()))
                    .on(SAY, |story, server, ()| end(story, server))
            },
            &["shutdown", "disconnected"],
        ),
    ];
    for (number, (choose, told)) in in_callbacks.into_iter().enumerate() {
        let (server, addr) = serve(move |mut stream| {
            // Only those who wait for it hear it, or it might come first.
            if matches!(number, 1 | 4) {
                write(&stream, "hello\r\n");
                stream.shutdown(Shutdown::Write).expect("SHUT_WR");
            }
            stream.read_to_end(&mut Vec::new()).expect("read");
        });
        // It would connect again if it were not shut down.
        let client = choose(client().connect(addr).reconnect(Reconnect::new()));
        let expected = [&["started"], told, &["stopped"]].concat();
        assert_eq!(run(client), expected, "{number}");
        server.join();
    }
}

#[test]
fn a_client_can_be_shut_down_where_no_connection_was_made() {
    let refusing = Refusing::new();
    let client = client().connect(refusing.addr).reconnect(Reconnect::new()).connect_error(
        |story, server, failure| {
            story.tell(failure);
            server.shutdown();
        },
    );
    assert_eq!(run(client), ["started", "connect: Connection refused", "stopped"]);
}

#[test]
fn a_connection_that_is_aborted_is_closed_at_once() {
    let (server, addr) = serve(|mut stream| net::read_to_end(&mut stream));
    let put = Notes::<usize>::default();
    let count = Notes::clone(&put);
    let client =
        client().connect(addr).reconnect(Reconnect::new()).connected(move |story, server| {
            story.tell("connected");
            count.borrow_mut().push(put_much(server));
            server.abort();
            // What was said first is done, however mild the rest.
            server.shutdown();
            assert_eq!(server.put("late"), Put::Refused("late".into()));
        });
    assert_eq!(run(client), ["started", "connected", "disconnected", "stopped"]);
    let (net::Ending::Closed(came) | net::Ending::Reset(came)) = server.join();
    assert!(came.len() < put.borrow()[0] << 20, "it was not waited for");
}

#[test]
fn a_connection_that_is_being_closed_can_still_be_aborted() {
    let (server, addr) = serve(|mut stream| {
        net::read_exact(&mut stream, 1);
        stream
    });
    let client = client()
        .connect(addr)
        .connected(|story, server| {
            story.tell("connected");
            put_much(server);
            server.shutdown();
            server.yield_("enough", ());
        })
        .on("enough", |story, server, ()| {
            story.tell("enough");
            server.abort();
        });
    // Time moves when there is nothing to do: then the server has had its time.
    let (told, took) = run_in_virtual_time(client);
    assert_eq!(took, 30 * SECOND);
    assert_eq!(told, ["started", "connected", "enough", "disconnected", "stopped"]);
    drop(server.join());
}

#[test]
fn what_was_put_is_sent_when_the_server_sends_no_more() {
    let (server, addr) = serve(|stream| {
        stream.shutdown(Shutdown::Write).expect("SHUT_WR");
        read_lines(&stream).len()
    });
    let client = client().connect(addr).server_error(|story, server, failure| {
        story.tell(failure);
        put_much(server);
    });
    assert_eq!(run(client), ["started", "connected", END, "disconnected", "stopped"]);
    assert!(server.join() >= 8);
}

#[test]
fn a_server_that_breaks_the_connection_while_it_is_closed_is_told_of_and_it_is_over() {
    for flood in [0, 100_000] {
        let (server, addr) = serve(move |mut stream| {
            net::read_exact(&mut stream, 1);
            write(&stream, &"x\r\n".repeat(flood));
            net::reset(stream);
        });
        // It was shut down, and that is what counts.
        let client =
            client().connect(addr).reconnect(Reconnect::new()).connected(|story, server| {
                story.tell("connected");
                server.put("x".repeat(8 << 20));
                server.shutdown();
            });
        let told = run(client);
        assert_eq!(told[..2], ["started", "connected"]);
        assert!(
            ["write: Connection reset by peer", "write: Broken pipe"].contains(&&*told[2]),
            "{told:?}"
        );
        assert_eq!(told[3..], ["disconnected", "stopped"]);
        server.join();
    }
}

#[test]
fn a_server_that_is_refused_is_closed_and_not_tried_again() {
    let (server, addr) = serve(|mut stream| net::read_to_end(&mut stream));
    let client = client().connect(addr).reconnect(Reconnect::new()).pre_connect(|story, _, _| {
        story.tell("pre_connect");
        None
    });
    let (told, logged) = logs::capture(|| run(client));
    assert_eq!(told, ["started", "pre_connect", "refused", "stopped"]);
    assert!(logged.iter().any(|line| line.text.contains("is refused")), "{logged:?}");
    assert_eq!(server.join(), net::Ending::Closed(Vec::new()));
}

#[test]
fn pre_connect_may_go_on_with_another_descriptor() {
    let (server, addr) = serve(|stream| write(&stream, "hello\r\n"));
    let client = client().connect(addr).pre_connect(|_, _, established| {
        let stream = std::net::TcpStream::from(established.socket);
        Some(stream.try_clone().expect("dup").into())
    });
    let expected = ["started", "connected", "hello", END, "disconnected", "stopped"];
    assert_eq!(run(client), expected);
    server.join();
}

#[test]
fn a_connection_may_stay_open_after_its_end() {
    let (server, addr) = serve(|stream| {
        stream.shutdown(Shutdown::Write).expect("SHUT_WR");
        read_lines(&stream)
    });
    let client = client()
        .connect(addr)
        .stay_on_error()
        .reconnect(Reconnect::new())
        .server_error(|story, server, failure| {
            story.tell(failure);
            server.delay("say", SECOND / 1000, 1_u32);
        })
        .on("say", |story, server, count: u32| {
            story.tell(count);
            assert!(server.is_connected());
            server.put(count.to_string());
            if count < 3 {
                server.delay("say", SECOND / 1000, count + 1)
            } else {
                server.shutdown()
            }
        });
    let expected = ["started", "connected", END, "1", "2", "3", "disconnected", "stopped"];
    assert_eq!(run(client), expected);
    assert_eq!(server.join(), ["1", "2", "3"]);
}

#[test]
fn each_connection_has_a_filter_of_its_own() {
    // Half a line of one connection is no beginning of the next one's.
    let (server, addr) = serve_all(|listener| {
        let first = net::accept(listener);
        assert_eq!(read_line(&first), "hello");
        write(&first, "half a l");
        net::reset(first);
        let second = net::accept(listener);
        assert_eq!(read_line(&second), "hello");
        write(&second, "whole\r\n");
    });
    let client = client()
        .connect(addr)
        .connected(|_, server| drop(server.put("hello")))
        .server_error(|story, server, failure| {
            if failure.is_end() {
                server.shutdown()
            } else {
                server.reconnect()
            }
            story.tell("error");
        });
    let told = run(client);
    assert_eq!(told.last().map(String::as_str), Some("stopped"));
    assert!(told.contains(&"whole".to_owned()), "{told:?}");
    server.join();
}

#[test]
fn a_kernel_that_is_stopped_tells_only_that() {
    let (server, addr) = serve(|mut stream| net::read_to_end(&mut stream));
    let (mut kernel, story) =
        start(client().connect(addr).connected(|_, server| server.cx().stop()));
    kernel.run().expect("run");
    story.assert(["started", "stopped"]);
    server.join();
}

#[test]
fn what_nobody_wants_to_hear_is_logged_if_it_is_bad() {
    let refusing = Refusing::new();
    let (server, addr) = serve(|mut stream| {
        write(&stream, "hello\r\n");
        net::read_exact(&mut stream, 1);
        net::reset(stream);
    });
    let ((), logged) = logs::capture_warnings(|| {
        let mut kernel = Kernel::new().expect("a kernel");
        TcpClient::<(), Line>::new(Line::new).connect(refusing.addr).spawn(&mut kernel, ());
        TcpClient::<(), Line>::new(Line::new)
            .connect(addr)
            .connected(|(), server| drop(server.put("hello")))
            .spawn(&mut kernel, ());
        net::run_to_end(&mut kernel);
    });
    let texts: Vec<_> =
        logged.iter().map(|line| line.text.split_once(": ").expect("who").1).collect();
    assert_eq!(texts, ["connect: Connection refused", "read: Connection reset by peer"]);
    server.join();
}

#[test]
fn a_client_of_a_client_is_its_child_and_can_be_shut_down_by_its_id() {
    let (server, addr) = serve_all(|listener| {
        let peers = [net::accept(listener), net::accept(listener)];
        peers.map(|mut peer| net::read_to_end(&mut peer))
    });
    let outer = client().connect(addr).connected(move |story, server| {
        story.tell("connected");
        let inner = client().connect(addr).connected(|story, server| {
            story.tell("inner connected");
            let outer = server.cx().parent();
            server.cx().post(outer, &SHUTDOWN, ()).expect("it is there");
            server.shutdown();
        });
        let inner = inner.spawn(server.cx(), story.clone());
        assert_eq!(server.cx().children(), [inner]);
    });
    let told = run(outer);
    let mut sorted = told.clone();
    sorted.sort();
    let expected = [
        "connected",
        "disconnected",
        "disconnected",
        "inner connected",
        "started",
        "started",
        "stopped",
        "stopped",
    ];
    assert_eq!(sorted, expected);
    assert_eq!(server.join(), [net::Ending::Closed(Vec::new()), net::Ending::Closed(Vec::new())]);
}

#[test]
fn a_place_that_is_none_is_told_as_any_other_failure() {
    for (place, failure) in [
        ("nowhere", "connect: "),
        ("127.0.0.1:99999", "getservbyname: no such service: 99999"),
        ("/no/such/socket", "connect: No such file or directory"),
    ] {
        let told = run(client().connect(place));
        assert!(told[1].starts_with(failure), "{told:?}");
        assert_eq!((told.len(), &*told[2]), (3, "stopped"));
    }
    let bound = SocketFactory::builder().bind_address("192.0.2.1");
    let told = run(client().factory(bound).connect("127.0.0.1:9"));
    assert!(told[1].starts_with("bind: "), "{told:?}");
}

#[test]
fn a_factory_that_leads_nowhere_is_a_failure_to_connect() {
    for factory in [
        SocketFactory::builder(),
        SocketFactory::listen("127.0.0.1:0"),
        SocketFactory::listen_everywhere(0),
        SocketFactory::datagram("127.0.0.1:0"),
        SocketFactory::unix_listen("@a client that leads nowhere"),
    ] {
        let told = run(client().factory(factory));
        assert!(told[1].starts_with("connect: "), "{told:?}");
        assert_eq!((told.len(), &*told[2]), (3, "stopped"));
    }
}
