//! The conversation of `wheel_sf_tcp`, `wheel_sf_unix` and `wheel_sf_ipv6`: a server that turns letters by
//! thirteen places and sends each line back, in a session for each client; a client that says the same
//! sentence twice, the second time as it came back, so that it is itself again.

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use reactor::{Child, Context, Event, Fate, Kernel, SessionId, States, WheelId};
use testkit::net;
use testkit::story::Story;
use wheels::filter::Line;
use wheels::{
    Address, Established, Failure, Input, ReadWrite, Socket, SocketFactory, SocketFactoryBuilder,
};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const CONNECTED: Event<Established> = Event::new("connected");
const GOT_LINE: Event<Input<Bytes>> = Event::new("got_line");
const FLUSHED: Event<WheelId> = Event::new("flushed");
const FAILED: Event<Failure> = Event::new("failed");
const SHUTDOWN: Event<()> = Event::new("shutdown");

pub(super) const SENTENCE: &str = "this is a test";

/// Runs the conversation to its end, and gives what was told of it.
pub(super) fn between(
    server: SocketFactoryBuilder,
    client: impl FnOnce(Address) -> SocketFactoryBuilder,
) -> Vec<String> {
    let story = Story::default();
    let mut kernel = Kernel::new().expect("a kernel");
    let place = Rc::new(Cell::new(None));
    kernel.spawn(&Server::states(), Server::new(&story, server, &place));
    let advertised = place.take().expect("it listens right after `_start`");
    kernel.spawn(&Client::states(), Client::new(&story, client(advertised)));
    net::run_to_end(&mut kernel);
    story.take()
}

struct Server {
    story: Story,
    builder: Option<SocketFactoryBuilder>,
    listener: Option<SocketFactory>,
    advertised: Rc<Cell<Option<Address>>>,
    local: Option<Address>,
    child: Option<SessionId>,
}

impl Server {
    fn new(
        story: &Story,
        builder: SocketFactoryBuilder,
        advertised: &Rc<Cell<Option<Address>>>,
    ) -> Self {
        let (story, advertised) = (story.clone(), Rc::clone(advertised));
        let builder = Some(builder);
        Self { story, builder, listener: None, advertised, local: None, child: None }
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(Self::start)
            .on(&GOT_CLIENT, Self::got_client)
            .on(&FAILED, |server: &mut Self, _: &mut Context<'_>, failure: Failure| {
                server.story.tell(format_args!("server: {failure}"));
            })
            .on_child(Self::child)
            .on(&SHUTDOWN, |server: &mut Self, cx: &mut Context<'_>, ()| {
                server.story.tell("server: shutdown");
                cx.alias_remove("server").expect("its own");
            })
    }

    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.alias_set("server").expect("nobody else is there");
        let builder = self.builder.take().expect("a session starts once");
        let listener = builder.build(cx, &GOT_CLIENT, &FAILED);
        self.local = listener.local_addr(cx);
        self.advertised.set(self.local.clone());
        self.listener = Some(listener);
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        self.story.tell("server: a client");
        // Gone with the listener, in the middle of its own event.
        let listener = self.listener.take().expect("one client comes");
        assert_eq!(client.wheel, listener.id());
        assert_eq!(listener.local_addr(cx), self.local);
        let local = client.socket.local_addr().expect("it is bound");
        assert_eq!(local.to_string(), self.local.as_ref().expect("it listens").to_string());
        let connection = Connection::new(&self.story, client.socket);
        cx.spawn(&Connection::states(), connection);
    }

    fn child(&mut self, _: &mut Context<'_>, child: Child) {
        match child.fate() {
            Fate::Create => self.child = Some(child.session()),
            Fate::Lose => assert_eq!(self.child, Some(child.session())),
            Fate::Gain => panic!("nobody has children to leave"),
        }
        self.story.tell(format_args!("server: _child {:?}", child.fate()));
    }
}

/// The server's session for one client.
struct Connection {
    story: Story,
    socket: Option<Socket>,
    stream: Option<ReadWrite<Line>>,
    put: u32,
    flushed: u32,
}

