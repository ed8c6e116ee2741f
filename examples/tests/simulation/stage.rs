//! Where a scenario plays: a server, homes of clients, what they do, and what goes wrong meanwhile.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fastrand::Rng;
use reactor::{Kernel, SessionId};
use simulation::{Conditions, HostId, Simulation};

use crate::client::{self, Script};
use crate::journal::{Deed, Diary, Entry, Journal, Story};
use crate::trouble::{Spell, Trouble, random_time};

/// All interfaces of a host.
pub(crate) fn anywhere(port: u16) -> SocketAddr {
    ([0, 0, 0, 0], port).into()
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "what the network is like, and what the server does"
)]
pub(crate) struct Stage {
    pub(crate) simulation: Simulation,
    pub(crate) random: Rng,
    pub(crate) is_rough: bool,
    pub(crate) server: HostId,
    homes: Vec<HostId>,
    /// Servers that stand behind it, and what they have when nobody is served.
    behind: Vec<(HostId, Holdings)>,
    boot: Box<dyn Fn(&mut Kernel)>,
    journal: Journal,
    began: Instant,
    /// Who is to come, and when, and to which home; the last first.
    to_come: Vec<(Duration, usize, usize, Visit)>,
    /// Where each client lives.
    lives_at: Vec<usize>,
    spells: Vec<Spell>,
    /// How long a cut may be that nobody notices but by the time that it takes.
    patience: Duration,
    hurry: Duration,
    /// How many it takes to end the server.
    signals: usize,
    /// Whether the server tells the real time, so that what clients got is another thing each time.
    tells_the_time: bool,
    /// What the server has when it serves nobody.
    idle: Holdings,
}

/// What a server has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Holdings {
    sockets: usize,
    sessions: usize,
    wheels: usize,
}

type Change = fn(&mut Stage, Trouble);
type Visit = Box<dyn FnOnce(&mut Kernel, Diary)>;

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) digest: u64,
    pub(crate) transcript: u64,
    pub(crate) time: Duration,
    pub(crate) turns: u64,
}

/// How a client fared.
#[expect(clippy::struct_excessive_bools, reason = "the second is the first and more")]
pub(crate) struct Fate {
    pub(crate) number: usize,
    pub(crate) home: usize,
    pub(crate) story: Story,
    /// Nothing went wrong for it, or for no longer than the server has patience.
    pub(crate) in_peace: bool,
    /// And on a calm network: what it says is heard soon.
    pub(crate) on_time: bool,
}

/// What clients have come by then, and what has gone wrong by then has begun.
const DAY: Duration = Duration::from_secs(60);

/// Whoever is left in peace is done by then.
const NIGHT: Duration = Duration::from_secs(4 * 60 * 60);

/// So that what was lost is given up.
const GIVEN_UP: Duration = Duration::from_secs(20 * 60);

/// How long the last that a client says may be under way.
const FAREWELL: Duration = Duration::from_secs(10);

/// A scenario takes some ten thousand at most.
const MOST_TURNS: u64 = 2_000_000;

impl Stage {
    /// `boot` starts the server, now and whenever it has crashed.
    pub(crate) fn new(seed: u64, boot: impl Fn(&mut Kernel) + 'static) -> Self {
        let mut random = Rng::with_seed(seed ^ 0x5eed);
        let mut simulation = Simulation::new(seed).expect("descriptors");
        let is_rough = random.bool();
        if is_rough {
            simulation.set_conditions(Conditions::rough());
        }
        let server = simulation.host("server").expect("descriptors");
        let homes = (0..random.usize(1..4))
            .map(|home| simulation.host(&format!("home{home}")).expect("descriptors"))
            .collect();
        let began = simulation.clock().now();
        let mut stage = Self {
            simulation,
            random,
            is_rough,
            server,
            homes,
            behind: Vec::new(),
            boot: Box::new(boot),
            journal: Journal::default(),
            began,
            to_come: Vec::new(),
            lives_at: Vec::new(),
            spells: Vec::new(),
            patience: Duration::from_secs(20),
            hurry: Duration::MAX,
            signals: 1,
            tells_the_time: false,
            idle: Holdings::default(),
        };
        stage.boot_server();
        stage.pass(Duration::from_secs(1));
        stage.idle = stage.holdings(stage.server);
        stage.spells = Spell::some(&mut stage.random, stage.homes.len(), DAY);
        stage
    }

