//! Servers and clients ready made.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use bytes::Bytes;
use components::{Client, DRAIN, Reconnect, SHUTDOWN, Server, TcpClient, TcpServer};
use reactor::Context;
use testkit::net::{self, Reserved};
use testkit::unix::Folder;
use wheels::filter::Line;

use crate::actor::{Heard, LONG};
use crate::stage::{Stage, Teller};

type Guest<'a> = Client<'a, Line, ()>;

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

/// A server that tells everything, says each line again, and ends when so many have left.
fn server(guests: usize) -> TcpServer<Teller, Line> {
    let left = std::cell::Cell::new(guests);
    TcpServer::new(Line::new)
        .started(|_: &mut Teller, cx| cx.delay(&SHUTDOWN, LONG, ()))
        .listening(|teller, _, _| teller.tell("listening"))
        .error(|teller, _, failure| teller.tell_failure(&failure))
        .refused(|teller, _, refused| teller.tell(format_args!("refused: {:?}", refused.reason)))
        .client_connected(|teller, _: &mut Guest<'_>| teller.tell("connected"))
        .client_input(|teller, client: &mut Guest<'_>, line: Bytes| {
            teller.tell(text(&line));
            client.put(line);
        })
        .client_error(|teller, _: &mut Guest<'_>, failure| teller.tell_failure(&failure))
        .client_disconnected(move |teller, client: &mut Guest<'_>| {
            teller.tell("disconnected");
            left.set(left.get().saturating_sub(1));
            if left.get() == 0 {
                client.cx().alarm_clear(&SHUTDOWN);
                client.clients().shutdown();
            }
        })
        .client_draining(|teller, client: &mut Guest<'_>| {
            teller.tell("draining");
            client.put("bye");
        })
        .stopped(|teller, _| teller.tell("stopped"))
}

/// A client that tells everything, says something, and leaves when it has heard it.
fn client(says: &'static str) -> TcpClient<Teller, Line> {
    TcpClient::new(Line::new)
        .reconnect(Reconnect::new().attempts(3))
        .connected(move |teller: &mut Teller, server: &mut Server<'_, Line>| {
            teller.tell("connected");
            server.put(says);
        })
        .connect_error(|teller, _, failure| teller.tell_failure(&failure))
        .server_input(|teller, server, line: Bytes| {
            teller.tell(text(&line));
            server.shutdown();
        })
        .server_error(|teller, _, failure| teller.tell_failure(&failure))
        .disconnected(|teller, _| teller.tell("disconnected"))
        .gave_up(|teller, _| teller.tell("gave up"))
        .stopped(|teller, _| teller.tell("stopped"))
}

pub(crate) fn server_and_clients(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let port = Reserved::new([127, 0, 0, 1]);
    server(2).listen(port.addr).spawn(&mut kernel, stage.crowd("server"));
    for name in ["one", "two"] {
        client(name).connect(port.addr).spawn(&mut kernel, stage.teller(name));
    }
    stage.run(kernel);
}

/// A listener that is there before.
fn listener() -> (OwnedFd, SocketAddr) {
    let (listener, addr) = net::listener();
    (listener.into(), addr)
}

pub(crate) fn server_at_its_limits(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    let server = server(2).listen_on([listener]).concurrency(1);
    server.spawn(&mut kernel, stage.crowd("server"));
    for name in ["one", "two"] {
        client(name).connect(addr).spawn(&mut kernel, stage.teller(name));
    }
    stage.run(kernel);
}

pub(crate) fn server_drains(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    let server =
        server(9).listen_on([listener]).client_input(|teller, client: &mut Guest<'_>, line| {
            teller.tell(text(&line));
            client.clients().cx().alarm_clear(&SHUTDOWN);
            client.clients().drain(Duration::from_secs(10));
        });
    server.spawn(&mut kernel, stage.crowd("server"));
    client("hello").connect(addr).spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
}

