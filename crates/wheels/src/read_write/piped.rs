//! The stream whose input goes to another stream, and the stream that it goes to.
//!
//! Promises that a source is not read while its sink has enough, and that nothing that came is lost when the
//! sink is gone but what was on its way. What is between the two is in `link.rs`.

use std::cell::Cell;
use std::io;
use std::ops::ControlFlow;
use std::rc::Rc;

use filters::Filter;
use reactor::{Bound, Io};

use super::Put;
use super::bypass::Conduit;
use super::link::{Gate, Intake, Link, Outlet, Source};
use super::stream::Stream;
use super::told::Told;
use crate::failure::{Failure, Operation};
use crate::sys::errno;

/// The source.
impl<F: Filter> Stream<F> {
    #[inline]
    pub(super) fn is_piped(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.is_piped())
    }

    /// From now on what comes goes by this link.
    pub(super) fn set_outlet(&mut self, link: Rc<dyn Link<F::Item>>, io: &mut Io<'_>) {
        self.unpipe(io);
        self.rare().outlet = Outlet::Stream(link);
        io.again();
    }

    /// From now on what comes is the session's again.
    pub(super) fn unpipe(&mut self, io: &mut Io<'_>) {
        let Some(rare) = &mut self.rare else { return };
        match std::mem::take(&mut rare.outlet) {
            Outlet::Session => {}
            Outlet::Stream(_) => self.let_go(io),
            Outlet::Broken => self.offer_anew(Vec::new(), io),
        }
        self.drop_rare_if_empty();
    }

    /// As `next`, for a stream with a pipe at either end. By itself, because nearly none has.
    #[inline(never)]
    pub(super) fn next_piped(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let told = self.look_at_outlet(io);
        if told.is_some() {
            return told;
        }
        if let ControlFlow::Break(told) = self.news(io) {
            return told;
        }
        let told = self.bypass(io);
        if told.is_some() {
            return told;
        }
        let told = self.pull(io);
        // A read that does not fill the buffer leaves nothing to be read.
        if let Some(Told::Piped(link, _)) = &told
            && let Some(bypass) = link.bypass()
            && self.inbound.is_readable()
        {
            bypass.note_filled();
        }
        told
    }

    /// Takes what comes past this process, if there is much of it and the sink has nothing else to send.
    fn bypass(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let link = self.link()?;
        let bypass = link.bypass().filter(|bypass| bypass.is_worth_it())?;
        let Gate::Free(most) = link.gate() else { return None };
        if !self.ends.splices_in() || !self.inbound.may_bypass(io) {
            return None;
        }
        match bypass.take(self.ends.input()?, most) {
            // The end: reading tells.
            Ok(0) => None,
            Ok(count) => {
                self.inbound.bypassed(count, io);
                self.note_item(io);
                Some(Told::Bypassed(link, count))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // There may be an urgent byte in the way, which reading passes over.
                self.inbound.drained();
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => self.read_failed(error, io),
        }
    }

    /// An item came.
    pub(super) fn item(&mut self, item: F::Item, io: &Io<'_>) -> Told<F::Item> {
        match self.link() {
            Some(link) => {
                self.note_item(io);
                Told::Piped(link, item)
            }
            None => self.input(item, io),
        }
    }

    /// All came.
    pub(super) fn end(&mut self, io: &mut Io<'_>) -> Told<F::Item> {
        let link = self.link();
        self.unpipe(io);
        self.release_if_over(io);
        let failure = Box::new(Failure::end(io.id()));
        match link {
            Some(link) => {
                let bound = Bound::new(io.session(), self.settings.targets.failure);
                Told::PipedEnd(bound, link, failure)
            }
            None => self.failed(failure, io),
        }
    }

    /// Reads on, waits, or gives up, as the sink has it.
    fn look_at_outlet(&mut self, io: &mut Io<'_>) -> Option<Told<F::Item>> {
        let link = self.link()?;
        if self.inbound.is_over() {
            self.unpipe(io);
            return None;
        }
        match link.gate() {
            Gate::Free(_) | Gate::Open => self.let_go(io),
            Gate::Shut => {
                self.inbound.hold();
                self.note_paused(io);
            }
            Gate::Broken => return Some(self.outlet_broke(io)),
        }
        None
    }

    fn let_go(&mut self, io: &mut Io<'_>) {
        if self.inbound.let_go() {
            io.again();
            self.note_resumed(io);
        }
    }

    #[cold]
    fn outlet_broke(&mut self, io: &mut Io<'_>) -> Told<F::Item> {
        self.let_go(io);
        self.inbound.get_stuck(io);
        self.rare().outlet = Outlet::Broken;
        self.release_if_over(io);
        let text = "what it was piped to takes no more".into();
        let failure = Failure::told(Operation::Pipe, errno::PIPE, text, io.id());
        self.failed(Box::new(failure), io)
    }

    /// Whether what it was piped to is gone, and nobody took its place.
    pub(super) fn is_outlet_broken(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| matches!(rare.outlet, Outlet::Broken))
    }

    fn link(&self) -> Option<Rc<dyn Link<F::Item>>> {
        match &self.rare.as_ref()?.outlet {
            Outlet::Stream(link) => Some(Rc::clone(link)),
            Outlet::Session | Outlet::Broken => None,
        }
    }

    fn drop_rare_if_empty(&mut self) {
        self.rare.take_if(|rare| rare.is_empty());
    }
}