    /// Starts another server, which serves the first, on a host of its own.
    pub(crate) fn behind(&mut self, name: &str, boot: impl FnOnce(&mut Kernel)) {
        let host = self.simulation.host(name).expect("descriptors");
        self.simulation.on(host, boot);
        self.pass(Duration::from_secs(1));
        let idle = self.holdings(host);
        self.behind.push((host, idle));
    }

    /// Nothing goes wrong that the network does not do by itself.
    pub(crate) fn without_troubles(&mut self) {
        self.spells.clear();
    }

    /// The server loses its memory some time.
    pub(crate) fn server_crashes(&self) -> bool {
        self.spells.iter().any(|spell| spell.trouble == Trouble::ServerCrash)
    }

    /// A server that drains calls the signal handled: its neighbours in the same kernel end with the next.
    pub(crate) fn ends_with_two_signals(&mut self) {
        self.signals = 2;
    }

    /// The server tells the real time: what clients got is another thing in another run, but as much.
    pub(crate) fn tells_the_time(&mut self) {
        self.tells_the_time = true;
    }

    /// What is impatient: cuts that are longer harm whom they hit.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The server ends when it cannot accept.
    pub(crate) fn without_limits(&mut self) {
        self.spells.retain(|spell| !matches!(spell.trouble, Trouble::Limit(_)));
    }

    /// Whoever takes longer than this may be sent away.
    pub(crate) fn set_hurry(&mut self, hurry: Duration) {
        self.hurry = hurry;
    }

    /// A pause as people and programs make them: none, short, or long.
    pub(crate) fn pause(&mut self) -> Duration {
        let most = [0, 1_000, 200_000, 5_000_000][self.random.usize(..4)];
        random_time(&mut self.random, Duration::ZERO..Duration::from_micros(most))
    }

    /// How long a slow reader rests, if it is one.
    pub(crate) fn rest(&mut self) -> Option<Duration> {
        let rest = random_time(&mut self.random, Duration::ZERO..Duration::from_millis(100));
        (self.random.u8(..4) == 0).then_some(rest)
    }

    /// Somebody comes during the day, somewhere.
    pub(crate) fn invite(&mut self, script: Script) {
        self.let_come(|kernel, diary| client::start(kernel, script, diary));
    }

    /// As [`invite`](Self::invite), of who is a session of its own.
    pub(crate) fn let_come(&mut self, visit: impl FnOnce(&mut Kernel, Diary) + 'static) {
        let at = self.simulation.elapsed() + random_time(&mut self.random, Duration::ZERO..DAY);
        let (number, home) = (self.lives_at.len(), self.random.usize(..self.homes.len()));
        self.lives_at.push(home);
        self.to_come.push((at, number, home, Box::new(visit)));
    }

    /// All come, and things go wrong, until everybody is done.
    pub(crate) fn live(&mut self) {
        let morning = self.simulation.elapsed();
        for spell in &mut self.spells {
            spell.time = spell.time.start + morning..spell.time.end + morning;
        }
        let mut changes: Vec<(Duration, usize, Change)> = Vec::new();
        for (at, spell) in self.spells.iter().enumerate() {
            changes.push((spell.time.start, at, Self::begin));
            changes.push((spell.time.end, at, Self::mend));
        }
        changes.sort_by_key(|(time, at, _)| (*time, *at));
        self.to_come.sort_by_key(|(at, number, ..)| std::cmp::Reverse((*at, *number)));
        let mut changes = changes.into_iter().peekable();
        let night = morning + NIGHT;
        loop {
            let change = changes.peek().map(|(at, ..)| *at);
            let guest = self.to_come.last().map(|(at, ..)| *at);
            let Some(next) = change.into_iter().chain(guest).min() else { break };
            self.pass(next.saturating_sub(self.simulation.elapsed()));
            while let Some((_, at, change)) = changes.next_if(|(at, ..)| *at <= next) {
                change(self, self.spells[at].trouble);
            }
            while self.to_come.last().is_some_and(|(at, ..)| *at <= next) {
                self.let_in();
            }
        }
        while self.simulation.elapsed() < night && self.is_busy() {
            self.pass(Duration::from_secs(10));
        }
    }

