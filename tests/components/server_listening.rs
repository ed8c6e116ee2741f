//! Where a server listens, and what it says of that.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use components::{SHUTDOWN, TcpServer};
use reactor::{Context, Event, Kernel, States};
use socket2::SockRef;
use testkit::logs;
use testkit::machine;
use testkit::net::{self, Refusing};
use testkit::unix;
use wheels::filter::Line;
use wheels::{Address, SocketFactory};

use crate::server_kit::{FORMS, Form, House, Story, lines, telling};

const NOTHING: [&str; 0] = [];

#[test]
fn it_listens_on_several_addresses_and_one_that_fails_leaves_the_others() {
    for form in FORMS {
        let (folder, taken) = (unix::Folder::new(), Refusing::new());
        let path = folder.at("socket");
        let server = TcpServer::new(Line::new)
            .listen("127.0.0.1:0")
            .listen(taken.addr)
            .listen(path.clone())
            .listener(SocketFactory::listen("127.0.0.1:0").listen_queue(5));
        let mut house = House::start_in(form, Kernel::builder(), telling(server));
        house.run_until("all of them", |story| story.told().len() >= 5);
        let told = house.story.take();
        assert_eq!(told[0], "started");
        assert_eq!(told.iter().filter(|told| *told == "listening").count(), 3, "{told:?}");
        let failed = told.iter().find(|told| told.starts_with("server: bind")).expect("one");
        assert!(failed.contains("in use"), "{failed}");

        let addresses = house.story.addresses();
        let streams: Vec<_> =
            addresses.iter().filter_map(Address::as_ip).map(net::connect).collect();
        let local = UnixStream::connect(&path).expect("connect");
        house.run_until("three", |story| story.count("connected") == 3);
        assert_eq!(streams.len(), 2);
        drop((streams, local));
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end().last().expect("some"), "stopped");
        assert_eq!(folder.names(), NOTHING);
    }
}

#[test]
fn a_server_that_can_listen_nowhere_ends() {
    for alias in [None, Some("server")] {
        let (one, other) = (Refusing::new(), Refusing::new());
        let mut server = TcpServer::new(Line::new).listen(one.addr).listen(other.addr);
        if let Some(alias) = alias {
            server = server.alias(alias);
        }
        // Others are there, and stay.
        let mut kernel = Kernel::new().expect("a kernel");
        let busy = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.delay("never", std::time::Duration::from_secs(86_400), ());
        });
        kernel.spawn(&busy, ());
        let story = Story::default();
        telling(server).spawn(&mut kernel, story.clone());
        net::run_until(&mut kernel, "its end", || story.has("stopped"));
        let told = story.told();
        assert_eq!(told[0], "started");
        assert!(told[1].starts_with("server: bind") && told[2].starts_with("server: bind"));
        assert_eq!(told[3..], ["stopped"], "{told:?}");
        if let Some(alias) = alias {
            assert_eq!(kernel.alias_resolve(alias), None);
        }
        assert_eq!(kernel.session_count(), 1);
    }
}

#[test]
fn a_factory_that_connects_is_no_listener() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("bind");
    let factory = SocketFactory::connect(peer.local_addr().expect("bound"));
    for form in FORMS {
        let server = telling(TcpServer::new(Line::new).listener(factory.clone()));
        let told = House::start_in(form, Kernel::builder(), server).end();
        assert_eq!(told, ["started", "server: listen: what connects has no queue", "stopped"]);
    }
    peer.set_nonblocking(true).expect("fcntl");
    assert_eq!(peer.accept().expect_err("nobody").kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_failure_to_listen_that_nobody_wants_is_logged_and_the_last_ends_the_program() {
    let (one, other) = (Refusing::new(), Refusing::new());
    let (ended, logged) = logs::capture_warnings(|| {
        let mut kernel = Kernel::new().expect("a kernel");
        TcpServer::new(Line::new).listen(one.addr).listen(other.addr).spawn(&mut kernel, ());
        kernel.run()
    });
    let error = ended.expect_err("nothing listens");
    assert_eq!(error.to_string(), "bind: Address already in use");
    let errors = logged.iter().filter(|line| line.text == "bind: Address already in use");
    assert_eq!(errors.map(|line| line.level).collect::<Vec<_>>(), [log::Level::Error]);
}

#[test]
fn a_failure_to_listen_that_nobody_wants_leaves_the_other_listeners() {
    let taken = Refusing::new();
    let server = TcpServer::new(Line::new).listen(taken.addr).listen("127.0.0.1:0");
    let server =
        server.on(Event::<(), usize>::new("count"), |(), clients, ()| clients.local_addrs().len());
    let mut kernel = Kernel::new().expect("a kernel");
    let session = server.spawn(&mut kernel, ());
    net::run_until_kernel(&mut kernel, "the failure", |kernel| {
        kernel.call(session, Event::<(), usize>::new("count"), ()) == Ok(1)
    });
}

#[test]
fn a_server_that_is_told_nothing_listens_on_all_interfaces_of_ipv4() {
    let server = telling(TcpServer::new(Line::new));
    let mut house = House::open(Form::Shared, server);
    let addr = house.addr();
    assert!(addr.ip().is_unspecified() && addr.is_ipv4() && addr.port() != 0, "{addr}");
    let _stream = net::connect((IpAddr::from([127, 0, 0, 1]), addr.port()).into());
    house.run_until_told("connected");
}

#[test]
fn f51_ipv6_needs_no_address_and_clients_of_both_families_keep_theirs() {
    if !machine::has_ipv6("f51_ipv6_needs_no_address") {
        return;
    }
    let peer_told = |server: TcpServer<Story, Line>| {
        server.client_connected(|story, client| {
            story.tell("connected");
            story.tell(client.peer().ip().expect("an address").to_string());
        })
    };
    for form in FORMS {
        let server = TcpServer::new(Line::new).listener(SocketFactory::listen_everywhere(0));
        let mut house = House::open(form, peer_told(telling(server)));
        house.run_until("both", |story| story.addresses().len() == 2);
        let port = house.addr().port();
        for ip in ["127.0.0.1", "::1"] {
            let ip: IpAddr = ip.parse().expect("an address");
            let _stream = net::connect((ip, port).into());
            house.run_until_told(&ip.to_string());
        }
        house.post(&SHUTDOWN, ());
        house.end();

        let server = TcpServer::new(Line::new).listen("[::]:0");
        let mut house = House::open(form, peer_told(telling(server)));
        let _stream =
            net::connect((IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]), house.addr().port()).into());
        house.run_until_told("::1");
    }
}

