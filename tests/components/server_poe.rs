//! POE's own scenarios for `Server::TCP`, under their names.

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;

use bytes::Bytes;
use components::{SHUTDOWN, TcpServer};
use filters::http::{Httpd, Received};
use http::Response;
use reactor::{Context, Kernel, States, WheelId};
use testkit::logs;
use testkit::machine;
use testkit::net::{self, Ending, Peer};
use testkit::unix;
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite};

use crate::server_kit::{FORMS, Form, House, Story, lines, telling, without};

/// The session that an acceptor makes for a socket.
struct Connection {
    story: Story,
    socket: Option<wheels::Socket>,
    wheel: Option<ReadWrite<Line>>,
    server: reactor::SessionId,
}

fn connection() -> States<Connection> {
    States::new()
        .on_start(|it: &mut Connection, cx: &mut Context<'_>, ()| {
            let socket = it.socket.take().expect("given by the acceptor");
            let builder = ReadWrite::builder(socket).filter(Line::new()).flushed_event("flushed");
            it.wheel = Some(builder.build(cx, "line", "failed"));
        })
        .on("line", |it: &mut Connection, cx: &mut Context<'_>, line: Input<Bytes>| {
            it.story.tell("input");
            if let Some(wheel) = &it.wheel {
                wheel.put(cx, line.item);
            }
        })
        .on("flushed", |it: &mut Connection, _: &mut Context<'_>, _: WheelId| {
            it.story.tell("flushed");
        })
        .on("failed", |it: &mut Connection, cx: &mut Context<'_>, failure: Failure| {
            it.story.tell(failure.to_string());
            it.wheel = None;
            cx.post(it.server, &SHUTDOWN, ()).expect("it is there");
        })
        .on_stop(|it: &mut Connection, _: &mut Context<'_>, ()| it.story.tell("connection stopped"))
}

#[test]
fn comp_tcp_an_acceptor_makes_its_own_session() {
    let (story, kind) = (Story::default(), connection());
    let server = TcpServer::acceptor(move |story: &mut Story, cx, established: Established| {
        story.tell("accepted");
        let (story, socket) = (story.clone(), Some(established.socket));
        cx.spawn(&kind, Connection { story, socket, wheel: None, server: cx.session() });
    });
    let server = server
        .listen("127.0.0.1:0")
        .listening(|story: &mut Story, _, up| story.tell(up.local_addr.to_string()))
        .stopped(|story: &mut Story, _| story.tell("stopped"));
    let mut kernel = Kernel::new().expect("a kernel");
    server.spawn(&mut kernel, story.clone());
    net::run_until(&mut kernel, "it listens", || !story.told().is_empty());
    let addr: SocketAddr = story.take()[0].parse().expect("an address");
    let peer = Peer::play(move || {
        let stream = net::connect(addr);
        (&stream).write_all(b"quit\r\n").expect("write");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("read");
        line
    });
    assert_eq!(peer.run(&mut kernel), "quit\r\n");
    net::run_to_end(&mut kernel);
    let told =
        ["accepted", "input", "flushed", "read: end of stream", "connection stopped", "stopped"];
    assert_eq!(story.told(), told);
}

#[test]
fn comp_tcp_callbacks_once_each() {
    for form in FORMS {
        let server = lines()
            .client_pre_connect(|story, _, established| {
                story.tell("pre-connect");
                Some(established.socket.into())
            })
            .client_input(|story, client, line| {
                story.tell("input");
                client.put(line);
                client.yield_("end", ());
            })
            .on_client("end", |_, client, ()| client.shutdown());
        let mut house = House::open(form, server);
        let addr = house.addr();
        let peer = Peer::play(move || {
            let mut stream = net::connect(addr);
            stream.write_all(b"quit\n").expect("write");
            net::read_to_end(&mut stream)
        });
        assert_eq!(peer.run(&mut house.kernel), Ending::Closed(b"quit\r\n".into()));
        house.post(&SHUTDOWN, ());
        let told = ["pre-connect", "connected", "input", "flushed", "disconnected", "stopped"];
        assert_eq!(house.end(), told, "{form:?}");
    }
}