    fn is_busy(&self) -> bool {
        self.homes.iter().any(|home| self.simulation.is_running(*home))
    }

    fn let_in(&mut self) {
        let Some((_, number, home, visit)) = self.to_come.pop() else { return };
        let is_down = |spell: &Spell| {
            let now = self.simulation.elapsed();
            spell.trouble == Trouble::Crash(home) && spell.time.contains(&now)
        };
        if self.spells.iter().any(is_down) {
            return; // nobody comes from there
        }
        let (journal, began) = (self.journal.clone(), self.began);
        let diary = Diary { number, began, journal };
        self.simulation.on(self.homes[home], |kernel| visit(kernel, diary));
    }

    fn begin(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Cut(home) => self.simulation.partition(self.server, self.homes[home]),
            Trouble::Crash(home) => self.simulation.crash(self.homes[home]),
            Trouble::ServerCrash => self.simulation.crash(self.server),
            Trouble::Reset(home) => {
                self.simulation.reset_connections(self.homes[home]);
            }
            Trouble::ServerReset => {
                self.simulation.reset_connections(self.server);
            }
            Trouble::Limit(more) => {
                let most = self.simulation.open_sockets(self.server) + more;
                self.simulation.limit_descriptors(self.server, most);
            }
        }
    }

    /// Unless another of the kind goes on.
    fn mend(&mut self, trouble: Trouble) {
        let now = self.simulation.elapsed();
        let is_same = |other: Trouble| match trouble {
            Trouble::Limit(_) => matches!(other, Trouble::Limit(_)),
            Trouble::Cut(_)
            | Trouble::Crash(_)
            | Trouble::ServerCrash
            | Trouble::Reset(_)
            | Trouble::ServerReset => other == trouble,
        };
        let mut spells = self.spells.iter();
        if spells.any(|spell| is_same(spell.trouble) && spell.time.contains(&now)) {
            return;
        }
        match trouble {
            Trouble::Cut(home) => self.simulation.heal(self.server, self.homes[home]),
            Trouble::Crash(home) => {
                self.simulation.boot(self.homes[home]).expect("descriptors");
            }
            Trouble::ServerCrash => {
                // With none to spare it could not even listen.
                self.simulation.limit_descriptors(self.server, usize::MAX);
                self.simulation.boot(self.server).expect("descriptors");
                self.boot_server();
            }
            Trouble::Limit(_) => self.simulation.limit_descriptors(self.server, usize::MAX),
            Trouble::Reset(_) | Trouble::ServerReset => {}
        }
    }

    fn boot_server(&mut self) {
        let boot = &self.boot;
        self.simulation.on(self.server, |kernel| boot(kernel));
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.simulation.run_for(time).expect("the kernels run");
    }

    fn holdings(&mut self, host: HostId) -> Holdings {
        let sockets = self.simulation.open_sockets(host);
        self.simulation.on(host, |kernel| Holdings {
            sockets,
            sessions: kernel.session_count(),
            wheels: kernel.wheel_count(),
        })
    }

    /// Sends everybody home and then the server; sees that nothing is left of them. Gives the fate of each
    /// client to `judge`.
    pub(crate) fn end(mut self, judge: impl FnOnce(&[Fate], &[Entry])) -> Outcome {
        let entries = self.journal.take();
        let fates = self.fates(&entries);
        for fate in fates.iter().filter(|fate| fate.in_peace) {
            assert!(fate.story.end.is_some(), "client {} waits for ever: {fate}", fate.number);
        }
        judge(&fates, &entries);
        for home in self.homes.clone() {
            self.terminate(home);
        }
        self.pass(GIVEN_UP);
        let turns = self.turns();
        assert!(turns < MOST_TURNS, "{turns} turns");
        if !self.is_left_alone(&fates) {
            for (host, idle) in self.servers() {
                assert_eq!(
                    self.holdings(host),
                    idle,
                    "what {host:?} has when all clients are gone"
                );
            }
            let connections = self.simulation.connections();
            assert_eq!(connections, 0, "connections when all clients are gone");
        }
        for (host, _) in self.servers() {
            for _ in 0..self.signals {
                self.terminate(host);
                self.pass(GIVEN_UP);
            }
            assert!(!self.simulation.is_running(host), "{host:?} does not end");
            assert_eq!(self.simulation.open_sockets(host), 0, "sockets that {host:?} has left");
        }
        assert_eq!(self.simulation.connections(), 0, "connections when all servers are gone");
        let mut hasher = DefaultHasher::new();
        for Entry { at, client, deed } in &entries {
            (at, client).hash(&mut hasher);
            match deed {
                Deed::Got(bytes) if self.tells_the_time => bytes.len().hash(&mut hasher),
                Deed::Began
                | Deed::Connected
                | Deed::Said(_)
                | Deed::Got(_)
                | Deed::HalfClosed
                | Deed::Left
                | Deed::Heard
                | Deed::Broke(_) => deed.hash(&mut hasher),
            }
        }
        Outcome {
            digest: self.simulation.digest(),
            transcript: hasher.finish(),
            time: self.simulation.elapsed(),
            turns,
        }
    }

    /// Whether the server cannot know that some client is gone: its power has failed, or its farewell was
    /// lost in a cut.
    fn is_left_alone(&self, fates: &[Fate]) -> bool {
        self.spells.iter().any(|spell| match spell.trouble {
            Trouble::Crash(_) => true,
            Trouble::ServerCrash => !self.behind.is_empty(),
            Trouble::Cut(cut) => fates.iter().filter(|fate| fate.home == cut).any(|fate| {
                let begin = spell.time.start.saturating_sub(FAREWELL);
                fate.story.ended.is_none_or(|ended| (begin..spell.time.end).contains(&ended))
            }),
            Trouble::Reset(_) | Trouble::ServerReset | Trouble::Limit(_) => false,
        })
    }

    fn fates(&self, entries: &[Entry]) -> Vec<Fate> {
        let stories = Story::all(entries, self.lives_at.len());
        let fates = stories.into_iter().zip(&self.lives_at).enumerate();
        fates
            .map(|(number, (story, home))| {
                let is_spared = |patience| {
                    let harms = |spell: &Spell| spell.harms(*home, &story, patience);
                    !self.spells.iter().any(harms)
                };
                let is_slow = story.time().is_some_and(|time| time > self.hurry);
                let in_peace = is_spared(self.patience) && story.began.is_some() && !is_slow;
                let on_time = in_peace && !self.is_rough && is_spared(Duration::ZERO);
                Fate { number, home: *home, story, in_peace, on_time }
            })
            .collect()
    }

    fn terminate(&mut self, host: HostId) {
        let signalled = |kernel: &mut Kernel| kernel.signal(SessionId::KERNEL, "TERM", ());
        self.simulation.on(host, signalled).expect("the kernel is there");
    }

    fn turns(&mut self) -> u64 {
        let homes = self.homes.clone().into_iter();
        let hosts = homes.chain(self.servers().into_iter().map(|(host, _)| host));
        hosts.map(|host| self.simulation.on(host, |kernel| kernel.stats().turns)).sum()
    }

    fn servers(&self) -> Vec<(HostId, Holdings)> {
        let first = (self.server, self.idle);
        [first].into_iter().chain(self.behind.iter().copied()).collect()
    }
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Story { began, ended, connected, said, got, end } = &self.story;
        write!(
            f,
            "at home {}, in peace: {}, began {began:?}, ended {ended:?}, connected {connected:?}, \
             said {}, got {}, end {end:?}",
            self.home,
            self.in_peace,
            said.len(),
            got.len()
        )
    }
}
