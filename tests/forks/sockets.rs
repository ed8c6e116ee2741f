//! Row 19: two processes with the same sockets, each with a poll of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Exited, Kernel, SessionId, Signal, States, WheelMap};
use rustix::process::Signal as System;
use testkit::children::{herd, kill};
use testkit::net::{Peer, connect, run_until_kernel};
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

use crate::{Test, fork};

pub const TESTS: &[Test] = &[
    ("p19_the_parent_serves_its_streams_and_the_child_the_listener", || {
        serve(Keeps { listener: false, streams: true }, Keeps { listener: true, streams: false });
    }),
    ("p19_the_child_serves_what_the_parent_has_closed", || {
        serve(Keeps { listener: false, streams: false }, Keeps { listener: true, streams: true });
    }),
    ("p19_the_parent_serves_what_the_child_has_closed", || {
        serve(Keeps { listener: true, streams: true }, Keeps { listener: false, streams: false });
    }),
    ("p19_a_program_that_is_started_while_clients_come_inherits_nothing", inherits_nothing),
];

/// Answers every line with the number of the process that read it.
#[derive(Default)]
struct Server {
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
    child: Option<u32>,
}

/// What a process does not close after the fork.
#[derive(Clone, Copy)]
struct Keeps {
    listener: bool,
    streams: bool,
}

impl Server {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Option<SocketAddr> {
        cx.delay("never", Duration::from_secs(3600), ());
        let listener = SocketFactory::builder().bind_address("127.0.0.1").reuse(true);
        let listener = listener.build(cx, "client", "failed");
        let address = listener.local_addr(cx).and_then(|addr| addr.as_ip());
        self.listener = Some(listener);
        address
    }

    fn client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket).filter(Line::literal(b"\n"));
        let wheel = wheel.build(cx, "line", "failed");
        self.clients.insert(wheel.id(), wheel);
    }

    fn line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        if let Some(client) = self.clients.get(&line.wheel) {
            client.put(cx, std::process::id().to_string());
        }
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) {
        self.clients.remove(&failure.wheel);
    }

    /// Gives the child's number to the parent, and zero to the child.
    fn fork(&mut self, cx: &mut Context<'_>, (parent, child): (Keeps, Keeps)) -> u32 {
        cx.sig("TERM", "term").expect("TERM can be watched");
        self.child = fork(cx);
        let keeps = if self.child.is_some() { parent } else { child };
        if !keeps.listener {
            self.listener = None;
        }
        if !keeps.streams {
            self.clients.clear();
        }
        if let Some(child) = self.child {
            cx.sig_child(child, "ended").expect("it is our child");
        }
        self.child.unwrap_or_default()
    }

    fn ended(&mut self, cx: &mut Context<'_>, child: Exited) {
        assert!(child.status.is_some_and(|status| status.success()), "{child:?}");
        cx.stop();
    }
}

/// A kernel with a server, and where it listens.
fn server() -> (Kernel, SessionId, SocketAddr) {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on("listen", Server::start)
        .on("client", Server::client)
        .on("line", Server::line)
        .on("failed", Server::failed)
        .on("fork", Server::fork)
        .on("term", |_: &mut Server, _: &mut Context<'_>, _: Signal| {})
        .on("clients", |server: &mut Server, _: &mut Context<'_>, ()| server.clients.len())
        .on("ended", Server::ended);
    let session = kernel.spawn(&states, Server::default());
    let address: Option<SocketAddr> = kernel.call(session, "listen", ()).unwrap();
    (kernel, session, address.expect("it listens"))
}

/// A client that asks who serves it.
struct Client(BufReader<TcpStream>);

impl Client {
    fn of(address: SocketAddr) -> Self {
        Self(BufReader::new(connect(address)))
    }

    fn ask(&mut self) -> u32 {
        self.0.get_mut().write_all(b"who\n").expect("it is connected");
        let mut answer = String::new();
        self.0.read_line(&mut answer).expect("it is answered");
        answer.trim_end().parse().expect("a number")
    }
}

fn serve(parent: Keeps, child: Keeps) {
    let (mut kernel, session, address) = server();
    let mut old: Vec<Client> = (0..3).map(|_| Client::of(address)).collect();
    run_until_kernel(&mut kernel, "three clients", |kernel| {
        let clients: usize = kernel.call(session, "clients", ()).unwrap();
        clients == old.len()
    });
    let them: u32 = kernel.call(session, "fork", (parent, child)).unwrap();
    if them == 0 {
        return kernel.run().unwrap();
    }
    let _orphan = Orphan(them);
    let us = std::process::id();
    let who = |parent_does: bool| if parent_does { us } else { them };
    let (streams, listener) = (who(parent.streams), who(parent.listener));
    let peer = Peer::play(move || {
        let mut new = Vec::new();
        for _ in 0..50 {
            new.push(Client::of(address));
            let served: Vec<u32> = new.iter_mut().map(Client::ask).collect();
            assert_eq!(served, vec![listener; new.len()]);
            let served: Vec<u32> = old.iter_mut().map(Client::ask).collect();
            assert_eq!(served, vec![streams; old.len()]);
        }
        kill(them, System::TERM);
    });
    peer.run(&mut kernel);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().unhandled, 0);
}

/// A child that is not to live on when the parent's part fails.
struct Orphan(u32);

impl Drop for Orphan {
    fn drop(&mut self) {
        if std::thread::panicking() {
            kill(self.0, System::KILL);
        }
    }
}

/// What a program that is started now finds open, its own included.
fn descriptors_of_a_program() -> String {
    let listed = Command::new("ls").arg("/proc/self/fd").output().expect("ls");
    assert!(listed.status.success());
    String::from_utf8(listed.stdout).expect("numbers")
}

fn inherits_nothing() {
    // What this process was given to inherit itself.
    let before = descriptors_of_a_program();
    let (writer, mut children) = herd(1);
    let (mut kernel, session, address) = server();
    let watched = children[0].id();
    let watcher = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| cx.sig_child(watched, "e").unwrap())
        .on("e", |_: &mut (), _: &mut Context<'_>, _: Exited| {});
    kernel.spawn(&watcher, ());
    let all = Keeps { listener: true, streams: true };
    let them: u32 = kernel.call(session, "fork", (all, all)).unwrap();
    if them == 0 {
        assert_eq!(descriptors_of_a_program(), before, "of the child");
        return kernel.run().unwrap();
    }
    let mut clients = Vec::new();
    for count in 1..=50 {
        clients.push(connect(address));
        kernel.run_one_turn(Duration::ZERO).unwrap();
        assert_eq!(descriptors_of_a_program(), before, "with {count} clients");
    }
    kill(them, System::TERM);
    kernel.run().unwrap();
    drop(writer);
    assert!(children[0].wait().unwrap().success());
}
