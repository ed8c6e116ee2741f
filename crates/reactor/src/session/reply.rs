//! Where a handler's reply goes.
//!
//! Nearly nobody waits for one: these are functions by themselves, so that a handler whose reply nobody wants
//! has nothing of them in it.

use std::any::Any;

use crate::payload::Content;

/// The place of a reply.
pub(crate) enum Reply<'a> {
    /// Somebody waits for a reply of one type.
    To(&'a mut dyn Content),
    /// A parent is told it, of whatever type.
    Any(&'a mut Option<Box<dyn Any>>),
}

impl Reply<'_> {
    /// Whether somebody waits for another reply than an `R`.
    #[cold]
    #[inline(never)]
    pub(super) fn is_other<R: 'static>(&self) -> bool {
        match self {
            Self::To(place) => {
                let any: &dyn Any = &**place;
                !any.is::<Option<R>>()
            }
            Self::Any(_) => false,
        }
    }

    /// Hands the reply over. One of another type goes nowhere.
    #[cold]
    #[inline(never)]
    pub(super) fn give<R: 'static>(&mut self, answer: R) {
        match self {
            Self::To(place) => {
                if let Some(place) = place.place() {
                    *place = Some(answer);
                }
            }
            Self::Any(place) => **place = Some(Box::new(answer)),
        }
    }
}
