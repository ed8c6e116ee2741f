//! What a stream tells, and whom.

use std::rc::Rc;

use reactor::{Bound, Deliver, Kernel, Symbol, WheelId};

use super::Input;
use super::link::Link;
use super::outbound::Note;
use crate::failure::Failure;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Targets {
    pub(super) input: Symbol,
    pub(super) failure: Symbol,
    pub(super) flushed: Option<Symbol>,
    pub(super) high: Option<Symbol>,
    pub(super) low: Option<Symbol>,
}

impl Targets {
    pub(super) const fn of(&self, note: Note) -> Option<Symbol> {
        match note {
            Note::High => self.high,
            Note::Low => self.low,
            Note::Flushed => self.flushed,
        }
    }

    /// The notes that anybody wants, as bits.
    pub(super) fn wanted(&self) -> u8 {
        let notes = [Note::High, Note::Low, Note::Flushed].into_iter();
        notes.filter(|note| self.of(*note).is_some()).fold(0, |bits, note| bits | note.bit())
    }
}

/// What a stream tells its session, or hands to the stream that it is piped to.
pub(crate) enum Told<T> {
    Input(Bound<Input<T>>, Input<T>),
    /// Boxed: an item is what nearly always comes, and is moved about.
    Failed(Bound<Failure>, Box<Failure>),
    Note(Bound<WheelId>, WheelId),
    Piped(Rc<dyn Link<T>>, T),
    /// So many bytes, which are in the system's pipe.
    Bypassed(Rc<dyn Link<T>>, usize),
    /// The end: passed on, and told.
    PipedEnd(Bound<Failure>, Rc<dyn Link<T>>, Box<Failure>),
}

impl<T: 'static> Deliver for Told<T> {
    #[inline(always)]
    fn deliver(self, kernel: &mut Kernel) {
        match self {
            Self::Input(bound, input) => (bound, input).deliver(kernel),
            Self::Failed(bound, failure) => (bound, *failure).deliver(kernel),
            Self::Note(bound, wheel) => (bound, wheel).deliver(kernel),
            Self::Piped(link, item) => link.put(item, kernel),
            Self::Bypassed(link, count) => link.put_bypassed(count, kernel),
            Self::PipedEnd(bound, link, failure) => {
                link.end(kernel);
                (bound, *failure).deliver(kernel);
            }
        }
    }
}