impl Connection {
    fn new(story: &Story, socket: Socket) -> Self {
        let (story, socket) = (story.clone(), Some(socket));
        Self { story, socket, stream: None, put: 0, flushed: 0 }
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(|connection: &mut Self, cx: &mut Context<'_>, ()| {
                let socket = connection.socket.take().expect("a session starts once");
                connection.stream = Some(stream(socket, cx));
            })
            .on(&GOT_LINE, |connection: &mut Self, cx: &mut Context<'_>, line: Input<Bytes>| {
                let turned = rot13(&line.item);
                connection.stream.as_ref().expect("it came by this").put(cx, turned);
                connection.put += 1;
            })
            .on(&FLUSHED, |connection: &mut Self, _: &mut Context<'_>, _: WheelId| {
                connection.flushed += 1;
            })
            .on(&FAILED, |connection: &mut Self, _: &mut Context<'_>, failure: Failure| {
                let (operation, errnum) = (failure.operation, failure.errnum);
                connection.story.tell(format_args!("connection: {operation}, error {errnum}"));
                connection.stream = None;
            })
            .on_stop(|connection: &mut Self, _: &mut Context<'_>, ()| {
                let (put, flushed) = (connection.put, connection.flushed);
                connection.story.tell(format_args!("connection: {put} put, {flushed} flushed"));
            })
    }
}

struct Client {
    story: Story,
    builder: Option<SocketFactoryBuilder>,
    connector: Option<SocketFactory>,
    stream: Option<ReadWrite<Line>>,
    put: u32,
    flushed: u32,
}

impl Client {
    fn new(story: &Story, builder: SocketFactoryBuilder) -> Self {
        let (story, builder) = (story.clone(), Some(builder));
        Self { story, builder, connector: None, stream: None, put: 0, flushed: 0 }
    }

    fn states() -> States<Self> {
        States::new()
            .on_start(|client: &mut Self, cx: &mut Context<'_>, ()| {
                let builder = client.builder.take().expect("a session starts once");
                client.connector = Some(builder.build(cx, &CONNECTED, &FAILED));
            })
            .on(&CONNECTED, Self::connected)
            .on(&GOT_LINE, Self::got_line)
            .on(&FLUSHED, |client: &mut Self, _: &mut Context<'_>, _: WheelId| client.flushed += 1)
            .on(&FAILED, |client: &mut Self, _: &mut Context<'_>, failure: Failure| {
                client.story.tell(format_args!("client: {failure}"));
            })
            .on_stop(|client: &mut Self, cx: &mut Context<'_>, ()| {
                let (put, flushed) = (client.put, client.flushed);
                client.story.tell(format_args!("client: {put} put, {flushed} flushed"));
                // Taken and discarded with the session, there as here. The server ends because nobody is
                // left who could call it by its alias.
                cx.post("server", &SHUTDOWN, ()).expect("its alias keeps it alive");
            })
    }

    fn connected(&mut self, cx: &mut Context<'_>, made: Established) {
        self.connector = None;
        let stream = stream(made.socket, cx);
        // POE has its driver write ten octets at a time; here the system takes what it can. Before the
        // handler returns nothing is written, and the end of the line counts.
        stream.put(cx, format!("1: {SENTENCE}"));
        self.story.tell(format_args!("client: {} octets to send", stream.unsent(cx)));
        self.put = 1;
        self.stream = Some(stream);
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        let text = String::from_utf8(line.item.to_vec()).expect("letters");
        let (number, sentence) = text.split_once(": ").expect("a number and a sentence");
        self.story.tell(format_args!("client: got {number}, {sentence:?}"));
        if number == "1" {
            let stream = self.stream.as_ref().expect("it came by this");
            stream.put(cx, format!("2: {sentence}"));
            self.put += 1;
        } else {
            self.stream = None;
        }
    }
}

fn stream(socket: Socket, cx: &mut Context<'_>) -> ReadWrite<Line> {
    let stream = ReadWrite::builder(socket).filter(Line::new()).flushed_event(&FLUSHED);
    stream.build(cx, &GOT_LINE, &FAILED)
}

fn rot13(text: &[u8]) -> Bytes {
    let turn = |letter: &u8| match letter {
        b'a'..=b'm' | b'A'..=b'M' => letter + 13,
        b'n'..=b'z' | b'N'..=b'Z' => letter - 13,
        _ => *letter,
    };
    text.iter().map(turn).collect()
}
