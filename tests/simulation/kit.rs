//! Sessions that tell what they hear, and the two worlds that they live in.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States, WheelId};
use testkit::{Conditions, HostId, Simulation, net};
use wheels::filter::Stream;
use wheels::{Established, Failure, Input, Listening, ReadWrite, Socket, SocketFactory};
use wheels::{SocketFactoryBuilder, SocketOptions};

pub type Cx<'a, 'b> = &'a mut Context<'b>;
type Act = Box<dyn FnOnce(&mut Part, &mut Context<'_>)>;
type Reaction = Box<dyn FnMut(&mut Part, &mut Context<'_>, &Heard)>;

const ACT: Event<Act> = Event::new("act");
const MADE: Event<Established> = Event::new("made");
const LISTENING: Event<Listening> = Event::new("listening");
const CAME: Event<Input<Bytes>> = Event::new("came");
const FAILED: Event<Failure> = Event::new("failed");
const FLUSHED: Event<WheelId> = Event::new("flushed");

/// What a session is told.
#[derive(PartialEq, Eq, Debug)]
pub enum Heard {
    /// Connected or accepted; the socket is the last of the part's.
    Made,
    Came,
    End,
    Failed,
    Flushed,
}

/// A session that tells what it hears, a line each; bytes that come in several pieces are one line.
pub struct Part {
    pub sockets: Vec<Socket>,
    pub streams: Vec<ReadWrite<Stream>>,
    pub factories: Vec<SocketFactory>,
    /// Whatever else is to live as long as the part.
    pub kept: Vec<Box<dyn Any>>,
    /// Which stream brought something last.
    last: Option<WheelId>,
    told: Told,
    listens: Rc<Cell<Option<SocketAddr>>>,
    reaction: Option<Reaction>,
}

/// What a part told.
#[derive(Clone, Default, Debug)]
pub struct Told(Rc<RefCell<Vec<(String, usize)>>>);

impl Told {
    pub fn lines(&self) -> Vec<String> {
        let line = |(line, bytes): &(String, usize)| match bytes {
            0 => line.clone(),
            bytes => format!("{line} {bytes} bytes"),
        };
        self.0.borrow().iter().map(line).collect()
    }

    pub fn has(&self, line: &str) -> bool {
        self.lines().iter().any(|told| told == line)
    }

    pub fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|told| *told == line).count()
    }

    /// How many bytes came in all.
    pub fn bytes(&self) -> usize {
        self.0.borrow().iter().map(|(_, bytes)| bytes).sum()
    }

    pub fn tell(&self, line: impl Into<String>) {
        self.0.borrow_mut().push((line.into(), 0));
    }

    fn came(&self, bytes: usize) {
        let mut lines = self.0.borrow_mut();
        match lines.last_mut().filter(|(line, _)| line == "came") {
            Some((_, sum)) => *sum += bytes,
            None => lines.push(("came".to_owned(), bytes)),
        }
    }
}

impl Part {
    pub fn react(&mut self, reaction: impl FnMut(&mut Self, Cx<'_, '_>, &Heard) + 'static) {
        self.reaction = Some(Box::new(reaction));
    }

    pub fn listen(&mut self, cx: Cx<'_, '_>, builder: SocketFactoryBuilder) {
        let builder = builder.listening_event(&LISTENING);
        self.factories.push(builder.build(cx, &MADE, &FAILED));
    }

    pub fn connect(&mut self, cx: Cx<'_, '_>, builder: SocketFactoryBuilder) {
        self.factories.push(builder.build(cx, &MADE, &FAILED));
    }

    /// Makes a stream of the last socket.
    pub fn stream(&mut self, cx: Cx<'_, '_>) {
        let socket = self.sockets.pop().expect("a socket");
        let stream = ReadWrite::builder(socket).flushed_event(&FLUSHED).build(cx, &CAME, &FAILED);
        self.streams.push(stream);
    }

    pub fn put(&self, cx: Cx<'_, '_>, bytes: impl Into<Bytes>) {
        self.streams.last().expect("a stream").put(cx, bytes.into());
    }

    /// Puts something into the stream that was heard last.
    fn answer(&self, cx: Cx<'_, '_>, bytes: &'static str) {
        let stream = self.streams.iter().find(|stream| Some(stream.id()) == self.last);
        stream.expect("it came from one").put(cx, bytes);
    }

    pub fn tell(&self, line: &str) {
        self.told.tell(line);
    }

    /// Lets go of everything, and so ends.
    pub fn leave(&mut self, cx: Cx<'_, '_>) {
        cx.alarm_remove_all();
        (self.sockets, self.streams, self.factories) = Default::default();
        self.kept.clear();
    }

    fn hear(&mut self, cx: Cx<'_, '_>, heard: &Heard) {
        if let Some(mut reaction) = self.reaction.take() {
            reaction(self, cx, heard);
            self.reaction.get_or_insert(reaction);
        }
    }

