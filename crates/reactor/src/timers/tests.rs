//! The table against a sorted list, and the ends of time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::{Ring, Timer, Timers};
use crate::arena::Arena;
use crate::clock::Moment;
use crate::ids::{SessionId, TimerId};
use crate::name::Symbol;
use crate::payload::Payload;
use crate::queue::Stamp;

const NAMES: [Symbol; 3] = [Symbol::START, Symbol::STOP, Symbol::DEFAULT];
const TICK: i64 = 1 << 20;
const OPERATIONS: u32 = 1_500_000;

/// By the book: all that is set, in order.
struct Model {
    timers: Timers,
    list: Vec<Entry>,
    /// Of wheels, by their slots.
    alarms: BTreeMap<u32, Stamp>,
    sessions: Vec<SessionId>,
    /// Timers that are not set any more.
    gone: Vec<TimerId>,
    now: Moment,
    sequence: u64,
    random: Random,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Entry {
    stamp: Stamp,
    id: TimerId,
    session: SessionId,
    name: Symbol,
    /// Whether it follows the wall clock.
    wall: bool,
}

struct Random(u64);

impl Random {
    fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Mostly near, sometimes far, sometimes at the end of time, often equal to others.
    fn time(&mut self) -> i64 {
        let unit = [0, 1, 1000, TICK / 3, TICK, 64 * TICK, 4096 * TICK, 1 << 38, 1 << 44, 1 << 50];
        match self.below(40) {
            0 => i64::MAX,
            1 => i64::MAX - 1 - self.below(3).cast_signed() * TICK,
            _ => unit[self.index(unit.len())] * (1 + self.below(70).cast_signed()),
        }
    }
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut keys = Arena::new();
        Self {
            timers: Timers::new(),
            list: Vec::new(),
            alarms: BTreeMap::new(),
            sessions: (0..3).map(|_| SessionId(keys.insert(()))).collect(),
            gone: Vec::new(),
            now: Moment::ZERO,
            sequence: 0,
            random: Random(seed),
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.sequence += 1;
        let time = Duration::from_nanos(self.random.time().cast_unsigned());
        let due =
            if self.random.below(8) == 0 { self.now.before(time) } else { self.now.after(time) };
        Stamp { due, sequence: self.sequence }
    }

    fn enter(&mut self, entry: Entry) {
        let place = self.list.partition_point(|other| other.stamp < entry.stamp);
        self.list.insert(place, entry);
    }

    fn any(&mut self) -> Option<usize> {
        let len = self.list.len();
        (len > 0).then(|| self.random.index(len))
    }

    fn operate(&mut self) {
        match self.random.below(100) {
            // As many are set as are gone, but sometimes many more.
            0..40 if self.list.len() < 3000 => self.set(),
            40..55 => self.reset(),
            55..60 => self.renew(),
            60..75 => self.remove(),
            75..76 if self.random.below(200) == 0 => self.remove_session(),
            76..78 => self.check_stale(),
            78..79 => self.follow_wall(),
            79..80 if self.random.below(10) == 0 => self.step_wall(),
            80..84 => self.check_names(),
            84..90 => self.set_alarm(),
            90..93 => self.remove_alarm(),
            _ => self.check_next(),
        }
    }

    fn set(&mut self) {
        let (session, name) = (self.sessions[self.random.index(3)], NAMES[self.random.index(3)]);
        let stamp = self.stamp();
        let payload = Payload::new(stamp.sequence);
        let id = self.timers.set(stamp, Timer { payload, symbol: name, session });
        self.enter(Entry { stamp, id, session, name, wall: false });
    }

    fn reset(&mut self) {
        let Some(place) = self.any() else { return };
        let mut entry = self.list.remove(place);
        (entry.stamp, entry.wall) = (self.stamp(), false);
        assert!(self.timers.reset(entry.id, entry.stamp));
        self.enter(entry);
    }

    fn renew(&mut self) {
        let Some(place) = self.any() else { return };
        let mut entry = self.list.remove(place);
        self.gone.push(entry.id);
        (entry.stamp, entry.wall) = (self.stamp(), false);
        let payload = Payload::new(entry.stamp.sequence);
        entry.id = self.timers.renew(entry.id, entry.stamp, payload).expect("it is set").0;
        self.enter(entry);
    }

    fn remove(&mut self) {
        let Some(place) = self.any() else { return };
        let entry = self.list.remove(place);
        let (stamp, timer) = self.timers.remove(entry.id).expect("it is set");
        assert_eq!((stamp, timer.session, timer.symbol), (entry.stamp, entry.session, entry.name));
        self.gone.push(entry.id);
    }

