//! The shortest server, and what is told of a connection and when.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;

use components::{Client, TcpServer};
use reactor::{Context, Kernel};
use testkit::net::{self, Peer};
use wheels::filter::{Filter, Line};
use wheels::{Failure, Listening};

/// What was told, in order.
#[derive(Clone, Default)]
struct Story {
    told: Rc<RefCell<Vec<String>>>,
    address: Rc<RefCell<Option<SocketAddr>>>,
}

impl Story {
    fn tell(&self, what: impl Into<String>) {
        self.told.borrow_mut().push(what.into());
    }
}

fn with_story<F>(server: TcpServer<Story, F>) -> TcpServer<Story, F>
where
    F: Filter<Item = bytes::Bytes, Out = bytes::Bytes>,
{
    server
        .listen("127.0.0.1:0")
        .started(|story: &mut Story, _: &mut Context<'_>| story.tell("started"))
        .listening(|story: &mut Story, _: &mut Context<'_>, up: Listening| {
            story.tell("listening");
            *story.address.borrow_mut() = up.local_addr.as_ip();
        })
        .client_connected(|story: &mut Story, _: &mut Client<'_, F>| story.tell("connected"))
        .client_input(|story: &mut Story, client: &mut Client<'_, F>, line| {
            story.tell("input");
            client.put(line);
            client.clients().shutdown();
        })
        .client_flushed(|story: &mut Story, _: &mut Client<'_, F>| story.tell("flushed"))
        .client_error(|story: &mut Story, _: &mut Client<'_, F>, failure: Failure| {
            story.tell(failure.to_string());
        })
        .client_disconnected(|story: &mut Story, _: &mut Client<'_, F>| story.tell("disconnected"))
        .stopped(|story: &mut Story, _: &mut Context<'_>| story.tell("stopped"))
}

fn tell_all(server: TcpServer<Story, Line>) -> Vec<String> {
    let story = Story::default();
    let mut kernel = Kernel::new().expect("kernel");
    with_story(server).spawn(&mut kernel, story.clone());
    net::run_until(&mut kernel, "it listens", || story.address.borrow().is_some());
    let address = story.address.borrow().expect("it listens");
    let peer = Peer::play(move || {
        let mut stream = TcpStream::connect(address).expect("connect");
        stream.write_all(b"hello\n").expect("write");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("read");
        stream.shutdown(Shutdown::Both).expect("shutdown");
        line
    });
    assert_eq!(peer.run(&mut kernel), "hello\r\n");
    net::run_to_end(&mut kernel);
    story.told.take()
}

const ORDER: [&str; 8] = [
    "started",
    "listening",
    "connected",
    "input",
    "flushed",
    "read: end of stream",
    "disconnected",
    "stopped",
];

#[test]
fn a_short_exchange_is_told_in_order() {
    assert_eq!(tell_all(TcpServer::new(Line::new)), ORDER);
}

#[test]
fn with_a_session_for_each_connection_it_is_told_in_the_same_order() {
    assert_eq!(tell_all(TcpServer::new(Line::new).session_per_client()), ORDER);
}