    fn made(&mut self, cx: Cx<'_, '_>, made: Established) {
        self.sockets.push(made.socket);
        self.told.tell("made");
        self.hear(cx, &Heard::Made);
    }

    fn came(&mut self, cx: Cx<'_, '_>, input: Input<Bytes>) {
        self.told.came(input.item.len());
        self.last = Some(input.wheel);
        self.hear(cx, &Heard::Came);
    }

    fn failed(&mut self, cx: Cx<'_, '_>, failure: Failure) {
        if failure.is_end() {
            self.told.tell("end");
            return self.hear(cx, &Heard::End);
        }
        self.told.tell(format!("{} {}", failure.operation, name(failure.errnum)));
        self.hear(cx, &Heard::Failed);
    }

    fn states() -> States<Self> {
        States::new()
            // It stays whatever becomes of its wheels, until it leaves.
            .on_start(|_: &mut Self, cx: &mut Context<'_>, ()| {
                cx.delay("never", Duration::from_secs(86_400), ());
            })
            .on(&ACT, |part: &mut Self, cx: &mut Context<'_>, act: Act| act(part, cx))
            .on(&MADE, Self::made)
            .on(&LISTENING, |part: &mut Self, _: &mut Context<'_>, listening: Listening| {
                part.listens.set(listening.local_addr.as_ip());
            })
            .on(&CAME, Self::came)
            .on(&FAILED, Self::failed)
            .on(&FLUSHED, |part: &mut Self, cx: &mut Context<'_>, _: WheelId| {
                part.hear(cx, &Heard::Flushed);
            })
    }
}

/// The name of an error's number.
pub fn name(errnum: i32) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(errnum))
}

/// A session in a kernel, and what it tells.
#[derive(Clone)]
pub struct Player {
    pub session: SessionId,
    pub told: Told,
    listens: Rc<Cell<Option<SocketAddr>>>,
}

impl Player {
    pub fn join(kernel: &mut Kernel) -> Self {
        let (told, listens) = (Told::default(), Rc::new(Cell::new(None)));
        let part = Part {
            sockets: Vec::new(),
            streams: Vec::new(),
            factories: Vec::new(),
            kept: Vec::new(),
            last: None,
            told: told.clone(),
            listens: Rc::clone(&listens),
            reaction: None,
        };
        let session = kernel.spawn(&Part::states(), part);
        Self { session, told, listens }
    }

    pub fn act(
        &self,
        kernel: &mut Kernel,
        act: impl FnOnce(&mut Part, &mut Context<'_>) + 'static,
    ) {
        kernel.call(self.session, ACT, Box::new(act)).expect("it is there and does nothing else");
    }

    pub fn listens(&self) -> Option<SocketAddr> {
        self.listens.get()
    }
}

/// Where a story takes place: on the machine's loopback, or on a network that does not exist. The server is
/// host 0, the client host 1, which may be the same.
pub enum World {
    /// With an address of its own, so that nobody else takes a port that it has left.
    Real(Box<Kernel>, IpAddr),
    Simulated(Box<Simulation>, [HostId; 2]),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    Server,
    Client,
}

impl World {
    pub fn real() -> Self {
        static WORLDS: AtomicU8 = AtomicU8::new(1);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let [high, low, ..] = std::process::id().to_le_bytes();
        let kernel = Kernel::new().expect("a kernel");
        Self::Real(Box::new(kernel), [127, 1 + high % 250, low, number].into())
    }

    /// Several of the other kind: within a host and between two, on a good network and a bad one.
    pub fn simulated() -> Vec<Self> {
        let mut worlds = Vec::new();
        for seed in 0..12 {
            let mut simulation = Simulation::new(seed).expect("a simulation");
            if seed % 3 > 0 {
                simulation.set_conditions(Conditions::rough());
            }
            let server = simulation.host("server").expect("a host");
            let client = if seed % 2 == 0 { simulation.host("client") } else { Ok(server) };
            let hosts = [server, client.expect("a host")];
            worlds.push(Self::Simulated(Box::new(simulation), hosts));
        }
        worlds
    }

    pub fn on<R>(&mut self, who: Who, act: impl FnOnce(&mut Kernel) -> R) -> R {
        match self {
            Self::Real(kernel, _) => act(kernel),
            Self::Simulated(simulation, hosts) => simulation.on(hosts[who as usize], act),
        }
    }

    pub fn join(&mut self, who: Who) -> Player {
        self.on(who, Player::join)
    }

    pub fn act(
        &mut self,
        who: Who,
        player: &Player,
        act: impl FnOnce(&mut Part, &mut Context<'_>) + 'static,
    ) {
        self.on(who, |kernel| player.act(kernel, act));
    }

    /// Where the server is found, for who asks there.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Real(_, address) => *address,
            Self::Simulated(simulation, hosts) => simulation.address(hosts[0]),
        }
    }

