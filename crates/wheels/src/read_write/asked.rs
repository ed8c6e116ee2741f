//! What a session asks of a stream.

use std::io::IoSlice;

use filters::{Filter, Output};
use reactor::{Io, Symbol};

use super::settings::Settings;
use super::stream::Stream;
use super::{Put, ReadWriteParts};

impl<F: Filter> Stream<F> {
    pub(super) fn put(&mut self, item: F::Out, io: &mut Io<'_>) -> Put<F::Out> {
        self.make_room(io);
        if !self.outbound.is_open() {
            return Put::Refused(item);
        }
        io.mark_dirty();
        if let Err(error) = self.filter.encode(item, &mut self.outbound.output) {
            return Put::Unencodable(error);
        }
        self.outbound.owe_flushed(&self.settings);
        if self.filter.holds_items() {
            // The answer was what it waited for.
            io.again();
        }
        if !self.inbound.is_open() && self.inbound.is_done() {
            io.hold_session();
        }
        if self.outbound.is_light(&self.settings.marks) {
            return Put::Queued;
        }
        // High is not said unless it is true after a write: then it is told, and later low is.
        if self.outbound.is_heavy() || self.is_high() {
            self.write(io);
        }
        if self.is_high() { Put::High } else { Put::Queued }
    }

    /// If as much is kept as may be, writes or gives up.
    #[inline]
    pub(super) fn make_room(&mut self, io: &mut Io<'_>) {
        // Nothing is never as much as may be, and it is asked for every item.
        if !self.outbound.output.is_empty() && self.is_full() && self.outbound.is_open() {
            self.write_to_make_room(io);
        }
    }

    /// The handler may have put it all in one go: then there is room after writing.
    #[cold]
    fn write_to_make_room(&mut self, io: &mut Io<'_>) {
        self.write(io);
        while self.is_full() && self.outbound.is_unblocked() {
            self.write(io);
        }
        if self.is_full() {
            self.overflow(io);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.settings.marks.is_most(self.outbound.unsent())
    }

    fn is_high(&self) -> bool {
        self.settings.marks.is_high(self.outbound.unsent())
    }

    /// Writes now what the system takes; says how much it does not.
    pub(super) fn flush_now(&mut self, io: &mut Io<'_>) -> usize {
        self.write(io);
        // Whoever is to be told of it is told when the running handler returns.
        io.mark_dirty();
        self.outbound.unsent()
    }

    /// Whether bytes have come that were not delivered and may yet be.
    pub(super) fn has_unread(&self, io: &mut Io<'_>) -> bool {
        let here = io.has_shared_buffer() && !io.shared_buffer().is_empty();
        (here || self.inbound.is_unfinished()) && !self.inbound.is_done()
    }

    pub(super) fn pause(&mut self, io: &Io<'_>) {
        self.inbound.pause();
        self.note_paused(io);
    }

    pub(super) fn resume(&mut self, io: &mut Io<'_>) {
        self.inbound.resume(io);
        self.note_resumed(io);
    }

    /// Input is not wanted for now, by the session or by what it is piped to.
    pub(super) fn note_paused(&mut self, io: &Io<'_>) {
        if let Some(health) = &mut self.health {
            health.note_paused(io.uptime());
        }
    }

    /// Input is wanted again, unless the other of the two does not want it.
    pub(super) fn note_resumed(&mut self, io: &mut Io<'_>) {
        if self.inbound.is_paused() {
            return;
        }
        if let Some(health) = &mut self.health {
            health.note_resumed(io.uptime());
            self.set_alarm(io);
        }
    }

    pub(super) fn shutdown_input(&mut self, io: &mut Io<'_>) {
        if self.inbound.is_over() {
            return;
        }
        if io.has_shared_buffer() {
            io.shared_buffer().clear();
        }
        self.inbound.finish();
        if let Err(error) = self.ends.shut_input(io) {
            log::debug!(target: "wheels::read_write", "shutdown: {error}");
        }
        self.release_if_over(io);
    }

    pub(super) fn shutdown_output(&mut self, io: &mut Io<'_>) {
        if self.outbound.close() {
            self.set_gate();
            io.mark_dirty();
        }
    }

    /// Changes what it was told to be.
    pub(super) fn set(&mut self, change: impl FnOnce(&mut Settings), io: &mut Io<'_>) {
        let mut settings = Settings::clone(&self.settings);
        change(&mut settings);
        settings.wanted = settings.targets.wanted();
        self.settings = settings.share(io);
        // Who wants to know from now on wants to know of what is unsent.
        self.outbound.owe_flushed_of_rest(&self.settings);
        // A mark may be crossed by this.
        io.mark_dirty();
    }

    /// Another filter of the same type; the old one comes back.
    pub(super) fn replace_filter(&mut self, filter: F, io: &mut Io<'_>) -> F {
        let mut old = std::mem::replace(&mut self.filter, filter);
        self.offer_anew(old.take_pending(), io);
        old
    }

    /// Reads by another filter, of another type maybe, and tells its items by an event of their own.
    pub(super) fn change_input<G: Filter>(
        mut self,
        make: impl FnOnce(F) -> G,
        input: Symbol,
        io: &mut Io<'_>,
    ) -> Stream<G> {
        let pending = self.filter.take_pending();
        self.unpipe(io);
        let mut stream = self.convert(make);
        stream.offer_anew(pending, io);
        stream.set(|settings| settings.targets.input = input, io);
        stream
    }

    /// The filter has changed: what it refused or waited for may be input to it now.
    pub(super) fn offer_anew(&mut self, pending: Vec<u8>, io: &mut Io<'_>) {
        if !self.inbound.offer_anew(pending, io) {
            return;
        }
        if self.is_outlet_broken() {
            // What it waits for is somebody to take it.
            self.inbound.get_stuck(io);
            return;
        }
        io.hold_session();
        if let Some(health) = &mut self.health {
            health.note_anew(io.uptime());
            self.set_alarm(io);
        }
    }

    /// Takes to itself all that was read, before it is taken out of the kernel.
    pub(super) fn prepare_to_leave(&mut self, io: &mut Io<'_>) {
        let pending = self.filter.take_pending();
        self.inbound.offer_anew(pending, io);
        self.inbound.keep_unread(io);
    }

    pub(super) fn into_parts(mut self) -> ReadWriteParts<F> {
        let unread = self.inbound.into_unread();
        let unsent = gather(self.outbound.take_unsent());
        let (input, output) = self.ends.into_parts();
        ReadWriteParts { input, output, filter: self.filter, unread, unsent }
    }
}

fn gather(mut output: Output) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(output.len());
    while !output.is_empty() {
        let mut run = [IoSlice::new(&[])];
        output.slices(&mut run);
        let [run] = run;
        bytes.extend_from_slice(&run);
        let taken = run.len();
        output.advance(taken);
    }
    bytes
}
