//! Who is let in, and how many.

use std::cell::Cell;
use std::io::Write;
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::rc::Rc;

use components::{DISCONNECTED, Refusal, SET_CONCURRENCY, SHUTDOWN, TcpServer};
use reactor::{Context, Event, Kernel};
use socket2::{Domain, Socket, Type};
use testkit::logs;
use testkit::machine;
use testkit::net::{self, Ending, Peer};
use testkit::random::Random;
use testkit::unix;
use wheels::filter::Line;
use wheels::{Established, Socket as Accepted};

use crate::server_kit::{FORMS, Form, House, Story, lines, telling};

#[test]
fn f52_with_a_concurrency_of_zero_nobody_is_let_in_until_it_is_raised() {
    for form in FORMS {
        // Of the second it is not known yet where it is when it is paused.
        let mut house = House::open(form, lines().listen("localhost:0").concurrency(0));
        house.run_until("the other", |story| story.addresses().len() == 2);
        let other = house.story.addresses()[1].as_ip().expect("an IP address");
        let by_name = net::connect(other);
        let streams = net::connect_all(house.addr(), 3);
        house.story.take();
        house.turns(20);
        assert_eq!(house.story.take(), [""; 0], "{form:?}");
        house.post(&SET_CONCURRENCY, Some(1));
        house.run_until_told("connected");
        house.turns(20);
        assert_eq!(house.story.take(), ["connected"], "{form:?}");
        house.post(&SET_CONCURRENCY, None);
        house.run_until("the others", |story| story.count("connected") == 3);
        drop((streams, by_name));
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn a_concurrency_that_is_lowered_sends_nobody_away_and_is_kept_then() {
    const LOWER: Event<Option<usize>> = Event::new("lower");
    for form in FORMS {
        let server = lines()
            .concurrency(3)
            .client_input(|_, client, line| {
                let number = std::str::from_utf8(&line).expect("text").parse().ok();
                client.clients().set_concurrency(number);
            })
            .on(&LOWER, |_, clients, to| clients.set_concurrency(to));
        let mut house = House::open(form, server);
        let mut streams = vec![house.connect(), house.connect(), house.connect()];
        let next = net::connect(house.addr());
        house.turns(10);
        assert_eq!(house.story.take(), ["connected"; 3], "{form:?}");
        house.post(&LOWER, Some(1));
        for _ in 0..2 {
            house.turns(10);
            assert_eq!(house.story.take(), [""; 0], "{form:?}");
            streams.pop();
            house.run_until_told("disconnected");
            house.story.take();
        }
        streams.pop();
        house.run_until_told("connected");

        // A connection raises it.
        let more = net::connect_all(house.addr(), 3);
        house.turns(10);
        assert_eq!(house.story.count("connected"), 1);
        (&next).write_all(b"3\n").expect("write");
        house.run_until("two more", |story| story.count("connected") == 3);
        house.turns(10);
        assert_eq!(house.story.count("connected"), 3);
        (&next).write_all(b"any number\n").expect("write");
        house.run_until("all", |story| story.count("connected") == 4);
        drop((next, more));
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn p43_in_a_burst_with_goodbyes_at_random_there_are_never_more_than_allowed() {
    const MOST: usize = 10;
    for form in FORMS {
        let (now, most) = (Rc::new(Cell::new(0_usize)), Rc::new(Cell::new(0)));
        let (come, go, peak) = (Rc::clone(&now), Rc::clone(&now), Rc::clone(&most));
        let server = lines()
            .concurrency(MOST)
            .client_connected(move |story, client| {
                come.set(come.get() + 1);
                peak.set(peak.get().max(come.get()));
                story.tell("connected");
                client.put("welcome");
                assert!(come.get() <= MOST, "{} at a time", come.get());
            })
            .client_disconnected(move |story, _| {
                go.set(go.get() - 1);
                story.tell("disconnected");
            });
        let mut house = House::open(form, server);
        let addr = house.addr();
        let peer = Peer::play(move || {
            let mut random = Random::new(52);
            let mut streams = net::connect_all(addr, 500);
            while !streams.is_empty() {
                let at = usize::try_from(random.below(streams.len() as u64)).expect("small");
                let mut stream = streams.swap_remove(at);
                match random.below(4) {
                    0 => net::reset(stream),
                    1 => {
                        // It may have been closed for what another said.
                        let _said = stream.write_all(b"good-bye\n");
                    }
                    2 => drop(stream.shutdown(std::net::Shutdown::Write)),
                    _ => drop(stream),
                }
            }
        });
        peer.run(&mut house.kernel);
        let now = Rc::clone(&now);
        house.run_until("everybody's end", |story| {
            now.get() == 0 && story.count("connected") >= 400
        });
        house.turns(50);
        assert_eq!(most.get(), MOST, "{form:?}");
        assert_eq!(house.story.count("connected"), house.story.count("disconnected"));

        // The count is right after all this.
        house.story.take();
        let streams = net::connect_all(addr, MOST + 1);
        house.run_until("as many as may", |story| story.count("connected") == MOST);
        house.turns(20);
        assert_eq!(house.story.count("connected"), MOST, "{form:?}");
        drop(streams);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[derive(Clone, Default)]
struct Keeper {
    story: Story,
    sockets: Rc<std::cell::RefCell<Vec<Accepted>>>,
}

/// A server with an acceptor that keeps the sockets, and where it listens.
fn keeping(kernel: &mut Kernel, most: usize) -> (reactor::SessionId, Keeper, SocketAddr) {
    let keeper = Keeper::default();
    let server = TcpServer::acceptor(|keeper: &mut Keeper, _, established: Established| {
        keeper.sockets.borrow_mut().push(established.socket);
        keeper.story.tell("accepted");
    });
    let server = server
        .listen("127.0.0.1:0")
        .concurrency(most)
        .listening(|keeper: &mut Keeper, _, up| keeper.story.tell(up.local_addr.to_string()))
        .on("drop one", |keeper: &mut Keeper, clients, ()| {
            drop(keeper.sockets.borrow_mut().pop());
            clients.cx().yield_(&DISCONNECTED, ());
        })
        .stopped(|keeper: &mut Keeper, _: &mut Context<'_>| keeper.story.tell("stopped"));
    let session = server.spawn(kernel, keeper.clone());
    net::run_until(kernel, "it listens", || !keeper.story.told().is_empty());
    let addr = keeper.story.take()[0].parse().expect("an address");
    (session, keeper, addr)
}

#[test]
fn an_acceptor_is_given_so_many_and_more_when_it_says_that_one_is_closed() {
    let mut kernel = Kernel::new().expect("a kernel");
    let (session, keeper, addr) = keeping(&mut kernel, 2);
    let _streams = net::connect_all(addr, 5);
    for accepted in [2, 3, 4] {
        net::run_until(&mut kernel, "so many", || keeper.story.count("accepted") == accepted);
        for _ in 0..10 {
            kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
        }
        assert_eq!(keeper.story.count("accepted"), accepted);
        kernel.post(session, "drop one", ()).expect("it is there");
    }
    net::run_until(&mut kernel, "the last", || keeper.story.count("accepted") == 5);
    kernel.post(session, &SHUTDOWN, ()).expect("it is there");
    net::run_to_end(&mut kernel);
    assert_eq!(keeper.story.count("stopped"), 1);
}

#[test]
fn to_be_told_of_more_ends_than_there_were_connections_is_a_warning_and_no_more() {
    let mut kernel = Kernel::new().expect("a kernel");
    let (session, keeper, addr) = keeping(&mut kernel, 1);
    let ((), logged) = logs::capture_warnings(|| {
        for _ in 0..3 {
            kernel.post(session, &DISCONNECTED, ()).expect("it is there");
        }
        kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
    });
    assert_eq!(logged.len(), 3, "{logged:?}");
    let _streams = net::connect_all(addr, 3);
    net::run_until(&mut kernel, "one", || keeper.story.has("accepted"));
    for _ in 0..10 {
        kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
    }
    assert_eq!(keeper.story.count("accepted"), 1);
    kernel.post(session, &SHUTDOWN, ()).expect("it is there");
    net::run_to_end(&mut kernel);
}

#[test]
fn an_acceptor_that_panics_has_not_accepted() {
    let mut kernel = Kernel::new().expect("a kernel");
    let story = Story::default();
    let server = TcpServer::acceptor(|story: &mut Story, _, _| {
        story.tell("accepted");
        panic!("in the acceptor")
    });
    let server = server
        .listen("127.0.0.1:0")
        .concurrency(1)
        .started(|_, cx| cx.sig("DIE", "died").expect("a name"))
        .on("died", |_, clients, _: reactor::Signal| clients.cx().sig_handled())
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

/// From another address of this machine.
fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let from: SocketAddr = from.parse().expect("an address");
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("socket");
    socket.bind(&from.into()).expect("bind");
    socket.connect_timeout(&to.into(), net::PATIENCE).expect("connect");
    socket.into()
}

#[test]
fn p43_one_address_has_no_more_than_its_share_and_has_it_again() {
    for form in FORMS {
        let mut house = House::open(form, lines().per_address(2));
        let mut streams = vec![house.connect(), house.connect()];
        let mut third = net::connect(house.addr());
        house.run_until_told("refused PerAddress");
        let ending = net::read_to_end(&mut third);
        assert!(matches!(ending, Ending::Closed(ref bytes) if bytes.is_empty()), "{ending:?}");
        let other = connect_from("127.0.0.2:0", house.addr());
        house.run_until("somebody else", |story| story.count("connected") == 3);

        for _ in 0..3 {
            house.story.take();
            streams.pop();
            house.run_until_told("disconnected");
            streams.push(house.connect());
            drop(net::connect(house.addr()));
            house.run_until_told("refused PerAddress");
            let told = house.story.take();
            let counts = ["connected", "disconnected", "refused PerAddress"]
                .map(|what| told.iter().filter(|told| *told == what).count());
            assert_eq!(counts, [1, 1, 1], "{form:?}: {told:?}");
        }
        drop((streams, other));
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn who_is_refused_takes_no_place() {
    for form in FORMS {
        let server = lines().concurrency(2).per_address(1);
        let mut house = House::open(form, server);
        let first = house.connect();
        drop(net::connect_all(house.addr(), 5));
        house.run_until("refusals", |story| story.count("refused PerAddress") == 5);
        let second = connect_from("127.0.0.2:0", house.addr());
        house.run_until("the second", |story| story.count("connected") == 2);
        let third = connect_from("127.0.0.3:0", house.addr());
        house.turns(10);
        assert_eq!(house.story.count("connected"), 2, "{form:?}");
        drop(first);
        house.run_until("the third", |story| story.count("connected") == 3);
        drop((second, third));
        house.post(&SHUTDOWN, ());
        house.end();

        // Nor does who was not wanted.
        let server = lines().concurrency(1).per_address(1).client_pre_connect(|_, _, _| None);
        let mut house = House::open(form, server);
        drop(net::connect_all(house.addr(), 5));
        house.run_until("refusals", |story| story.count("refused PreConnect") == 5);
        house.post(&SHUTDOWN, ());
        let told = house.end();
        assert_eq!(told.last().expect("some"), "stopped");
        assert_eq!(told.len(), 6, "{form:?}: {told:?}");
    }
}

#[test]
fn the_refused_is_told_with_its_address() {
    for form in FORMS {
        let server = lines().per_address(0).refused(|story, _, refused| {
            assert_eq!(refused.reason, Refusal::PerAddress);
            story.tell(refused.peer.to_string());
        });
        let mut house = House::open(form, server);
        let stream = net::connect(house.addr());
        let from = stream.local_addr().expect("an address").to_string();
        house.run_until_told(&from);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn of_ipv6_an_address_is_known_too_and_has_its_share() {
    if !machine::has_ipv6("of_ipv6_an_address_is_known_too_and_has_its_share") {
        return;
    }
    for form in FORMS {
        let server = telling(TcpServer::new(Line::new).listen("[::1]:0")).per_address(1);
        let server = server.client_connected(|story, client| {
            assert_eq!(client.peer().ip(), Some(Ipv6Addr::LOCALHOST.into()));
            story.tell("connected");
        });
        let mut house = House::open(form, server);
        for _ in 0..2 {
            let stream = house.connect();
            drop(net::connect(house.addr()));
            house.run_until_told("refused PerAddress");
            drop(stream);
            house.run_until_told("disconnected");
            house.story.take();
        }
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn unix_clients_have_no_address_and_are_not_limited() {
    for form in FORMS {
        let folder = unix::Folder::new();
        let path = folder.at("socket");
        let server = telling(TcpServer::new(Line::new).listen(path.clone())).per_address(1);
        let mut house = House::open(form, server);
        let connect = |_| std::os::unix::net::UnixStream::connect(&path).expect("connect");
        let streams: Vec<_> = (0..5).map(connect).collect();
        house.run_until("all", |story| story.count("connected") == 5);
        drop(streams);
        house.post(&SHUTDOWN, ());
        assert!(!house.end().contains(&"refused PerAddress".into()), "{form:?}");
    }
}

#[test]
fn a_session_that_fails_as_it_starts_gives_its_place_back() {
    let server = lines().concurrency(1).per_address(1).client_pre_connect(|story, _, _| {
        story.tell("pre-connect");
        panic!("in pre-connect")
    });
    let mut house = House::open_isolated(Form::Own, server);
    let streams = net::connect_all(house.addr(), 3);
    house.run_until("all", |story| story.count("pre-connect") == 3);
    drop(streams);
    house.post(&SHUTDOWN, ());
    assert_eq!(house.end(), ["pre-connect", "pre-connect", "pre-connect", "stopped"]);
}
