//! Rows 26 and 51: connections and listeners that are passed to other processes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, PipeWriter, Read, Write, pipe};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Mutex;

use reactor::{Context, Event, Forked, Kernel, States, WheelId};
use rustix::net::{
    AddressFamily, RecvFlags, SocketAddrUnix, SocketFlags, SocketType as System, recv, socketpair,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use testkit::net::{Peer, connect, connect_all, read_to_end};
use testkit::unix::Folder;
use wheels::{
    Datagram, Established, Failure, Message, ReadWrite, Socket, SocketFactory, SocketType,
};

use crate::Test;
use crate::handover::wait_by_hand;

pub const TESTS: &[Test] = &[
    ("p51_a_dispatcher_gives_each_of_four_workers_as_many_connections", dispatch),
    ("p26_fifty_restarts_lose_no_client", restarts),
];

/// Forks, and lets the child play its part; says in the parent which child it is.
fn child(kernel: &mut Kernel, part: impl FnOnce(&mut Kernel)) -> Option<u32> {
    match kernel.fork().expect("one thread, and room for a process") {
        Forked::Parent { child } => Some(child),
        Forked::Child => {
            // Should the parent's part fail, the children do not outlive it.
            set_parent_process_death_signal(Some(Signal::KILL)).expect("prctl");
            part(kernel);
            None
        }
    }
}

const WORKERS: usize = 4;
const CONNECTIONS: usize = 4_000;

const CLIENT: Event<Established> = Event::new("client");
const MESSAGE: Event<Message> = Event::new("message");
const FAILED: Event<Failure> = Event::new("failed");
const LISTEN: Event<Vec<OwnedFd>, SocketAddr> = Event::new("listen");
const END: Event<()> = Event::new("end");

/// Answers a client, and lets it go.
fn answer(cx: &mut Context<'_>, socket: Socket, text: String) {
    let stream = ReadWrite::builder(socket).build(cx, "input", &FAILED);
    stream.put(cx, text);
    stream.shutdown(cx);
}

/// Accepts, and gives each connection to the next of its workers.
#[derive(Default)]
struct Dispatcher {
    listener: Option<SocketFactory>,
    workers: Vec<Datagram>,
    dispatched: usize,
}

impl Dispatcher {
    fn listen(&mut self, cx: &mut Context<'_>, workers: Vec<OwnedFd>) -> SocketAddr {
        let wheel =
            |fd| Datagram::builder(Socket::try_from(fd).unwrap()).build(cx, &MESSAGE, &FAILED);
        self.workers = workers.into_iter().map(wheel).collect();
        let listener = SocketFactory::listen("127.0.0.1:0").build(cx, &CLIENT, &FAILED);
        let addr = listener.local_addr(cx).and_then(|addr| addr.as_ip()).expect("it listens");
        self.listener = Some(listener);
        addr
    }

    fn client(&mut self, cx: &mut Context<'_>, client: Established) {
        let worker = &self.workers[self.dispatched % WORKERS];
        self.dispatched += 1;
        drop(worker.send_fds(cx, "", [client.socket.into()]));
        if self.dispatched == CONNECTIONS {
            self.listener = None;
        }
    }
}

/// Serves the connections that it is given until it is given no more.
struct Worker {
    wheel: Option<Datagram>,
    name: String,
    served: usize,
    report: PipeWriter,
}

impl Worker {
    fn message(&mut self, cx: &mut Context<'_>, message: Message) {
        assert!(!message.fds_truncated);
        for fd in message.fds {
            self.served += 1;
            answer(cx, fd.try_into().expect("a socket"), self.name.clone());
        }
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) {
        assert!(failure.is_end(), "{failure}");
        if self.wheel.as_ref().is_some_and(|wheel| wheel.id() == failure.wheel) {
            self.wheel = None;
            // In one piece: the others write to the same pipe.
            let report = format!("{} {}\n", self.name, self.served);
            self.report.write_all(report.as_bytes()).expect("the parent reads");
        }
    }
}

fn work(kernel: &mut Kernel, jobs: OwnedFd, name: String, report: PipeWriter) {
    let states = States::new()
        .on("start", |worker: &mut Worker, cx: &mut Context<'_>, jobs: OwnedFd| {
            let jobs = Datagram::builder(jobs.try_into().expect("a socket")).receive_fds();
            worker.wheel = Some(jobs.build(cx, &MESSAGE, &FAILED));
        })
        .on(&MESSAGE, Worker::message)
        .on(&FAILED, Worker::failed);
    let session = kernel.spawn(&states, Worker { wheel: None, name, served: 0, report });
    kernel.post(session, "start", jobs).unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}