pub(crate) fn server_with_sessions(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    // Its time comes by the clock: none of its clients knows the server.
    let server = TcpServer::new(Line::new)
        .started(|_: &mut Teller, cx: &mut Context<'_>| {
            cx.delay(&DRAIN, Duration::from_secs(60), Duration::from_secs(60));
        })
        .listen_on([listener])
        .error(|teller, _, failure| teller.tell_failure(&failure))
        .client_connected(|teller, _: &mut Guest<'_>| teller.tell("connected"))
        .client_input(|teller, client: &mut Guest<'_>, line| {
            teller.tell(text(&line));
            client.put(line);
        })
        .client_error(|teller, _: &mut Guest<'_>, failure| teller.tell_failure(&failure))
        .client_disconnected(|teller, _: &mut Guest<'_>| teller.tell("disconnected"))
        .session_per_client();
    server.spawn(&mut kernel, stage.crowd("server"));
    client("hello").connect(addr).spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
}

/// Its server leaves it once.
pub(crate) fn client_comes_back(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    let mut times = 0;
    stage.actor(
        &mut kernel,
        "server",
        move |actor, cx| {
            let acceptor = wheels::ListenAccept::builder(listener).build(
                cx,
                &crate::actor::MADE,
                &crate::actor::FAILED,
            );
            actor.held.insert(acceptor.id(), crate::actor::Held::Acceptor(acceptor));
        },
        move |actor, cx, heard| match heard {
            Heard::Made(made) => {
                times += 1;
                actor.lines(cx, made.socket);
            }
            // The first has no answer.
            Heard::Line(wheel, _) if times == 1 => actor.shutdown(cx, wheel),
            Heard::Line(wheel, line) => actor.put(cx, wheel, line),
            Heard::Failed(failure) if failure.operation == wheels::Operation::Accept => {}
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                actor.end(cx);
            }
            _ => {}
        },
    );
    client("hello")
        .reconnect(Reconnect::new().first(Duration::from_secs(1)).attempts(3))
        .connect(addr)
        .spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
}

pub(crate) fn client_by_name(stage: &Stage) {
    let (listener, addr) = net::listener();
    let Some(mut kernel) = stage.kernel() else { return };
    stage.elsewhere.set(1);
    let (done, failed) =
        (std::rc::Rc::clone(&stage.elsewhere), std::rc::Rc::clone(&stage.elsewhere));
    TcpClient::new(Line::new)
        .connected(move |teller: &mut Teller, server: &mut Server<'_, Line>| {
            done.set(0);
            teller.tell("connected");
            server.shutdown();
        })
        .connect_error(move |teller, _, failure| {
            failed.set(0);
            teller.tell_failure(&failure);
        })
        .server_error(|teller, _, failure| teller.tell_failure(&failure))
        .connect(("localhost", addr.port()))
        .spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
    drop(listener);
}

/// One connection of an address, and two who want it.
pub(crate) fn server_refuses(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    let server = server(1).listen_on([listener]).per_address(1);
    server.spawn(&mut kernel, stage.crowd("server"));
    let one = std::net::TcpStream::connect(addr);
    let two = std::net::TcpStream::connect(addr);
    if let Ok(one) = &one {
        one.shutdown(std::net::Shutdown::Write).expect("connected the line before");
    }
    stage.run(kernel);
    drop((one, two));
}

pub(crate) fn server_on_a_path(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let folder = Folder::new();
    let path = folder.at("socket");
    server(1).listen(path.as_path()).spawn(&mut kernel, stage.crowd("server"));
    client("hello").connect(path.as_path()).spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
}

/// It gives its connections away.
pub(crate) fn server_accepts_and_no_more(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = listener();
    let server = TcpServer::acceptor(|teller: &mut Teller, cx, _| {
        teller.tell("accepted");
        cx.alarm_clear(&SHUTDOWN);
        cx.yield_(&SHUTDOWN, ());
    });
    server
        .started(|_, cx| cx.delay(&SHUTDOWN, LONG, ()))
        .error(|teller, _, failure| teller.tell_failure(&failure))
        .stopped(|teller, _| teller.tell("stopped"))
        .listen_on([listener])
        .spawn(&mut kernel, stage.teller("server"));
    let guest = std::net::TcpStream::connect(addr);
    stage.run(kernel);
    drop(guest);
}

pub(crate) fn server_ends_by_a_signal(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, _) = listener();
    TcpServer::new(Line::new)
        .drain_on_signals(Duration::from_secs(10))
        .listen_on([listener])
        .started(|_: &mut Teller, cx| cx.delay(&SHUTDOWN, LONG, ()))
        .listening(|_, cx, _| {
            cx.alarm_clear(&SHUTDOWN);
            cx.signal(cx.session(), "TERM", ()).expect("this very session");
        })
        .error(|teller, _, failure| teller.tell_failure(&failure))
        .draining(|teller, _| teller.tell("draining"))
        .stopped(|teller, _| teller.tell("stopped"))
        .client_input(|_, _: &mut Guest<'_>, _| {})
        .spawn(&mut kernel, stage.teller("server"));
    stage.run(kernel);
}

pub(crate) fn client_gives_up(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let refusing = net::Refusing::new();
    client("nobody").connect(refusing.addr).spawn(&mut kernel, stage.teller("client"));
    stage.run(kernel);
}