/// The sink.
impl<F: Filter> Stream<F> {
    /// From now on a source that is made with its gate may pipe here.
    pub(super) fn take_from<S: Source + 'static>(
        &mut self,
        io: &mut Io<'_>,
        make: impl FnOnce(Rc<Cell<Gate>>, &mut Io<'_>) -> S,
    ) -> Rc<S> {
        let intake = self.rare().intake.get_or_insert_with(Intake::new);
        let source = Rc::new(make(intake.gate(), io));
        intake.add(Rc::<S>::clone(&source));
        // It may have enough already, or take nothing.
        self.set_gate();
        source
    }

    /// Lets those that pipe here know whether it takes more. To be called when what is unsent has changed,
    /// or that it takes any.
    pub(super) fn set_gate(&mut self) {
        let Some(rare) = &mut self.rare else { return };
        let Some(intake) = &mut rare.intake else { return };
        if self.outbound.is_open() && !intake.is_idle() {
            let marks = &self.settings.marks;
            // What is past this process is sent without anybody's being told.
            let bypass = self.ends.splices_out() && !self.settings.wants_flushed();
            let free = if bypass { Gate::Free(marks.at_once()) } else { Gate::Open };
            intake.set(self.outbound.unsent(), free, marks);
        } else {
            rare.intake = None;
            self.drop_rare_if_empty();
        }
    }

    /// Puts what comes from another stream. If that one is not to go on, there may be something to tell.
    pub(super) fn take_in(
        &mut self,
        item: F::Out,
        io: &mut Io<'_>,
    ) -> Result<(), Option<Told<F::Item>>> {
        match self.put(item, io) {
            Put::Queued | Put::High => {
                self.set_gate();
                Ok(())
            }
            Put::Refused(_) => Err(None),
            Put::Unencodable(error) => {
                let failure = Failure::refused(Operation::Encode, &error, io.id());
                Err(Some(self.failed(Box::new(failure), io)))
            }
        }
    }

    /// Puts so many bytes, which are in the system's pipe; says whether their source may go on.
    pub(super) fn take_in_bypassed(
        &mut self,
        conduit: &Conduit,
        count: usize,
        io: &mut Io<'_>,
    ) -> bool {
        match self.outbound.splice(conduit, count, &self.ends, io) {
            Ok(progress) => self.note_output(progress, io),
            Err(error) => self.write_failed(&error, io),
        }
        if !self.outbound.output.is_empty() {
            if self.inbound.is_done() {
                io.hold_session();
            }
            self.outbound.owe_flushed(&self.settings);
            io.mark_dirty();
            self.write(io);
        }
        self.outbound.is_open()
    }
}