    /// A server that listens, and where.
    pub fn listen(
        &mut self,
        choose: impl FnOnce(SocketFactoryBuilder) -> SocketFactoryBuilder + 'static,
        reaction: impl FnMut(&mut Part, Cx<'_, '_>, &Heard) + 'static,
    ) -> (Player, SocketAddr) {
        let (server, address) = (self.join(Who::Server), self.address());
        self.act(Who::Server, &server, move |part, cx| {
            part.react(reaction);
            part.listen(cx, choose(SocketFactory::listen((address, 0))));
        });
        let listens = server.clone();
        self.run_until("the server", || listens.listens().is_some());
        let address = server.listens().expect("it listens");
        (server, address)
    }

    pub fn run_until(&mut self, what: &str, mut done: impl FnMut() -> bool) {
        match self {
            Self::Real(kernel, _) => net::run_until(kernel, what, done),
            Self::Simulated(simulation, _) => {
                let until = simulation.elapsed() + LONG;
                while !done() {
                    assert!(simulation.elapsed() < until, "waited in vain for {what}");
                    simulation.run_for(Duration::from_millis(5)).expect("it runs");
                }
            }
        }
    }

    /// Lets everything arrive that is on its way.
    pub fn settle(&mut self) {
        match self {
            Self::Real(kernel, _) => {
                let began = Instant::now();
                while began.elapsed() < Duration::from_millis(5) {
                    kernel.run_one_turn(Duration::from_millis(1)).expect("a turn");
                }
            }
            Self::Simulated(simulation, _) => {
                simulation.run_for(Duration::from_secs(5)).expect("it runs");
            }
        }
    }

    /// Runs until nobody is left.
    pub fn finish(mut self) {
        match &mut self {
            Self::Real(kernel, _) => net::run_to_end(kernel),
            Self::Simulated(simulation, hosts) => {
                simulation.run().expect("it runs");
                assert!(hosts.iter().all(|host| !simulation.is_running(*host)), "somebody stays");
                assert_eq!((simulation.connections(), simulation.open_sockets(hosts[0])), (0, 0));
            }
        }
    }
}

/// Has a story told on the machine's loopback, and compares with it what is told on networks that do not
/// exist.
pub fn told_alike(story: impl Fn(&mut World) -> Vec<Told>) {
    let lines = |mut world: World| {
        let told = story(&mut world);
        world.finish();
        told.iter().map(Told::lines).collect::<Vec<_>>()
    };
    let real = lines(World::real());
    for (number, world) in World::simulated().into_iter().enumerate() {
        assert_eq!(lines(world), real, "in world {number}, against the real one");
    }
}

/// Two hosts on a calm network.
pub fn two_hosts(seed: u64) -> (Simulation, HostId, HostId) {
    let mut simulation = Simulation::new(seed).expect("a simulation");
    let server = simulation.host("server").expect("a host");
    let client = simulation.host("client").expect("a host");
    (simulation, server, client)
}

/// A server that echoes what it hears at port 7 of a host.
pub fn echo(simulation: &mut Simulation, host: HostId) -> Player {
    echo_with(simulation, host, SocketOptions::new())
}

pub fn echo_with(simulation: &mut Simulation, host: HostId, options: SocketOptions) -> Player {
    let player = simulation.on(host, Player::join);
    simulation.on(host, |kernel| {
        player.act(kernel, |part, cx| {
            part.react(|part, cx, heard| match heard {
                Heard::Made => part.stream(cx),
                Heard::Came => part.answer(cx, "echo"),
                Heard::End | Heard::Failed | Heard::Flushed => {}
            });
            part.listen(cx, SocketFactory::listen(("0.0.0.0", 7)).options(options));
        });
    });
    simulation.run_for(Duration::from_millis(1)).expect("it runs");
    player
}

/// A client on a host that connects to port 7 of the server, and has a stream then.
pub fn client(simulation: &mut Simulation, host: HostId, options: SocketOptions) -> Player {
    let player = simulation.on(host, Player::join);
    simulation.on(host, |kernel| {
        player.act(kernel, |part, cx| {
            part.react(|part, cx, heard| {
                if *heard == Heard::Made {
                    part.stream(cx);
                }
            });
            part.connect(cx, SocketFactory::connect(("server", 7)).options(options));
        });
    });
    player
}

/// Has a player put something into its last stream.
pub fn put(simulation: &mut Simulation, host: HostId, player: &Player, bytes: impl Into<Bytes>) {
    let bytes = bytes.into();
    simulation.on(host, |kernel| player.act(kernel, move |part, cx| part.put(cx, bytes)));
}

/// Has a player let go of everything.
pub fn leave(simulation: &mut Simulation, host: HostId, player: &Player) {
    simulation.on(host, |kernel| player.act(kernel, |part, cx| part.leave(cx)));
}

const LONG: Duration = Duration::from_secs(1000);