    fn set_alarm(&mut self) {
        let wheel = u32::try_from(self.random.below(200)).unwrap();
        let stamp = self.stamp();
        self.timers.set_alarm(wheel, stamp);
        self.alarms.insert(wheel, stamp);
    }

    fn remove_alarm(&mut self) {
        let wheel = u32::try_from(self.random.below(200)).unwrap();
        self.timers.remove_alarm(wheel);
        self.alarms.remove(&wheel);
        assert_eq!(self.timers.alarm(wheel), None);
    }

    /// When the soonest of all is due.
    fn next_due(&self) -> Option<Moment> {
        let next = self.list.first().map(|entry| entry.stamp.due);
        next.into_iter().chain(self.alarms.values().map(|stamp| stamp.due)).min()
    }

    fn follow_wall(&mut self) {
        let Some(place) = self.any() else { return };
        self.timers.follow_wall(self.list[place].id, SystemTime::UNIX_EPOCH);
        self.list[place].wall = true;
    }

    /// What follows the wall clock is due at another time, and keeps its place among equals.
    fn step_wall(&mut self) {
        let first = self.list.first().filter(|_| self.random.below(2) == 0);
        let due = first.map_or_else(|| self.now, |first| first.stamp.due);
        self.timers.reset_wall_times(|_| due);
        let (followers, others) = self.list.iter().partition(|entry| entry.wall);
        self.list = others;
        let followers: Vec<Entry> = followers;
        for mut entry in followers {
            entry.stamp.due = due;
            self.enter(entry);
        }
    }

    fn remove_session(&mut self) {
        let session = self.sessions[self.random.index(3)];
        let mut removed: Vec<_> =
            self.timers.remove_session(session).into_iter().map(|(stamp, _)| stamp).collect();
        removed.sort();
        let (theirs, others) = self.list.iter().partition(|entry| entry.session == session);
        self.list = others;
        assert_eq!(removed, theirs.iter().map(|entry: &Entry| entry.stamp).collect::<Vec<_>>());
    }

    fn check_stale(&mut self) {
        let Some(id) = self.gone.pop() else { return };
        assert!(self.timers.remove(id).is_none());
        assert!(!self.timers.reset(id, Stamp { due: self.now, sequence: 0 }));
        assert!(self.timers.stamp(id).is_none());
        self.gone.truncate(100);
    }

    fn check_names(&mut self) {
        let (session, name) = (self.sessions[self.random.index(3)], NAMES[self.random.index(3)]);
        let named = self.list.iter().filter(|entry| entry.session == session && entry.name == name);
        let count = named.clone().count();
        let newest = self.timers.newest(session, name);
        assert_eq!(newest.is_some(), count > 0);
        if let Some(newest) = newest {
            assert!(named.clone().any(|entry| entry.id == newest));
            assert_eq!(self.timers.has_older(newest), count > 1);
        }
    }

    fn check_next(&mut self) {
        assert_eq!(self.timers.len(), self.list.len() + self.alarms.len());
        for (wheel, stamp) in &self.alarms {
            assert_eq!(self.timers.alarm(*wheel), Some(stamp.due));
        }
        if let Some(place) = self.any() {
            let entry = self.list[place];
            assert_eq!(self.timers.stamp(entry.id), Some(entry.stamp));
            assert_eq!(self.timers.wall_time(entry.id).is_some(), entry.wall);
        }
        assert_eq!(self.timers.next_due(), self.next_due());
    }

    /// A step that delivers: what is due and was set before it began, and meanwhile this and that happens.
    fn deliver(&mut self) {
        let limit = self.sequence + 1;
        for _ in 0..self.random.below(2000) {
            let mut due = self.list.iter().take_while(|entry| entry.stamp.due <= self.now);
            let first = due.position(|entry| entry.stamp.sequence < limit);
            let is_due = |stamp: Stamp| stamp.due <= self.now && stamp.sequence < limit;
            let alarms = self.alarms.iter().filter(|(_, stamp)| is_due(**stamp));
            let alarm = alarms.map(|(wheel, stamp)| (*stamp, *wheel)).min();
            let timer = first.map(|first| self.list[first].stamp);
            let expected = timer.into_iter().chain(alarm.map(|(stamp, _)| stamp)).min();
            assert_eq!(self.timers.peek_due(self.now, limit), expected);
            let Some(expected) = expected else { break };
            if timer == Some(expected) {
                self.ring_timer(first.expect("it is the first"));
            } else {
                self.ring_alarm(alarm.expect("it is the first").1);
            }
            if self.random.below(4) == 0 {
                self.operate();
            }
        }
        self.timers.release_held();
    }

