//! The stream whose input goes to another stream, and the stream that it goes to.
//!
//! Promises that a source is not read while its sink has enough, and that nothing that came is lost when the
//! sink is gone but what was on its way. What is between the two is in `link.rs`.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

use filters::Filter;
use reactor::{Bound, Io};

use super::Put;
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
        if let Some(link) = self.link().filter(|link| link.takes_bytes())
            && self.inbound.is_plain()
        {
            match self.inbound.fill_plainly(&self.ends, io) {
                Ok(true) => {
                    self.note_item(io);
                    return Some(Told::PipedBytes(link));
                }
                Ok(false) => {}
                Err(error) => return self.read_failed(error, io).map(|told| *told),
            }
        }
        self.pull(io)
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
                Told::PipedEnd(link, bound, failure)
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
            Gate::Open => self.let_go(io),
            Gate::Shut => self.inbound.hold(),
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
        make: impl FnOnce(Rc<Cell<Gate>>) -> S,
    ) -> Rc<S> {
        let intake = self.rare().intake.get_or_insert_with(Intake::new);
        let source = Rc::new(make(intake.gate()));
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
            intake.set(self.outbound.unsent(), &self.settings.marks);
        } else {
            rare.intake = None;
            self.drop_rare_if_empty();
        }
    }

    /// Puts what comes from another stream; says whether that one may go on.
    pub(super) fn take_in(&mut self, item: F::Out, io: &mut Io<'_>) -> bool {
        match self.put(item, io) {
            Put::Queued | Put::High => {
                self.set_gate();
                true
            }
            Put::Refused(_) => false,
            Put::Unencodable(error) => {
                let failure = Failure::refused(Operation::Encode, &error, io.id());
                self.rare().failure.get_or_insert(failure);
                false
            }
        }
    }

    /// Puts the bytes in the shared buffer, which are another stream's; says whether that one may go on.
    pub(super) fn take_in_bytes(&mut self, io: &mut Io<'_>) -> bool {
        if !self.outbound.is_open() {
            return false;
        }
        match self.outbound.write_through(&self.ends, &self.settings, io) {
            Ok(progress) => self.note_output(progress, io),
            Err(error) => {
                self.write_failed(&error, io);
                return false;
            }
        }
        if !self.outbound.is_empty() {
            if self.inbound.is_done() {
                io.hold_session();
            }
            io.mark_dirty();
            if self.outbound.is_heavy() {
                self.write(io);
            }
        }
        self.set_gate();
        true
    }
}
