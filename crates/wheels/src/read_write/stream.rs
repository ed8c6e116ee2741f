//! The stream as the kernel keeps it: both directions, and what is told of them.
//!
//! Owns the descriptors, the filter and the two directions. Promises that input comes before the news of
//! a broken output. What a session asks of it is in `asked.rs`, how it fails and ends in `ending.rs`.

use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use filters::{Filter, FilterError};
use reactor::{Bound, Io, Readiness, WatchId, Watched, Wheel};

use super::Input;
use super::ending::Rare;
use super::ends::Ends;
use super::health::Health;
use super::inbound::{Inbound, Pulled};
use super::link::Outlet;
use super::outbound::{Outbound, Plainly, Progress};
use super::settings::Settings;
use super::told::Told;
use crate::failure::{Failure, Operation};

#[derive(Debug)]
pub(crate) struct Stream<F: Filter> {
    pub(super) ends: Ends,
    pub(super) settings: Rc<Settings>,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    /// What few streams have: see there. Absent if there is nothing in it.
    pub(super) rare: Option<Box<Rare<F::Item>>>,
    /// Present if there is a limit of time.
    pub(super) health: Option<Box<Health>>,
    pub(super) filter: F,
}

/// What a stream is built of.
pub(super) struct Parts<F> {
    pub(super) ends: Ends,
    pub(super) filter: F,
    pub(super) settings: Settings,
    /// What was read before.
    pub(super) unread: Vec<u8>,
}

impl<F: Filter> Stream<F> {
    pub(super) fn open(parts: Parts<F>, io: &mut Io<'_>) -> Self {
        let Parts { mut ends, filter, settings, unread } = parts;
        let watched = ends.watch(io);
        if !unread.is_empty() {
            io.again();
        }
        let health = settings.limits.any().then(|| Box::new(Health::new(io.uptime())));
        let mut stream = Self {
            inbound: Inbound::new(*watched.as_ref().unwrap_or(&Watched::WhenReady), unread),
            outbound: Outbound::new(),
            settings: settings.share(io),
            rare: None,
            ends,
            health,
            filter,
        };
        if !stream.ends.is_readable() {
            stream.inbound.finish();
            io.release_session();
        }
        if let Err(error) = watched {
            stream.inbound.finish();
            stream.outbound.fail();
            stream.rare().failure = Some(Failure::new(Operation::Watch, &error, io.id()));
            io.queue();
        }
        stream.set_alarm(io);
        stream
    }

    /// The same stream, with another filter made of its own.
    pub(super) fn convert<G: Filter>(self, make: impl FnOnce(F) -> G) -> Stream<G> {
        let Self { ends, settings, inbound, outbound, rare, health, filter } = self;
        let rare = rare.map(|rare| rare.convert()).filter(|rare| !rare.is_empty()).map(Box::new);
        Stream { ends, settings, inbound, outbound, rare, health, filter: make(filter) }
    }

