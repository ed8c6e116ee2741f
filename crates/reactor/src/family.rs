//! What sessions are told about their families.
//!
//! A session that is spawned in a handler is a child of the session whose handler it is. The parent hears
//! `_child` when it gets or loses a child, a session hears `_parent` when its parent changes. Who is whose
//! child is in `session/tree.rs`; `kernel/family.rs` says when they are told.

use std::any::Any;
use std::fmt;

use crate::ids::SessionId;

/// What `_child` tells a parent (POE: `ARG0` to `ARG2` of `_child`).
///
/// Told right after the child's `_start` or `_stop`; if one of the parent's handlers is running then, as
/// soon as it has returned. Whoever detaches itself in its `_start` was never a child.
pub struct Child {
    fate: Fate,
    session: SessionId,
    answer: Option<Box<dyn Any>>,
}

/// What happened between a parent and a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The parent spawned it. Comes with what the child's `_start` returned, if it did not fail.
    Create,
    /// Its own parent stopped before it did, and this session is the grandparent.
    Gain,
    /// It stopped, and this comes with what its `_stop` returned; or it was detached.
    Lose,
}

impl Child {
    pub(crate) const fn new(fate: Fate, session: SessionId, answer: Option<Box<dyn Any>>) -> Self {
        Self { fate, session, answer }
    }

    /// What happened.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        self.fate
    }

    /// The child.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Takes out what the child's `_start` or `_stop` returned, if it is an `R`.
    ///
    /// `None` for [`Fate::Gain`], for a child that was detached or has no such handler, and for another
    /// type.
    #[must_use]
    pub fn take<R: 'static>(&mut self) -> Option<R> {
        let answer = self.answer.take()?;
        match answer.downcast::<R>() {
            Ok(answer) => Some(*answer),
            Err(answer) => {
                self.answer = Some(answer);
                None
            }
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("fate", &self.fate)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// What `_parent` tells a child: who was its parent, and who is from now on
/// (POE: `ARG0` and `ARG1` of `_parent`). [`SessionId::KERNEL`] is the parent of those that have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewParent {
    /// Who was its parent until now.
    pub old: SessionId,
    /// Who is its parent from now on.
    pub new: SessionId,
}
