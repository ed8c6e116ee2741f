//! The simulation: hosts that take turns, and time that moves when nobody has anything to do.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use reactor::{Clock, Kernel};

use crate::conditions::Conditions;
use crate::machine::Machine;
use crate::network::{Network, Place, State, Time, nanos};

/// Hosts on a network that does not exist, each with a kernel of its own, on one virtual clock. See the
/// [crate] for an example.
///
/// Everything that chance decides, it decides by the seed: the same seed, the same run, event for event, as
/// long as the sessions themselves do not ask the real world, and do not go by the order of std's `HashMap`.
///
/// A turn of a kernel takes a microsecond of virtual time, whatever is done in it.
pub struct Simulation {
    seed: u64,
    clock: Clock,
    network: Rc<Network>,
    now: Time,
    machines: Vec<Machine>,
    /// When which host has something to do, if nothing comes before.
    wakes: BTreeSet<(Time, Place)>,
    /// The same by host.
    noted: Vec<Option<Time>>,
}

/// A host of a [`Simulation`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(Place);

impl Simulation {
    /// An empty network, [calm](Conditions::calm), on the first of January 2000.
    ///
    /// It also seeds this thread's `fastrand`, by which components wait for random times.
    ///
    /// # Errors
    ///
    /// What the system says: each socket takes two of this process's descriptors, and each host one.
    pub fn new(seed: u64) -> io::Result<Self> {
        fastrand::seed(seed);
        let clock = Clock::virtual_time();
        clock.set_wall(SystemTime::UNIX_EPOCH + MILLENNIUM);
        let network = Rc::new(Network::new(seed)?);
        Ok(Self {
            seed,
            clock,
            network,
            now: 0,
            machines: Vec::new(),
            wakes: BTreeSet::new(),
            noted: Vec::new(),
        })
    }

    /// What chance goes by.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// What the network is like from now on.
    pub fn set_conditions(&self, conditions: Conditions) {
        self.network.with(|network| network.conditions = conditions);
    }