    /// As `convert`; the items are the same, and so is where they go.
    pub(super) fn convert_output<G: Filter<Item = F::Item>>(
        mut self,
        make: impl FnOnce(F) -> G,
    ) -> Stream<G> {
        let outlet = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.outlet));
        let mut stream = self.convert(make);
        if let Some(outlet) = outlet.filter(|outlet| !matches!(outlet, Outlet::Session)) {
            stream.rare().outlet = outlet;
        }
        stream
    }

    /// Writes when no handler goes on to put more. What is to be told of it is told right after: only now
    /// may the session go.
    fn write_all_there_is(&mut self, io: &mut Io<'_>) {
        self.write(io);
        self.outbound.note_flushed();
        self.release_if_over(io);
    }

    /// Writes, and sees to what comes of it.
    pub(super) fn write(&mut self, io: &mut Io<'_>) {
        match self.outbound.write(&self.ends, &self.settings, io) {
            Ok(progress) => self.note_output(progress, io),
            Err(error) => self.write_failed(&error, io),
        }
        if self.outbound.is_to_be_shut() {
            // The peer may be gone already; reading will tell.
            if let Err(error) = self.ends.shut_output(io) {
                log::debug!(target: "wheels::read_write", "shutdown: {error}");
            }
        }
        self.set_gate();
    }

    pub(super) fn note_output(&mut self, progress: Progress, io: &mut Io<'_>) {
        if progress == Progress::Some {
            self.postpone(io);
        }
        let unsent = self.outbound.unsent();
        if let Some(health) = &mut self.health {
            health.note_output(progress, unsent, &self.settings.limits, io.uptime());
            if unsent > 0 {
                self.set_alarm(io);
            }
        }
    }

    pub(super) fn pulled(
        &mut self,
        pulled: Pulled<F::Item>,
        io: &mut Io<'_>,
    ) -> Option<Told<F::Item>> {
        let wheel = io.id();
        let failure = match pulled {
            Pulled::Nothing => {
                self.note_rest(io);
                return None;
            }
            Pulled::Item(item) => return Some(self.item(item, io)),
            Pulled::End => return Some(self.end(io)),
            Pulled::ReadFailed(error) => Failure::new(Operation::Read, &error, wheel),
            Pulled::Refused(error) => Failure::refused(Operation::Decode, &error, wheel),
        };
        self.release_if_over(io);
        Some(self.failed(Box::new(failure), io))
    }

    /// All that came was looked at.
    fn note_rest(&mut self, io: &mut Io<'_>) {
        let moved = self.inbound.has_moved();
        let Some(health) = &mut self.health else { return };
        if moved {
            health.note_input(io.uptime());
        }
        if self.inbound.is_unfinished() || self.filter.pending() > 0 {
            health.note_unfinished(io.uptime());
            self.set_alarm(io);
        } else {
            health.note_record();
        }
    }

    /// Nothing has come. What the filter keeps may be the beginning of a record.
    #[inline]
    fn note_kept(&mut self, io: &mut Io<'_>) {
        if self.filter.pending() > 0 {
            self.note_rest(io);
        }
    }

    /// What the framing itself has to say goes out with what the session says, and is bounded as that is.
    #[cold]
    pub(super) fn answer(&mut self, io: &mut Io<'_>) {
        self.make_room(io);
        if self.outbound.is_open() {
            self.filter.answer(&mut self.outbound.output);
            // One that says nothing, and that it has more to say, would be asked for ever.
            if self.outbound.unsent() > 0 {
                io.mark_dirty();
            }
        } else {
            self.filter.answer(&mut filters::Output::new());
        }
    }

    /// Whether there is nothing to do and nothing to tell but input.
    #[inline(always)]
    fn is_plain(&self, io: &Io<'_>) -> bool {
        // Without branches: as a rule all of it is so.
        let plain = self.inbound.is_plain() & self.outbound.is_quiet() & self.rare.is_none();
        plain && self.health.as_ref().is_none_or(|health| !health.is_due(io))
    }

    /// The way of nearly every item. `Err` if there is anything out of the ordinary.
    #[inline(always)]
    fn next_plainly(&mut self, io: &mut Io<'_>) -> Result<Option<F::Item>, Odd> {
        if !self.is_plain(io) {
            return Err(Odd::Other);
        }
        let mut came = 0;
        if io.shared_buffer().is_empty() && !self.filter.holds_items() {
            if !self.inbound.is_readable() {
                self.note_kept(io);
                return Ok(None);
            }
            if io.has_share() {
                came = self.inbound.read(&self.ends, io).map_err(Odd::ReadFailed)?;
            }
        }
        let shared = io.shared_buffer();
        let mut input =
            filters::Input::new(if came > 0 { shared.first(came) } else { shared.filled() });
        let decoded = self.filter.decode(&mut input);
        let (consumed, is_all) = (input.consumed(), input.is_empty());
        let is_last = is_all && !self.inbound.is_readable();
        // What nobody looks at again need not be noted.
        if came == 0 || !is_last {
            shared.fill(came);
            shared.consume(consumed);
            io.spend(came);
        }
        let item = match decoded {
            Ok(Some(item)) => item,
            Ok(None) => return Err(Odd::Other),
            Err(error) => return Err(Odd::refused(error)),
        };
        if is_last && !self.filter.holds_items() && self.filter.pending() == 0 {
            io.that_is_all();
        }
        if self.filter.has_answer() {
            self.answer(io);
        }
        Ok(Some(item))
    }

    /// What comes first: that reading has failed, or the filter; the news of the output, the input, the failure of the
    /// output.
    #[inline(never)]
    fn next_in_order(&mut self, odd: Odd, io: &mut Io<'_>, told: &mut Option<Told<F::Item>>) {
        *told = match odd {
            Odd::ReadFailed(error) => self.read_failed(error, io),
            Odd::Refused(error) => self.refused(error, io),
            Odd::Other if self.is_piped() => self.next_piped(io),
            Odd::Other => match self.news(io) {
                ControlFlow::Break(told) => told,
                ControlFlow::Continue(()) => self.pull(io),
            },
        };
    }

    /// The news of the output. Unless the stream is asked for nothing else, or there are some, the input
    /// comes next.
    pub(super) fn news(&mut self, io: &mut Io<'_>) -> ControlFlow<Option<Told<F::Item>>> {
        if let Some(told) = self.look_after(io) {
            return ControlFlow::Break(Some(told));
        }
        if self.outbound.is_unblocked() {
            self.write_all_there_is(io);
        }
        if let Some(told) = self.noted(io) {
            return ControlFlow::Break(Some(told));
        }
        if self.outbound.was_telling() {
            return ControlFlow::Break(None);
        }
        ControlFlow::Continue(())
    }

    /// The input, and the failure of the output behind it.
    pub(super) fn pull(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let pulled = self.inbound.pull(&mut self.filter, &self.ends, io);
        if self.filter.has_answer() {
            self.answer(io);
        }
        let told = self.pulled(pulled, io).or_else(|| self.broken(io));
        if told.is_some() {
            return told;
        }
        self.leave(io);
        self.broken(io)
    }

    #[inline(never)]
    fn flush_in_order(&mut self, io: &mut Io<'_>) -> bool {
        self.write_all_there_is(io);
        // To read it has its share, before this or after.
        self.rare.is_some() || self.outbound.begin_telling()
    }

    #[inline]
    pub(super) fn note_item(&mut self, io: &Io<'_>) {
        if let Some(health) = &mut self.health {
            health.note_record();
            if self.inbound.has_moved() {
                health.note_input(io.uptime());
            }
        }
    }

    #[inline]
    pub(super) fn input(&mut self, item: F::Item, io: &Io<'_>) -> Told<F::Item> {
        self.note_item(io);
        let input = Input { item, wheel: io.id() };
        Told::Input(Bound::new(io.session(), self.settings.targets.input), input)
    }

    /// What is to be told of the output, but for its failure.
    #[inline]
    fn noted(&mut self, io: &Io<'_>) -> Option<Told<F::Item>> {
        let symbol = self.settings.targets.of(self.outbound.take_note()?)?;
        Some(Told::Note(Bound::new(io.session(), symbol), io.id()))
    }
}