fn dispatch() {
    let mut kernel = Kernel::new().unwrap();
    let (mut reports, report) = pipe().unwrap();
    let (mut lines, mut children) = (Vec::new(), Vec::new());
    for number in 0..WORKERS {
        let (line, jobs) =
            socketpair(AddressFamily::UNIX, System::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let before = std::mem::take(&mut lines);
        let (report, name) = (report.try_clone().unwrap(), number.to_string());
        let forked = kernel.fork().unwrap();
        match forked {
            Forked::Parent { child } => {
                children.push(child);
                lines = before;
                lines.push(line);
            }
            Forked::Child => {
                // Who keeps a line open keeps another worker from its end.
                drop((before, line));
                return work(&mut kernel, jobs, name, report);
            }
        }
    }
    drop(report);
    let states = States::new()
        .on(&LISTEN, Dispatcher::listen)
        .on(&CLIENT, Dispatcher::client)
        .on(&MESSAGE, |_: &mut Dispatcher, _: &mut Context<'_>, message: Message| {
            panic!("workers say nothing: {message:?}");
        })
        .on(&FAILED, |_: &mut Dispatcher, _: &mut Context<'_>, failure: Failure| {
            panic!("{failure}");
        })
        .on(&END, |dispatcher: &mut Dispatcher, _: &mut Context<'_>, ()| {
            dispatcher.workers.clear();
        });
    let session = kernel.spawn(&states, Dispatcher::default());
    let addr = kernel.call(session, &LISTEN, lines).unwrap();
    let clients = Peer::play(move || {
        let mut served = [0_usize; WORKERS];
        for _ in 0..CONNECTIONS / 100 {
            for mut client in connect_all(addr, 100) {
                let name = read_to_end(&mut client);
                let testkit::net::Ending::Closed(name) = name else { panic!("{name:?}") };
                let name: usize = String::from_utf8(name).unwrap().parse().unwrap();
                served[name] += 1;
            }
        }
        served
    });
    let served = clients.run(&mut kernel);
    kernel.call(session, &END, ()).unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
    children.into_iter().for_each(wait_by_hand);
    let mut counts = String::new();
    reports.read_to_string(&mut counts).unwrap();
    let mut counts: Vec<_> = counts.lines().collect();
    counts.sort_unstable();
    assert_eq!(counts, ["0 1000", "1 1000", "2 1000", "3 1000"]);
    assert_eq!(served, [1000; WORKERS]);
}

const RESTARTS: u32 = 50;

/// A server that takes over from the one before it, and hands over to the one behind it.
struct Generation {
    number: u32,
    path: PathBuf,
    web: Option<SocketFactory>,
    /// Where the next generation asks for the listeners.
    heirs: Option<SocketFactory>,
    /// To the generation before.
    elder: Option<SocketFactory>,
    line: Option<Datagram>,
}

const HEIR: Event<Established> = Event::new("heir");
const FOUND: Event<(), SocketAddr> = Event::new("found");
const ELDER: Event<Established> = Event::new("elder");
const HANDED_OVER: Event<WheelId> = Event::new("handed_over");

impl Generation {
    /// The first makes the listeners, and says where clients find them.
    fn found(&mut self, cx: &mut Context<'_>, (): ()) -> SocketAddr {
        let web = SocketFactory::listen("127.0.0.1:0").build(cx, &CLIENT, &FAILED);
        let addr = web.local_addr(cx).and_then(|addr| addr.as_ip()).expect("it listens");
        let heirs = SocketFactory::unix_listen(self.path.clone())
            .socket_type(SocketType::SeqPacket)
            .build(cx, &HEIR, &FAILED);
        self.serve(cx, web, heirs);
        addr
    }

    /// The others ask for them.
    fn ask(&mut self, cx: &mut Context<'_>, (): ()) {
        let elder = SocketFactory::unix_connect(self.path.clone())
            .socket_type(SocketType::SeqPacket)
            .build(cx, &ELDER, &FAILED);
        self.elder = Some(elder);
    }

    fn elder(&mut self, cx: &mut Context<'_>, elder: Established) {
        let line = Datagram::builder(elder.socket).receive_fds();
        self.line = Some(line.build(cx, &MESSAGE, &FAILED));
    }

