//! A client that tells a story: each callback is a line.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use components::{Server, TcpClient};
use reactor::{Clock, Kernel};
use testkit::net::{self, Peer};
use testkit::story::Story;
use wheels::filter::Line;

pub(crate) type Client = TcpClient<Story, Line>;
pub(crate) type At<'a> = Server<'a, Line>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A client that tells all it hears, except that all was sent.
pub(crate) fn client() -> Client {
    TcpClient::new(|| Line::new().max_length(1 << 20))
        .started(|story: &mut Story, _| story.tell("started"))
        .connected(|story, _| story.tell("connected"))
        .connect_error(|story, _, failure| story.tell(failure))
        .disconnected(|story, _| story.tell("disconnected"))
        .server_input(|story, _, line| story.tell(text(&line)))
        .server_error(|story, _, failure| story.tell(failure))
        .gave_up(|story, _| story.tell("gave up"))
        .refused(|story, _| story.tell("refused"))
        .stopped(|story, _| story.tell("stopped"))
}

pub(crate) fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// A kernel on the system's clock with a client on it.
pub(crate) fn start(client: Client) -> (Kernel, Story) {
    start_on(Clock::system(), client)
}

pub(crate) fn start_on(clock: Clock, client: Client) -> (Kernel, Story) {
    let mut kernel = Kernel::builder().clock(clock).build().expect("a kernel");
    let story = Story::default();
    client.spawn(&mut kernel, story.clone());
    (kernel, story)
}

/// Runs a client to its end; what it told.
pub(crate) fn run(client: Client) -> Vec<String> {
    let (mut kernel, story) = start(client);
    net::run_to_end(&mut kernel);
    story.take()
}

/// As [`run`], in virtual time; how long it took, too.
pub(crate) fn run_in_virtual_time(client: Client) -> (Vec<String>, Duration) {
    let clock = Clock::virtual_time();
    let began = clock.now();
    let (mut kernel, story) = start_on(clock.clone(), client);
    kernel.run().expect("the kernel runs to its end");
    assert_eq!((kernel.session_count(), kernel.wheel_count()), (0, 0));
    (story.take(), clock.now() - began)
}

/// A server that plays its part with one connection.
pub(crate) fn serve<R: Send + 'static>(
    part: impl FnOnce(TcpStream) -> R + Send + 'static,
) -> (Peer<R>, SocketAddr) {
    serve_all(move |listener| part(net::accept(listener)))
}

/// A server that plays its part with its listener.
pub(crate) fn serve_all<R: Send + 'static>(
    part: impl FnOnce(&TcpListener) -> R + Send + 'static,
) -> (Peer<R>, SocketAddr) {
    let (listener, addr) = net::listener();
    (Peer::play(move || part(&listener)), addr)
}

/// Reads a line, without its end.
pub(crate) fn read_line(stream: &TcpStream) -> String {
    let mut line = String::new();
    // One byte at a time: what comes after the line stays where it is.
    BufReader::with_capacity(1, stream).read_line(&mut line).expect("a line");
    line.trim_end().to_owned()
}

/// Reads lines until the end.
pub(crate) fn read_lines(stream: &TcpStream) -> Vec<String> {
    BufReader::new(stream).lines().map(|line| line.expect("a line")).collect()
}

pub(crate) fn write(mut stream: &TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).expect("write");
}

/// What a closure noted.
pub(crate) type Notes<T> = Rc<RefCell<Vec<T>>>;