    /// Adds a host, which others find by its name: letters of either case.
    ///
    /// It has an IPv4 and an IPv6 address, `10.0.0.1` and `fd00::1` the first and so on; its loopback is its own.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists): another host has the name.
    /// [`InvalidInput`](io::ErrorKind::InvalidInput): it is empty, an address, or `localhost`.
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded): there are 65,535 hosts. And as [`Kernel::new`].
    pub fn host(&mut self, name: &str) -> io::Result<HostId> {
        let place = self.machines.len();
        let machine = Machine::new(&self.network, place, &self.clock)?;
        self.network.with(|network| network.add_host(name))?;
        self.machines.push(machine);
        self.noted.push(None);
        Ok(HostId(place))
    }

    /// A host's IPv4 address.
    #[must_use]
    pub fn address(&self, host: HostId) -> IpAddr {
        self.network.with(|network| network.hosts[host.0].v4.into())
    }

    /// Does something on a host: spawns sessions there, makes what listens and connects, asks how things are.
    /// What is made in `act` belongs to the host.
    ///
    /// # Panics
    ///
    /// The host is down.
    pub fn on<R>(&mut self, host: HostId, act: impl FnOnce(&mut Kernel) -> R) -> R {
        let result = self.machines[host.0].on(self.now, act);
        self.note_wake(host.0);
        result.expect("the host was crashed, and not booted since")
    }

    /// Whether a session is left on the host.
    #[must_use]
    pub fn is_running(&self, host: HostId) -> bool {
        self.machines[host.0].runs()
    }

    /// How much time has passed in the simulation.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// The clock of all hosts. Whoever moves it by hand confuses everybody.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs until nothing will ever happen again: nothing is on its way, and nobody waits for a time.
    ///
    /// # Errors
    ///
    /// What [`Kernel::run`] of a host would say.
    ///
    /// # Panics
    ///
    /// With the panic of a handler.
    pub fn run(&mut self) -> io::Result<()> {
        self.run_until(Time::MAX)
    }

    /// Runs for so much virtual time, or until nothing will ever happen again; then the rest of it has passed
    /// too.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn run_for(&mut self, time: Duration) -> io::Result<()> {
        let end = self.now.saturating_add(nanos(time));
        self.run_until(end)?;
        self.move_to(end);
        Ok(())
    }

    /// Two hosts do not hear each other from now on. What is sent is sent again, as TCP does, for a quarter of an
    /// hour; datagrams are lost.
    pub fn partition(&self, one: HostId, other: HostId) {
        self.network.with(|network| {
            network.links.cut(one.0, other.0);
            network.doubt(one.0, Some(other.0));
        });
    }

    /// Two hosts hear each other again.
    pub fn heal(&self, one: HostId, other: HostId) {
        self.network.with(|network| network.links.mend(one.0, other.0));
    }

    /// Resets all connections of a host, at both ends and at once, as a firewall does that was started anew. Says
    /// how many ends the host had.
    pub fn reset_connections(&self, host: HostId) -> usize {
        self.network.with(|network| network.reset_connections(host.0))
    }

    /// Most sockets that a host may have open (`RLIMIT_NOFILE`). A factory that listens has one more, which it keeps
    /// in reserve. Default: no limit but the machine's.
    pub fn limit_descriptors(&self, host: HostId, most: usize) {
        self.network.with(|network| network.hosts[host.0].most_open = most);
    }

    /// The power fails: the host's sessions are dropped where they are, and nobody is told.
    pub fn crash(&mut self, host: HostId) {
        self.network.with(|network| network.crash(host.0));
        self.machines[host.0].crash();
        self.note_wake(host.0);
        self.network.with(|network| {
            network.collect_closed();
            network.doubt(host.0, None);
        });
    }

    /// The power is back: an empty kernel runs. Who still believes in a connection to the host learns that it is
    /// gone by writing. A host that is up stays as it is.
    ///
    /// # Errors
    ///
    /// As [`Kernel::new`].
    pub fn boot(&mut self, host: HostId) -> io::Result<()> {
        self.network.with(|network| network.hosts[host.0].is_up = true);
        self.machines[host.0].boot(&self.clock)
    }

    /// How many sockets a host has open, with the one that each factory that listens keeps in reserve.
    #[must_use]
    pub fn open_sockets(&self, host: HostId) -> usize {
        self.network.with(|network| {
            network.collect_closed();
            network.hosts[host.0].open
        })
    }

    /// How many connections there are that are not closed at both ends.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.network.with(|network| {
            network.collect_closed();
            network.connections()
        })
    }

    /// All that has happened on the network, as one number: two runs that were the same have the same.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.network.with(|state| state.digest())
    }

    fn run_until(&mut self, end: Time) -> io::Result<()> {
        loop {
            self.network.with(State::deliver);
            let worked = self.turn()?;
            if worked && self.now < end {
                continue;
            }
            match self.next() {
                Some(next) if !worked && next <= end => self.move_to(next),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Has each host run one turn that has something to do; says whether there was one.
    fn turn(&mut self) -> io::Result<bool> {
        let due = self.wakes.range(..=(self.now, Place::MAX)).map(|(_, place)| *place);
        let machines = &self.machines;
        let mut ready: Vec<Place> =
            self.network.with(|network| due.chain(network.told()).collect());
        ready.retain(|place| machines[*place].runs());
        ready.sort_unstable();
        ready.dedup();
        self.network.with(|network| network.random.shuffle(&mut ready));
        for place in &ready {
            self.move_to(self.now + nanos(TURN));
            let turned = self.machines[*place].turn(self.now);
            self.note_wake(*place);
            turned?;
            self.network.with(State::collect_unwatched);
        }
        Ok(!ready.is_empty())
    }

    /// When something happens next.
    fn next(&self) -> Option<Time> {
        let wake = self.wakes.first().map(|(wake, _)| *wake);
        let arrival = self.network.with(|network| State::next(network));
        wake.into_iter().chain(arrival).min()
    }

    /// Notes when a host has something to do, if nothing comes before.
    fn note_wake(&mut self, place: Place) {
        let wake = self.machines[place].wake();
        let noted = &mut self.noted[place];
        if *noted != wake {
            if let Some(before) = std::mem::replace(noted, wake) {
                self.wakes.remove(&(before, place));
            }
            self.wakes.extend(wake.map(|wake| (wake, place)));
        }
    }

    fn move_to(&mut self, time: Time) {
        if time > self.now {
            self.clock.advance(Duration::from_nanos(time - self.now));
            self.now = time;
            self.network.with(|network| network.now = time);
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("elapsed", &self.elapsed())
            .field("hosts", &self.machines.len())
            .finish_non_exhaustive()
    }
}

/// From the epoch to the year 2000.
const MILLENNIUM: Duration = Duration::from_secs(946_684_800);

/// What a turn of a kernel takes.
const TURN: Duration = Duration::from_micros(1);