    fn inherit(&mut self, cx: &mut Context<'_>, mut message: Message) {
        assert_eq!((message.fds.len(), message.fds_truncated), (2, false));
        let heirs = message.fds.pop();
        let web = SocketFactory::builder().build_on(cx, message.fds, &CLIENT, &FAILED);
        let heirs = SocketFactory::builder().build_on(cx, heirs, &HEIR, &FAILED);
        self.line = None;
        self.serve(cx, web, heirs);
    }

    /// There is no heir before there was a client.
    fn serve(&mut self, cx: &mut Context<'_>, web: SocketFactory, heirs: SocketFactory) {
        heirs.pause_accept(cx);
        (self.web, self.heirs) = (Some(web), Some(heirs));
    }

    fn client(&mut self, cx: &mut Context<'_>, client: Established) {
        answer(cx, client.socket, self.number.to_string());
        if let Some(heirs) = &self.heirs {
            heirs.resume_accept(cx);
        }
    }

    fn hand_over(&mut self, cx: &mut Context<'_>, heir: Established) {
        let listeners = [self.web.take(), self.heirs.take()].into_iter().flatten();
        let sockets: Vec<_> = listeners.flat_map(|listener| listener.into_sockets(cx)).collect();
        let line = Datagram::builder(heir.socket).flushed_event(&HANDED_OVER);
        let line = line.build(cx, &MESSAGE, &FAILED);
        drop(line.send_fds(cx, "", sockets.into_iter().map(OwnedFd::from)));
        self.line = Some(line);
    }

    fn run(kernel: &mut Kernel, number: u32, path: PathBuf, say: Option<PipeWriter>) {
        let states = States::new()
            .on(&FOUND, Self::found)
            .on("ask", Self::ask)
            .on(&ELDER, Self::elder)
            .on(&MESSAGE, Self::inherit)
            .on(&CLIENT, Self::client)
            .on(&HEIR, Self::hand_over)
            .on(&HANDED_OVER, |elder: &mut Self, _: &mut Context<'_>, _: WheelId| elder.line = None)
            .on(&FAILED, |_: &mut Self, _: &mut Context<'_>, failure: Failure| {
                assert!(failure.is_end(), "{failure}");
            });
        let server = Self { number, path, web: None, heirs: None, elder: None, line: None };
        let session = kernel.spawn(&states, server);
        if let Some(mut say) = say {
            let addr = kernel.call(session, &FOUND, ()).unwrap();
            writeln!(say, "{addr}").expect("the parent reads");
        } else {
            kernel.post(session, "ask", ()).unwrap();
        }
        kernel.run().unwrap();
        assert_eq!((kernel.stats().failures, kernel.session_count()), (0, 0));
    }
}

/// Connects all the time, and is answered each time, until every generation has served somebody.
fn connect_all_the_time(addr: SocketAddr) {
    let seen = Mutex::new(BTreeSet::new());
    let client = || {
        while seen.lock().unwrap().len() <= RESTARTS as usize {
            let mut number = String::new();
            connect(addr).read_to_string(&mut number).expect("an answer");
            seen.lock().unwrap().insert(number.parse::<u32>().expect("a whole answer"));
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(client))));
    assert_eq!(seen.into_inner().unwrap(), (0..=RESTARTS).collect());
}

fn restarts() {
    let folder = Folder::new();
    let path = folder.at("heirs");
    let mut kernel = Kernel::new().unwrap();
    let (reader, say) = pipe().unwrap();
    let founded = |kernel: &mut Kernel| Generation::run(kernel, 0, path.clone(), Some(say));
    let Some(mut server) = child(&mut kernel, founded) else { return };
    let mut addr = String::new();
    BufReader::new(reader).read_line(&mut addr).unwrap();
    let addr = addr.trim_end().parse().expect("an address");
    let Some(clients) = child(&mut kernel, |_| connect_all_the_time(addr)) else { return };
    for number in 1..=RESTARTS {
        let next = child(&mut kernel, |kernel| Generation::run(kernel, number, path.clone(), None));
        let Some(next) = next else { return };
        wait_by_hand(server);
        server = next;
    }
    wait_by_hand(clients);
    // The last hands over to us.
    let heir = rustix::net::socket(AddressFamily::UNIX, System::SEQPACKET, None).unwrap();
    rustix::net::connect(&heir, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    let mut nothing = [0; 1];
    let (length, _) = recv(&heir, &mut nothing[..], RecvFlags::empty()).unwrap();
    assert_eq!(length, 0);
    wait_by_hand(server);
}