#[test]
fn names_are_looked_up_and_those_that_are_none_are_an_error() {
    let server = TcpServer::new(Line::new).listen("localhost:0").listen("no such host.invalid:0");
    let mut house = House::start_in(Form::Shared, Kernel::builder(), telling(server));
    house.run_until("both", |story| {
        story.has("listening") && story.told().iter().any(|told| told.starts_with("server: "))
    });
    assert_eq!(house.story.told()[0], "started");
    let addr = house.addr();
    assert!(addr.ip().is_loopback());
    let _stream = net::connect(addr);
    house.run_until_told("connected");
}

#[test]
fn sockets_that_listen_already_are_listened_on_and_one_that_does_not_is_an_error() {
    for form in FORMS {
        let folder = unix::Folder::new();
        let path = folder.at("socket");
        let (tcp, addr) = net::listener();
        let local = UnixListener::bind(&path).expect("bind");
        let early = net::connect(addr);
        let (pipe, _writer) = std::io::pipe().expect("a pipe");
        let server = TcpServer::new(Line::new)
            .listen_on([OwnedFd::from(tcp), local.into()])
            .listen_on([OwnedFd::from(pipe)])
            .listen_on([]);
        let mut house = House::start_in(form, Kernel::builder(), telling(server));
        house.run_until("two", |story| story.count("connected") == 1);
        let other = UnixStream::connect(&path).expect("connect");
        house.run_until("two", |story| story.count("connected") == 2);
        let told = house.story.told();
        assert_eq!(told.iter().filter(|told| *told == "listening").count(), 2, "{told:?}");
        let failed = told.iter().filter(|told| told.starts_with("server: ")).count();
        assert!(failed >= 1, "{told:?}");
        drop((early, other));
        house.post(&SHUTDOWN, ());
        house.end();
        assert_eq!(folder.names(), ["socket"], "a path of somebody else stays");
    }
}

#[test]
fn where_it_listens_can_be_asked() {
    const WHERE: Event<(), Vec<Address>> = Event::new("where");
    let server = lines().listen("127.0.0.1:0").on(&WHERE, |_, clients, ()| clients.local_addrs());
    let mut house = House::open(Form::Shared, server);
    house.run_until("both", |story| story.addresses().len() == 2);
    let answer = house.kernel.call(house.server, &WHERE, ()).expect("it answers");
    assert_eq!(answer, house.story.addresses());
    house.post(&SHUTDOWN, ());
    house.turns(1);
    house.end();
}

#[test]
fn a_server_that_is_shut_down_as_it_starts_lets_nobody_in() {
    for form in FORMS {
        let server = lines().alias("server").started(|story, cx| {
            story.tell("started");
            cx.yield_(&SHUTDOWN, ());
        });
        let house = House::start_in(form, Kernel::builder(), server);
        let told = house.end();
        assert_eq!(told.first().expect("some"), "started");
        assert_eq!(told.last().expect("some"), "stopped");
        assert!(told.len() <= 3, "{form:?}: {told:?}");
    }
}

