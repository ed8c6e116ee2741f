//! Filters that panic, where the failure is called handled: the connection is gone, and all else goes on.

use std::cell::Cell;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use components::{TcpClient, TcpServer};
use reactor::{Context, Death, Kernel, SessionId, Signal, States};
use testkit::net::{self, Ending};
use testkit::story::Story;
use wheels::filter::{Filter, FilterError, Input, Output};

use crate::client_support::{read_line, serve_all};

/// Bytes as they come, in which an `x` makes it panic, as does an end.
struct Brittle;

impl Filter for Brittle {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        assert!(!input.as_slice().contains(&b'x'), "an x");
        Ok((!input.is_empty()).then(|| input.take(input.len())))
    }

    fn finish(&mut self, _: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        panic!("an end")
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

/// A kernel with a session that starts another and calls its failures handled.
fn forgiven(start: impl FnOnce(&mut Context<'_>, Story) -> SessionId + 'static) -> (Kernel, Story) {
    let start = Cell::new(Some(start));
    let parent = States::new()
        .on_start(move |story: &mut Story, cx: &mut Context<'_>, ()| {
            cx.sig("DIE", "died").expect("a name");
            start.take().expect("it starts once")(cx, story.clone());
        })
        .on("died", |story: &mut Story, cx: &mut Context<'_>, signal: Signal| {
            let death = signal.payload::<Death>().expect("a death");
            story.tell(format_args!("died: {} in {}", death.error, death.place));
            cx.sig_handled();
        });
    let (mut kernel, story) = (Kernel::new().expect("a kernel"), Story::default());
    kernel.spawn(&parent, story.clone());
    (kernel, story)
}

fn run_until(kernel: &mut Kernel, story: &Story, what: &str) {
    let mut told = Vec::new();
    net::run_until(kernel, what, || {
        told.extend(story.take());
        told.iter().any(|line| line == what)
    });
    told.into_iter().for_each(|line| story.tell(line));
}

type Spoil = fn(&mut TcpStream);

/// What makes the filter panic, and what it says then.
const SPOILS: [(Spoil, &str); 2] = [
    (|stream| stream.write_all(b"x").expect("write"), "an x"),
    (|stream| stream.shutdown(std::net::Shutdown::Write).expect("shutdown"), "an end"),
];

#[test]
fn p22_a_connection_whose_filter_panics_is_told_as_disconnected_and_its_place_is_free() {
    for own in [false, true] {
        for (spoil, why) in SPOILS {
            let (listener, addr) = net::listener();
            let server = TcpServer::new(|| Brittle)
                .listen_on([OwnedFd::from(listener)])
                .concurrency(1)
                .client_connected(|story: &mut Story, _| story.tell("connected"))
                .client_error(|story: &mut Story, _, failure| story.tell(failure))
                .client_disconnected(|story: &mut Story, _| story.tell("disconnected"))
                .client_input(|_, client, item: Bytes| client.put(item));
            let server = if own { server.session_per_client() } else { server };
            let (mut kernel, story) = forgiven(|cx, story| server.spawn(cx, story));
            for _ in 0..2 {
                let mut stream = net::connect(addr);
                run_until(&mut kernel, &story, "connected");
                spoil(&mut stream);
                run_until(&mut kernel, &story, "disconnected");
                let died = format!("died: panic: {why} in its wheel");
                let expected = ["connected", &died, "filter: it panicked", "disconnected"];
                assert_eq!(story.take(), expected);
                assert_eq!(net::read_to_end(&mut stream), Ending::Closed(Vec::new()));
            }
        }
    }
}

#[test]
fn p22_a_client_whose_filter_panics_is_told_as_disconnected_and_connects_again() {
    let (server, addr) = serve_all(|listener| {
        for (spoil, _) in SPOILS {
            let mut stream = net::accept(listener);
            spoil(&mut stream);
            assert_eq!(net::read_to_end(&mut stream), Ending::Closed(Vec::new()));
        }
        let last = net::accept(listener);
        assert_eq!(read_line(&last), "bye");
    });
    let client = TcpClient::new(|| Brittle)
        .connect(addr)
        .server_error(|story: &mut Story, _, failure| story.tell(failure))
        .disconnected(|story: &mut Story, server| {
            story.tell("disconnected");
            server.reconnect();
        });
    let count = Cell::new(0);
    let client = client.connected(move |story: &mut Story, server| {
        story.tell("connected");
        count.set(count.get() + 1);
        if count.get() == 3 {
            server.put("bye\n");
            server.shutdown();
        }
    });
    let (mut kernel, story) = forgiven(|cx, story| client.spawn(cx, story));
    net::run_until(&mut kernel, "the server", || server.is_done());
    server.join();
    let told = story.take();
    for (round, (_, why)) in told.chunks(4).zip(SPOILS) {
        let died = format!("died: panic: {why} in its wheel");
        assert_eq!(round, ["connected", &died, "filter: it panicked", "disconnected"]);
    }
}
