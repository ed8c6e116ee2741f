//! What is to be told of what goes out: marks that were passed, and that all was sent.

use super::{Note, OWED, Outbound, TELLING};

impl Outbound {
    /// Whether something is unsent, or all is sent and was not told yet, of which the session wants to know.
    pub(in crate::read_write) const fn is_flushing(&self) -> bool {
        self.notes & (OWED | Note::Flushed.bit()) != 0
    }

    /// Notes that all was sent. Not to be asked while a handler may go on to put more.
    #[inline]
    pub(in crate::read_write) fn note_flushed(&mut self) {
        if self.notes & OWED != 0 && self.output.is_empty() {
            self.notes = (self.notes & !OWED) | Note::Flushed.bit();
        }
    }

    /// What the session is to be told next.
    #[inline]
    pub(in crate::read_write) fn take_note(&mut self) -> Option<Note> {
        if !self.has_note() {
            return None;
        }
        // Which of the marks was passed last shows in where we are now.
        let order = if self.above {
            [Note::Low, Note::Flushed, Note::High]
        } else {
            [Note::High, Note::Low, Note::Flushed]
        };
        let note = order.into_iter().find(|note| self.notes & note.bit() != 0)?;
        self.notes &= !note.bit();
        Some(note)
    }

    #[inline]
    const fn has_note(&self) -> bool {
        self.notes & !(OWED | TELLING) != 0
    }

    /// The stream is going to be asked for the notes alone, if there are any.
    #[inline]
    pub(in crate::read_write) const fn begin_telling(&mut self) -> bool {
        let has_note = self.has_note();
        if has_note {
            self.notes |= TELLING;
        }
        has_note
    }

    /// Whether it was asked for the notes alone: it is not any more.
    #[inline]
    pub(in crate::read_write) const fn was_telling(&mut self) -> bool {
        let was_telling = self.notes & TELLING != 0;
        self.notes &= !TELLING;
        was_telling
    }
}