#[test]
fn extra_states_are_the_servers_and_answer_a_call() {
    const ADD: Event<(u32, u32), u32> = Event::new("add");
    const SAY: Event<&'static str> = Event::new("say");
    for form in FORMS {
        let server =
            lines().on(&ADD, |_, _, (one, other)| one + other).on(&SAY, |story, clients, what| {
                story.tell(format!("{what} to {}", clients.len()));
                clients.put_each(what, |_, ()| true);
            });
        let mut house = House::open(form, server);
        let mut streams = [house.connect(), house.connect()];
        assert_eq!(house.kernel.call(house.server, &ADD, (1, 2)), Ok(3));
        house.post(&SAY, "hello");
        house.turns(2);
        if form == Form::Shared {
            assert!(house.story.has("hello to 2"));
            for stream in &mut streams {
                assert_eq!(net::read_exact(stream, 7), b"hello\r\n");
            }
        } else {
            assert!(house.story.has("hello to 0"));
        }
        drop(streams);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn an_event_for_one_connection_comes_from_outside_and_finds_none_when_it_is_closed() {
    use components::ToClient;
    const GREET: Event<ToClient<String>> = Event::new("greet");
    let ids: std::rc::Rc<std::cell::RefCell<Vec<_>>> = std::rc::Rc::default();
    let place = std::rc::Rc::clone(&ids);
    let server = lines()
        .client_connected(move |story, client| {
            story.tell("connected");
            place.borrow_mut().push(client.id());
        })
        .on_client("greet", |_, client, whom: String| client.put(format!("hello, {whom}")));
    let mut house = House::open(Form::Shared, server);
    let (mut one, other) = (house.connect(), house.connect());
    let ids = ids.borrow().clone();
    for (client, name) in ids.iter().zip(["one", "other"]) {
        house.post(&GREET, ToClient { client: *client, payload: name.to_owned() });
    }
    house.run_until("both", |story| story.count("flushed") == 2);
    assert_eq!(net::read_exact(&mut one, 12), b"hello, one\r\n");
    drop(one);
    house.run_until_told("disconnected");
    house.story.take();
    house.post(&GREET, ToClient { client: ids[0], payload: "nobody".to_owned() });
    house.turns(3);
    assert_eq!(house.story.told(), NOTHING);
    drop(other);
    house.post(&SHUTDOWN, ());
    house.end();
}

#[test]
fn each_connection_has_a_state_of_its_own_in_both_forms() {
    for form in FORMS {
        let server = TcpServer::with_clients(Line::new, |_: &mut Story, _: &_| 0_u32);
        let server = telling(server.listen("127.0.0.1:0")).client_input(|story, client, _| {
            *client.state() += 1;
            story.tell(client.state().to_string());
        });
        let mut house = House::open(form, server);
        let (one, other) = (house.connect(), house.connect());
        house.story.take();
        for (mut stream, count) in [(&one, "1"), (&one, "2"), (&other, "1"), (&one, "3")] {
            stream.write_all(b"\n").expect("write");
            house.run_until_told(count);
            assert_eq!(house.story.take(), [count], "{form:?}");
        }
        drop((one, other));
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn a_server_may_be_the_child_of_a_session() {
    let (told, story) = (Story::default(), Story::default());
    let inner = story.clone();
    let parent = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            let server = lines().spawn(cx, inner.clone());
            assert_eq!(cx.children(), [server]);
            cx.yield_("end", server);
        })
        .on("end", |_: &mut (), cx: &mut Context<'_>, server: reactor::SessionId| {
            cx.post(server, &SHUTDOWN, ()).expect("it is there");
        })
        .on_stop(move |_: &mut (), _: &mut Context<'_>, ()| told.tell("the parent stopped"));
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&parent, ());
    net::run_to_end(&mut kernel);
    assert_eq!(story.told().last().expect("some"), "stopped");
    let gone = story.addresses().first().and_then(Address::as_ip);
    assert!(gone.is_none_or(|addr| TcpStream::connect(addr).is_err()));
}

#[test]
fn a_listener_that_breaks_while_it_listens_is_an_error_and_connections_live_on() {
    for form in FORMS {
        let (listener, addr) = net::listener();
        let saboteur = listener.try_clone().expect("a clone");
        let server = TcpServer::new(Line::new).listen_on([OwnedFd::from(listener)]).alias("server");
        let mut house = House::open(form, telling(server));
        let mut stream = house.connect();
        SockRef::from(&saboteur).shutdown(Shutdown::Both).expect("it listens no more");
        house.run_until("an error", |story| {
            story.told().iter().any(|told| told.starts_with("server: accept"))
        });
        assert_eq!(house.kernel.alias_resolve("server"), None);
        stream.write_all(b"still there\n").expect("write");
        house.run_until_told("flushed");
        assert_eq!(house.addr(), addr);
        drop(stream);
        assert_eq!(house.end().last().expect("some"), "stopped");
    }
}