/// Why the next item is none that comes plainly.
enum Odd {
    ReadFailed(io::Error),
    Refused(Box<FilterError>),
    Other,
}

impl Odd {
    #[cold]
    fn refused(error: FilterError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl<F: Filter> Wheel for Stream<F> {
    type Event = Told<F::Item>;

    #[inline(always)]
    fn ready(&mut self, readiness: Readiness) {
        self.inbound.ready(readiness);
        self.outbound.ready(readiness);
    }

    fn ready_also(&mut self, watch: &WatchId, readiness: Readiness) {
        if self.ends.is_output(watch) {
            self.outbound.ready(readiness);
        }
    }

    /// One way out beside that of nearly every item, so that the item is not told by way of memory.
    #[inline(always)]
    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        match self.next_plainly(io) {
            Ok(item) => Some(self.input(item?, io)),
            Err(odd) => {
                let mut told = None;
                self.next_in_order(odd, io, &mut told);
                told
            }
        }
    }

    #[inline(always)]
    fn flush(&mut self, io: &mut Io<'_>) -> bool {
        if self.inbound.is_open() {
            match self.outbound.write_plainly(&self.ends) {
                Ok(Plainly::All) if self.health.is_none() && self.rare.is_none() => return false,
                Ok(Plainly::All) => {
                    self.note_output(Progress::Some, io);
                    self.set_gate();
                    return false;
                }
                Ok(Plainly::Part) => self.note_output(Progress::Some, io),
                Ok(Plainly::Nothing) => {}
                Err(error) => self.write_failed(&error, io),
            }
        }
        self.flush_in_order(io)
    }

    fn park(&mut self, io: &mut Io<'_>) {
        // If a handler panicked there was more to tell: the next time is for anything that came.
        self.outbound.was_telling();
        self.inbound.park(io);
    }

    fn panicked(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        Some(self.filter_panicked(io))
    }
}