    fn ring_timer(&mut self, place: usize) {
        let entry = self.list.remove(place);
        assert_eq!(self.timers.first(), Some(entry.id));
        let rung = self.timers.pop().expect("promised");
        assert!(matches!(rung, Ring::Timer(Timer { symbol, .. }) if symbol == entry.name));
        self.gone.push(entry.id);
    }

    fn ring_alarm(&mut self, wheel: u32) {
        self.alarms.remove(&wheel);
        assert_eq!(self.timers.first(), None);
        let rung = self.timers.pop().expect("promised");
        assert!(matches!(rung, Ring::Alarm(slot) if slot == wheel));
    }

    fn advance(&mut self) {
        let next = self.timers.next_look();
        assert!(next <= self.next_due());
        self.now = match (self.random.below(20), next) {
            (0, _) => {
                self.now.after(Duration::from_nanos(self.random.time().cast_unsigned() % (1 << 52)))
            }
            (1..6, Some(next)) => self.now.max(next),
            _ => self.now.after(Duration::from_nanos(self.random.below(200_000_000))),
        };
    }
}

#[test]
fn p38_a_million_random_operations_agree_with_a_sorted_list() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(38);
    println!("SEED={seed}");
    let mut operations = 0;
    for round in 0.. {
        let mut model = Model::new(seed + round);
        // Time ends after some rounds, and begins anew.
        for _ in 0..3000 {
            let many = model.random.below(60);
            (0..many).for_each(|_| model.operate());
            operations += u32::try_from(many).unwrap();
            model.advance();
            model.deliver();
        }
        model.now = Moment::from_nanos(i64::MAX);
        while !model.list.is_empty() || !model.alarms.is_empty() {
            model.deliver();
        }
        assert_eq!((model.timers.len(), model.timers.next_due()), (0, None));
        if operations >= OPERATIONS {
            break;
        }
    }
}

fn session() -> SessionId {
    SessionId(Arena::new().insert(()))
}

fn event(number: u64, session: SessionId) -> Timer {
    Timer { payload: Payload::new(number), symbol: Symbol::START, session }
}

fn at(due: i64, sequence: u64) -> Stamp {
    Stamp { due: Moment::from_nanos(due), sequence }
}

#[test]
fn timers_at_both_ends_of_time_ring_in_order() {
    let mut timers = Timers::new();
    let session = session();
    let times = [i64::MAX, i64::MIN, 0, -1, i64::MAX - 1, 1, i64::MIN + 1, i64::MAX, i64::MIN];
    for (time, sequence) in times.into_iter().zip(0..) {
        timers.set(at(time, sequence), event(sequence, session));
    }
    let end = Moment::from_nanos(i64::MAX);
    let rung = std::iter::from_fn(|| {
        let stamp = timers.peek_due(end, u64::MAX)?;
        timers.pop().map(|_| (stamp.due.as_nanos(), stamp.sequence))
    });
    let mut sorted: Vec<_> = times.into_iter().zip(0..).collect();
    sorted.sort_unstable();
    assert_eq!(rung.collect::<Vec<_>>(), sorted);
}

#[test]
fn what_a_burst_left_behind_is_given_back() {
    let mut timers = Timers::new();
    let session = session();
    let burst = |timers: &mut Timers| -> Vec<TimerId> {
        let set =
            |number: i64| timers.set(at((number % 7) * 3_600_000_000_000, 0), event(0, session));
        (1..100_000).map(set).collect()
    };
    let ids = burst(&mut timers);
    let full = timers.order.capacity();
    assert!(full <= 2 * ids.len(), "{full} places for {}", ids.len());
    for (id, left) in ids.into_iter().zip((0..99_999).rev()) {
        timers.remove(id).expect("it is set");
        let kept = timers.order.capacity();
        assert!(left % 1000 != 0 || kept <= 4 * left + 5000, "{kept} places for {left}");
    }
    burst(&mut timers);
    let end = Moment::from_nanos(i64::MAX);
    while timers.peek_due(end, u64::MAX).is_some() {
        timers.pop().expect("promised");
    }
    assert!(timers.order.capacity() <= 5000);
}

#[test]
fn a_long_wait_is_found_in_few_looks() {
    let mut timers = Timers::new();
    let due = 400 * 24 * 3600 * 1_000_000_000;
    // So many in one bucket that nobody looks through them.
    let session = session();
    for number in 0..1000 {
        timers.set(at(due + number * 1000, number.cast_unsigned()), event(0, session));
    }
    let mut looks = 0;
    loop {
        let now = timers.next_look().expect("it is set");
        assert!(now <= Moment::from_nanos(due), "never later than the timer");
        looks += 1;
        if timers.peek_due(now, u64::MAX).is_some() {
            break;
        }
    }
    assert!(looks <= 9, "one for each level and one for the timer, not {looks}");
}

