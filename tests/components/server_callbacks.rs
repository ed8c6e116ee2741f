//! What callbacks are given, and what they can do with it.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use components::{DRAIN, SHUTDOWN, TcpServer};
use reactor::{Clock, Context, Event, Kernel, Signal, States};
use socket2::{Domain, Socket, Type};
use testkit::net::{self, Ending, Peer};
use testkit::unix;
use wheels::filter::Line;
use wheels::{Established, Put, SocketFactory};

use crate::server_kit::{FORMS, Form, Guest, House, SECOND, Server, Story, WORD, lines, telling};

const MIB: usize = 1 << 20;

#[test]
fn the_marks_are_told_and_then_that_all_is_sent() {
    for form in FORMS {
        // A UNIX socket takes some 200 KiB before the peer reads, whatever the machine.
        let folder = unix::Folder::new();
        let path = folder.at("socket");
        let server = telling(TcpServer::new(Line::new).listen(path.clone()))
            .client_high(MIB, |story, client| {
                assert!(client.unsent() >= MIB);
                story.tell("high");
            })
            .client_low(1000, |story, client| {
                assert!(client.unsent() <= 1000);
                story.tell("low");
            })
            .client_input(|_, client, line| match &line[..] {
                b"little" => assert_eq!(client.put("little"), Put::Queued),
                _ => assert_eq!(client.put(vec![b'x'; 12 * MIB]), Put::High),
            });
        let mut house = House::open(form, server);
        let mut stream = UnixStream::connect(&path).expect("connect");
        stream.write_all(b"little\n").expect("write");
        house.run_until_told("flushed");
        assert_eq!(house.story.take(), ["connected", "flushed"]);
        stream.read_exact(&mut [0; 8]).expect("read");
        for _ in 0..2 {
            stream.write_all(b"much\n").expect("write");
            house.run_until_told("high");
            let mut reader = stream.try_clone().expect("a clone");
            let peer =
                Peer::play(move || reader.read_exact(&mut vec![0; 12 * MIB + 2]).expect("read"));
            peer.run(&mut house.kernel);
            house.run_until_told("flushed");
            assert_eq!(house.story.take(), ["high", "low", "flushed"], "{form:?}");
        }
        drop(stream);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn input_is_paused_and_comes_when_it_is_resumed() {
    for form in FORMS {
        let server = lines()
            .client_input(|story, client, line| {
                story.tell(String::from_utf8_lossy(&line));
                client.pause_input();
                client.delay(&WORD, SECOND / 1000, "resumed");
            })
            .on_client(&WORD, |story, client, word| {
                story.tell(word);
                client.resume_input();
            });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.write_all(b"one\ntwo\nthree\n").expect("write");
        house.run_until("all", |story| story.count("resumed") == 3);
        let told = ["connected", "one", "resumed", "two", "resumed", "three", "resumed"];
        assert_eq!(house.story.take(), told, "{form:?}");
        drop(stream);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn a_named_timer_is_moved_and_not_piled_up() {
    for form in FORMS {
        let server = lines()
            .idle_timeout(None)
            .frame_timeout(None)
            .lifetime(None)
            .client_input(|_, client, _| {
                for hours in 1..=1000 {
                    client.delay(&WORD, hours * 3600 * SECOND, "late");
                }
                client.delay(&WORD, SECOND / 100, "the last");
            })
            .on_client(&WORD, |story, _, word| story.tell(word));
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        for _ in 0..3 {
            stream.write_all(b"go\n").expect("write");
            house.turns(5);
            let snapshot = house.kernel.snapshot();
            let timers: usize = snapshot.sessions.iter().map(|session| session.timers.len()).sum();
            assert!(timers <= 1, "{form:?}: {snapshot}");
            house.run_until_told("the last");
            house.story.take();
        }
        drop(stream);
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end().last().expect("some"), "stopped");
    }
}

#[test]
fn all_parts_of_a_connection_are_there_at_once_until_it_shuts_down() {
    for form in FORMS {
        let server =
            TcpServer::with_clients(Line::new, |_: &mut Story, established: &Established| {
                established.peer.port().expect("a port").to_string()
            });
        let server = telling(server.listen("127.0.0.1:0")).client_input(
            |story, client: &mut Guest<'_, String>, line| {
                let id = client.id();
                let (state, wheel, cx) = client.parts();
                state.push_str(&String::from_utf8_lossy(&line));
                let wheel = wheel.expect("it is open");
                assert_eq!(wheel.id(), id);
                wheel.put(cx, state.clone());
                story.tell(state.clone());
                client.shutdown();
                assert!(client.parts().1.is_none());
            },
        );
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        let port = stream.local_addr().expect("an address").port();
        stream.write_all(b" is yours\n").expect("write");
        house.run_until_told(&format!("{port} is yours"));
        house.run_until_told("disconnected");
        let answer = format!("{port} is yours\r\n").into_bytes();
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(answer));
        drop(stream);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn all_connections_of_a_session_can_be_reached_by_one() {
    let server = TcpServer::with_clients(Line::new, |_: &mut Story, _: &_| 0_u32);
    let server = telling(server.listen("127.0.0.1:0")).client_input(
        |story, client: &mut Guest<'_, u32>, line| {
            let me = client.id();
            let mut clients = client.clients();
            clients.states().for_each(|(id, state)| *state += u32::from(id != me));
            clients.put_each(line, |id, points| id != me && *points == 1);
            clients.each(|client| {
                let (id, points) = (client.id(), *client.state());
                client.put(format!("{} {points}", if id == me { "me" } else { "you" }));
            });
            assert!(matches!(clients.put(me, "to me"), Put::Queued));
            story.tell(format!("{} of {:?}", clients.len(), clients.ids().len()));
        },
    );
    let mut house = House::open(Form::Shared, server);
    let mut streams = [house.connect(), house.connect(), house.connect()];
    streams[0].write_all(b"hello\n").expect("write");
    house.run_until_told("3 of 3");
    house.turns(3);
    assert_eq!(net::read_exact(&mut streams[0], 13), b"me 0\r\nto me\r\n");
    for stream in &mut streams[1..] {
        assert_eq!(net::read_exact(stream, 14), b"hello\r\nyou 1\r\n");
    }
    drop(streams);
    house.post(&SHUTDOWN, ());
    house.end();
}

#[test]
fn a_session_of_a_connection_takes_events_under_an_alias_of_its_own() {
    let greet = Event::<String>::new("greet");
    let server = lines()
        .client_input(|_, client, line| {
            let name = String::from_utf8_lossy(&line).into_owned();
            client.cx().alias_set(&name).expect("it is free");
        })
        .on_client(&greet, |_, client, from: String| client.put(format!("{from} greets you")))
        .client_disconnected(|story, client| {
            story.tell("disconnected");
            for alias in client.cx().alias_list() {
                client.cx().alias_remove(&alias).expect("ours");
            }
        });
    let mut house = House::open(Form::Own, server);
    let mut stream = house.connect();
    stream.write_all(b"Ann\n").expect("write");
    net::run_until_kernel(&mut house.kernel, "Ann", |kernel| kernel.alias_resolve("Ann").is_some());
    house.kernel.post("Ann", &greet, "Bob".to_owned()).expect("she is there");
    house.run_until_told("flushed");
    assert_eq!(net::read_exact(&mut stream, 16), b"Bob greets you\r\n");
    drop(stream);
    house.run_until_told("disconnected");
    house.turns(3);
    assert_eq!(house.kernel.alias_resolve("Ann"), None);
    house.post(&SHUTDOWN, ());
    house.end();
}

#[test]
fn what_an_event_of_the_server_began_is_gone_on_with_though_it_panics() {
    const END_ALL: Event<()> = Event::new("end all");
    let server = lines()
        .started(|_, cx: &mut Context<'_>| cx.sig("DIE", "died").expect("a name"))
        .on("died", |_, clients, _: Signal| clients.cx().sig_handled())
        .on(&END_ALL, |_, clients, ()| {
            clients.each(|client| client.abort());
            panic!("in an event")
        });
    let mut house = House::open(Form::Shared, server);
    let streams = [house.connect(), house.connect()];
    house.post(&END_ALL, ());
    house.turns(3);
    assert_eq!(house.story.count("disconnected"), 2);
    drop(streams);
    house.post(&SHUTDOWN, ());
    house.end();
}

#[test]
fn a_state_that_cannot_be_made_is_no_connection() {
    for form in FORMS {
        let server = TcpServer::with_clients(Line::new, |story: &mut Story, _: &Established| {
            story.tell("made");
            panic!("no state")
        });
        let server = telling(server.listen("127.0.0.1:0"))
            .concurrency(1)
            .started(|_, cx: &mut Context<'_>| cx.sig("DIE", "died").expect("a name"))
            .on("died", |_, clients, _: Signal| clients.cx().sig_handled());
        let mut house = House::open(form, server);
        let mut streams = net::connect_all(house.addr(), 3);
        house.run_until("all", |story| story.count("made") == 3);
        for stream in &mut streams {
            assert_eq!(net::read_to_end(stream), Ending::Closed(Vec::new()), "{form:?}");
        }
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end(), ["made", "made", "made", "stopped"]);
    }
}

#[test]
fn with_a_queue_of_its_own_a_listener_keeps_so_many_waiting() {
    let server = TcpServer::new(Line::new)
        .listener(SocketFactory::listen("127.0.0.1:0").listen_queue(1))
        .concurrency(0);
    let house = House::open(Form::Shared, telling(server));
    let addr = house.addr();
    // A queue of one has room for two.
    let _waiting = net::connect_all(addr, 2);
    let third = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    third.set_nonblocking(true).expect("non-blocking");
    third.connect(&addr.into()).expect_err("it is on its way");
    third.peer_addr().expect_err("and stays there");
}

/// What an acceptor made goes with the server when the time is up.
#[test]
fn a_server_with_an_acceptor_drains_until_its_children_are_done() {
    for ends in [true, false] {
        let clock = Clock::virtual_time();
        let mut kernel = Kernel::builder().clock(clock.clone()).build().expect("a kernel");
        let story = Story::default();
        let child = States::new()
            .on_start(move |_: &mut (Story, Established), cx: &mut Context<'_>, ()| {
                let time = if ends { SECOND } else { 3600 * SECOND };
                cx.delay("end", time, ());
            })
            .on("end", |_: &mut (Story, Established), _: &mut Context<'_>, ()| {})
            .on_stop(|(story, _): &mut (Story, Established), _: &mut Context<'_>, ()| {
                story.tell("child stopped");
            });
        let server = TcpServer::acceptor(move |story: &mut Story, cx, established| {
            cx.spawn(&child, (story.clone(), established));
            story.tell("accepted");
        });
        let server = server
            .listen("127.0.0.1:0")
            .listening(|story: &mut Story, _, up| story.tell(up.local_addr.to_string()))
            .stopped(|story: &mut Story, _| story.tell("stopped"));
        let session = server.spawn(&mut kernel, story.clone());
        let turns = |kernel: &mut Kernel| {
            for _ in 0..5 {
                kernel.run_one_turn(Duration::ZERO).expect("a turn");
            }
        };
        turns(&mut kernel);
        let addr: SocketAddr = story.take()[0].parse().expect("an address");
        let _stream = net::connect(addr);
        turns(&mut kernel);
        kernel.post(session, &DRAIN, 10 * SECOND).expect("it is there");
        turns(&mut kernel);
        assert_eq!(story.told(), ["accepted"]);
        clock.advance(if ends { SECOND } else { 10 * SECOND });
        turns(&mut kernel);
        assert_eq!(story.told(), ["accepted", "child stopped", "stopped"], "ends {ends}");
        assert_eq!((kernel.session_count(), kernel.event_count()), (0, 0));
    }
}

#[test]
fn methods_of_the_state_are_callbacks_too() {
    #[derive(Clone, Default)]
    struct Chat {
        story: Story,
        addr: Rc<RefCell<Option<SocketAddr>>>,
    }
    impl Chat {
        fn listening(&mut self, _: &mut Context<'_>, up: wheels::Listening) {
            *self.addr.borrow_mut() = up.local_addr.as_ip();
        }
        fn line(&mut self, client: &mut Guest<'_>, line: bytes::Bytes) {
            self.story.tell(String::from_utf8_lossy(&line));
            client.put(line);
            client.shutdown();
            client.clients().shutdown();
        }
        fn stopped(&mut self, _: &mut Context<'_>) {
            self.story.tell("stopped");
        }
    }
    let chat = Chat::default();
    let mut kernel = Kernel::new().expect("a kernel");
    TcpServer::new(Line::new)
        .listen("127.0.0.1:0")
        .listening(Chat::listening)
        .client_input(Chat::line)
        .stopped(Chat::stopped)
        .session_per_client()
        .spawn(&mut kernel, chat.clone());
    net::run_until(&mut kernel, "it listens", || chat.addr.borrow().is_some());
    let addr = chat.addr.borrow().expect("it listens");
    let peer = Peer::play(move || {
        let mut stream = net::connect(addr);
        stream.write_all(b"hello\n").expect("write");
        net::read_to_end(&mut stream)
    });
    assert_eq!(peer.run(&mut kernel), Ending::Closed(b"hello\r\n".into()));
    net::run_to_end(&mut kernel);
    assert_eq!(chat.story.told(), ["hello", "stopped"]);
}

/// If the server's own session fails, its listeners go; connections with a session of their own live on.
#[test]
fn connections_with_sessions_of_their_own_outlive_a_server_that_fails() {
    let server: Server = lines().on(&WORD, |_, _, _| panic!("in an event"));
    let mut house = House::open_isolated(Form::Own, server);
    let mut stream = house.connect();
    house.post(&WORD, "fail");
    house.run_until_told("stopped");
    std::net::TcpStream::connect(house.addr()).expect_err("nobody listens");
    stream.write_all(b"still there\n").expect("write");
    house.run_until_told("flushed");
    drop(stream);
    let told = house.end();
    assert_eq!(told.last().expect("some"), "disconnected");
}