fn rot13(line: &[u8]) -> Vec<u8> {
    let turn = |byte: &u8, from: u8| from + (byte - from + 13) % 26;
    let rot = |byte: &u8| match byte {
        b'a'..=b'z' => turn(byte, b'a'),
        b'A'..=b'Z' => turn(byte, b'A'),
        other => *other,
    };
    line.iter().map(rot).collect()
}

#[derive(Default)]
struct Counts {
    puts: u32,
    flushes: u32,
}

#[test]
fn wheel_sf_ipv6_rot13_twice_and_as_many_flushes_as_puts() {
    if !machine::has_ipv6("wheel_sf_ipv6") {
        return;
    }
    for form in FORMS {
        let server = TcpServer::with_clients(Line::new, |_: &mut Story, _: &_| Counts::default());
        let server = telling(server.listen("[::1]:0"))
            .client_input(|_, client, line| {
                client.state().puts += 1;
                client.put(rot13(&line));
            })
            .client_flushed(|_, client| client.state().flushes += 1)
            .client_disconnected(|story, client| {
                let Counts { puts, flushes } = client.state();
                story.tell(format!("{puts} puts, {flushes} flushes"));
            });
        let mut house = House::open(form, server);
        let addr = house.addr();
        let peer = Peer::play(move || {
            let stream = net::connect(addr);
            let mut lines = BufReader::new(&stream).lines();
            let mut say = |text: String| {
                (&stream).write_all(format!("{text}\n").as_bytes()).expect("write");
                lines.next().expect("a line").expect("read")
            };
            let once = say("1: this is a test".to_owned());
            say(once.replacen("1: ", "2: ", 1))
        });
        assert_eq!(peer.run(&mut house.kernel), "2: this is a test");
        house.run_until_told("2 puts, 2 flushes");
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn wheel_sf_tcp_the_server_listens_no_more_from_within_its_acceptor() {
    let story = Story::default();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let place = Rc::clone(&kept);
    let server = TcpServer::acceptor(move |story: &mut Story, cx, established: Established| {
        story.tell(established.socket.local_addr().expect("an address").to_string());
        place.borrow_mut().push(established.socket);
        cx.yield_(&SHUTDOWN, ());
    });
    let server = server.listen("127.0.0.1:0");
    let server = server.listening(|story: &mut Story, _, up| story.tell(up.local_addr.to_string()));
    let mut kernel = Kernel::new().expect("a kernel");
    server.spawn(&mut kernel, story.clone());
    net::run_until(&mut kernel, "it listens", || !story.told().is_empty());
    let addr: SocketAddr = story.told()[0].parse().expect("an address");
    let _client = net::connect(addr);
    net::run_to_end(&mut kernel);
    assert_eq!(story.told(), [addr.to_string(), addr.to_string()]);
    assert_eq!(kept.borrow().len(), 1);
    TcpStream::connect(addr).expect_err("nobody listens");
}

/// An HTTP server that answers with the path, and where it listens.
fn web(kernel: &mut Kernel, form: Form) -> (Story, SocketAddr) {
    let (story, addr) = (Story::default(), Rc::new(Cell::new(None)));
    let place = Rc::clone(&addr);
    let server = TcpServer::new(Httpd::new)
        .listen("127.0.0.1:0")
        .alias("web")
        .listening(move |_: &mut Story, _, up| place.set(up.local_addr.as_ip()))
        .client_connected(|story: &mut Story, _| story.tell("connected"))
        .client_input(|story: &mut Story, client, received| {
            let (answer, last) = match received {
                Received::Request { item, last } => {
                    let path = item.uri().path().to_owned();
                    story.tell(path.clone());
                    (Response::new(Bytes::from(path)), last)
                }
                Received::Rejected(rejected) => (rejected.response, true),
            };
            client.put(answer);
            if last {
                client.shutdown();
            }
        })
        .client_disconnected(|story: &mut Story, _| story.tell("disconnected"))
        .stopped(|story: &mut Story, _| story.tell("stopped"));
    let server = if form == Form::Own { server.session_per_client() } else { server };
    server.spawn(kernel, story.clone());
    net::run_until(kernel, "it listens", || addr.get().is_some());
    (story, addr.get().expect("it listens"))
}

fn get(addr: SocketAddr, request: &str) -> String {
    let mut stream = net::connect(addr);
    stream.write_all(request.as_bytes()).expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("read");
    answer
}

#[test]
fn agaran_and_cfedde_filter_httpd_a_kill_ends_the_server_and_its_connections() {
    for form in FORMS {
        let mut kernel = Kernel::new().expect("a kernel");
        let (story, addr) = web(&mut kernel, form);
        let mut idle = net::connect(addr);
        for (request, path) in
            [("GET //foo/bar HTTP/1.0\r\n\r\n", "//foo/bar"), ("GET / HTTP/1.0\r\n\r\n", "/")]
        {
            let answer = Peer::play(move || get(addr, request)).run(&mut kernel);
            assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 "), "{answer}");
            assert!(answer.ends_with(path), "{answer}");
            assert!(story.has(path), "{:?}", story.told());
        }
        let web = kernel.alias_resolve("web").expect("it is there");
        kernel.signal(web, "KILL", ()).expect("it is there");
        net::run_to_end(&mut kernel);
        assert_eq!(net::read_to_end(&mut idle), Ending::Closed(Vec::new()));
        assert_eq!((story.count("connected"), story.count("disconnected")), (3, 3), "{form:?}");
        assert_eq!(story.told().last().expect("some"), "stopped");
    }
}

#[test]
fn ferrari_server_unix_a_server_on_a_path_is_shut_down_before_it_runs() {
    for form in FORMS {
        let folder = unix::Folder::new();
        let path = folder.at("socket");
        let ((), logged) = logs::capture_warnings(|| {
            let server = telling(TcpServer::new(Line::new).listen(path.clone()));
            let mut house = House::start_in(form, Kernel::builder(), server);
            house.post(&SHUTDOWN, ());
            let told = without(house.end(), "listening");
            assert_eq!(told, ["started", "stopped"]);
        });
        assert_eq!(logged, []);
        assert_eq!(folder.names(), [""; 0]);
    }
}

#[test]
fn the_order_of_a_short_exchange_is_poes() {
    for form in FORMS {
        let server = lines()
            .client_pre_connect(|story, _, established| {
                story.tell("pre-connect");
                Some(established.socket.into())
            })
            .client_connected(|story, client| {
                story.tell("connected");
                client.put("welcome");
            })
            .client_input(|story, client, line| {
                story.tell("input");
                client.put(line);
                client.clients().shutdown();
            });
        let mut house = House::open(form, server);
        let addr = house.addr();
        let peer = Peer::play(move || {
            let stream = net::connect(addr);
            let mut lines = BufReader::new(&stream).lines();
            let welcome = lines.next().expect("a line").expect("read");
            (&stream).write_all(b"hello\n").expect("write");
            let answer = lines.next().expect("a line").expect("read");
            stream.shutdown(Shutdown::Both).expect("shutdown");
            (welcome, answer)
        });
        assert_eq!(peer.run(&mut house.kernel), ("welcome".to_owned(), "hello".to_owned()));
        let told = [
            "pre-connect",
            "connected",
            "flushed",
            "input",
            "flushed",
            "read: end of stream",
            "disconnected",
            "stopped",
        ];
        assert_eq!(house.end(), told, "{form:?}");
    }
}