/// A loop that waits for the next timer would wake up for nothing.
#[test]
fn after_it_settles_nobody_looks_for_a_timer_that_was_moved_or_removed() {
    let mut timers = Timers::new();
    let session = session();
    let removed = timers.set(at(5 * TICK, 1), event(1, session));
    let moved = timers.set(at(6 * TICK, 2), event(2, session));
    timers.set(at(5000 * TICK, 3), event(3, session));
    timers.set_alarm(0, at(7 * TICK, 4));
    timers.remove(removed).expect("it is set");
    assert!(timers.reset(moved, at(9000 * TICK, 5)));
    timers.set_alarm(0, at(8000 * TICK, 6));

    timers.settle();

    assert_eq!(timers.next_look(), Some(Moment::from_nanos(5000 * TICK)));
    assert_eq!(timers.next_due(), timers.next_look());
    assert!(timers.order.items() <= timers.len(), "each has one item");
}

#[test]
fn who_was_removed_leaves_nothing_behind_when_those_who_stayed_have_rung() {
    const HOUR: i64 = 3_600_000_000_000;
    let mut timers = Timers::new();
    let session = session();
    let mut set = |due, number| timers.set(at(due, number), event(number, session));
    let far: Vec<TimerId> = (0..10_000).map(|number| set(HOUR, number)).collect();
    for number in 10_000..20_000 {
        set(TICK, number);
    }
    // One stays behind them, as in a crowd of connections of which many have left.
    let (_last, others) = far.split_last().unwrap();
    assert!(others.iter().all(|id| timers.remove(*id).is_some()));
    let mut rang = 0;
    while timers.peek_due(Moment::from_nanos(2 * TICK), u64::MAX).is_some() {
        rang += u32::from(timers.pop().is_some());
    }
    timers.settle();
    assert_eq!((rang, timers.len()), (10_000, 1));
    assert!(timers.order.items() <= 100, "{}", timers.order.items());
    assert_eq!(timers.next_look(), Some(Moment::from_nanos(HOUR)));
}

#[test]
fn who_is_set_and_removed_again_leaves_little_behind_whoever_else_waits() {
    let mut timers = Timers::new();
    let session = session();
    let mut random = Random(7);
    for number in 0..1000 {
        timers.set(at((1 + number) * 50 * TICK, number.cast_unsigned()), event(0, session));
    }
    for batch in 1..200 {
        let some = (0..100).map(|_| {
            let due = 1 + random.below(60_000).cast_signed() * TICK;
            timers.set(at(due, batch * 1000), event(0, session))
        });
        let mut some: Vec<TimerId> = some.collect();
        while !some.is_empty() {
            let id = some.swap_remove(random.index(some.len()));
            timers.remove(id).expect("it is set");
            let (items, most) = (timers.order.items(), 2 * timers.len() + 400);
            assert!(items <= most, "{items} for {}", timers.len());
        }
    }
}

#[test]
fn after_it_settles_nobody_looks_for_a_crowd_that_was_removed() {
    let mut timers = Timers::new();
    let session = session();
    let mut set = |due, number| timers.set(at(due, number), event(number, session));
    for number in 0..200_u64 {
        set((5000 + 100 * number.cast_signed()) * TICK, number);
    }
    let gone: Vec<TimerId> = (200..300).map(|number| set(5 * TICK, number)).collect();
    assert!(gone.into_iter().all(|id| timers.remove(id).is_some()));
    timers.settle();
    assert_eq!(timers.next_look(), Some(Moment::from_nanos(5000 * TICK)));
}

#[test]
fn after_it_settles_nobody_looks_for_several_crowds_that_were_removed() {
    const SECOND: i64 = 1_000_000_000;
    let mut timers = Timers::new();
    let session = session();
    let mut set =
        |seconds, number| timers.set(at(seconds * SECOND, number), event(number, session));
    for number in 0..360 {
        set(9000, number);
    }
    let crowds = [3, 103, 203].into_iter().flat_map(|seconds| (0..80).map(move |_| seconds));
    let gone: Vec<TimerId> =
        crowds.zip(360..).map(|(seconds, number)| set(seconds, number)).collect();
    assert!(gone.into_iter().all(|id| timers.remove(id).is_some()));
    timers.settle();
    let bucket = 9000 * SECOND / (TICK << 18) * (TICK << 18);
    assert_eq!(timers.next_look(), Some(Moment::from_nanos(bucket)));
}
