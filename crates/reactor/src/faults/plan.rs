//! What is to happen to which calls, and what has happened.

use std::collections::{HashSet, VecDeque};
use std::io;

use super::Call;

/// What happens to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It fails with this number and does nothing.
    Error(i32),
    /// It moves so many bytes at most, or of a batch of messages so many. What moves neither does all it
    /// does.
    Short(usize),
}

/// Which of the poller's notices, or of its waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turns {
    /// This one, counted from 0.
    Nth(usize),
    /// Every other, beginning with the first.
    EveryOther,
}

#[derive(Default, Debug)]
pub(crate) struct Plan {
    /// Without an error, the call is made.
    next: VecDeque<(Call, Option<i32>)>,
    nth: Vec<Nth>,
    each: Vec<(Option<Call>, Fault)>,
    /// Kinds whose last call has failed because each fails.
    failed: HashSet<Call>,
    /// Of the call that has just passed.
    most: Option<usize>,
    recorded: Option<Vec<Call>>,
    pub(super) late: Option<Turns>,
    pub(super) needless: Option<Turns>,
    notices: usize,
    waits: usize,
    /// Calls that said the system would tell when there is more.
    stirred: u64,
}

#[derive(Debug)]
struct Nth {
    call: Option<Call>,
    /// How many pass before.
    before: usize,
    fault: Fault,
    /// Whether those after it fail too.
    lasts: bool,
}

impl Plan {
    pub(super) fn next(&mut self, call: Call, errnum: Option<i32>) {
        self.next.push_back((call, errnum));
    }

    pub(super) fn nth(&mut self, call: Option<Call>, before: usize, fault: Fault) {
        self.nth.push(Nth { call, before, fault, lasts: false });
    }

    pub(super) fn from(&mut self, call: Option<Call>, before: usize, fault: Fault) {
        self.nth.push(Nth { call, before, fault, lasts: true });
    }

    pub(super) fn each(&mut self, call: Option<Call>, fault: Fault) {
        self.each.push((call, fault));
    }

    pub(super) fn pending(&self) -> usize {
        self.next.len() + self.nth.iter().filter(|nth| !nth.lasts).count()
    }

    pub(super) fn record(&mut self) {
        self.recorded = Some(Vec::new());
        self.notices = 0;
    }

    pub(super) fn recorded(&mut self) -> Vec<Call> {
        self.recorded.take().unwrap_or_default()
    }

    pub(super) const fn notices_seen(&self) -> usize {
        self.notices
    }

    pub(super) const fn most(&self) -> Option<usize> {
        self.most
    }

    pub(super) fn pass(&mut self, call: Call) -> io::Result<()> {
        self.most = None;
        if let Some(recorded) = &mut self.recorded {
            recorded.push(call);
        }
        let queued = self.take_next(call);
        let fault = self.take_nth(call).or_else(|| self.take_each(call));
        if let Some(errnum) = queued {
            return errnum.map_or(Ok(()), |errnum| Err(io::Error::from_raw_os_error(errnum)));
        }
        match fault {
            None => Ok(()),
            Some(Fault::Error(errnum)) => {
                let error = io::Error::from_raw_os_error(errnum);
                self.stirred += u64::from(error.kind() == io::ErrorKind::WouldBlock);
                Err(error)
            }
            Some(Fault::Short(most)) => {
                self.most = Some(most);
                self.stirred += 1;
                Ok(())
            }
        }
    }

    fn take_next(&mut self, call: Call) -> Option<Option<i32>> {
        let place = self.next.iter().position(|(asked, _)| *asked == call)?;
        let (_, errnum) = self.next.remove(place)?;
        Some(errnum)
    }

    /// All that stand for this call are one call nearer.
    fn take_nth(&mut self, call: Call) -> Option<Fault> {
        let mut due = None;
        self.nth.retain_mut(|nth| {
            if nth.call.is_some_and(|asked| asked != call) {
                return true;
            }
            if nth.before > 0 {
                nth.before -= 1;
                return true;
            }
            due = Some(nth.fault);
            nth.lasts
        });
        due
    }

    fn take_each(&mut self, call: Call) -> Option<Fault> {
        let is_for = |asked: &Option<Call>| asked.is_none_or(|asked| asked == call);
        let (_, fault) = *self.each.iter().find(|(asked, _)| is_for(asked))?;
        match fault {
            Fault::Short(_) => Some(fault),
            Fault::Error(_) if self.failed.remove(&call) => None,
            Fault::Error(_) => {
                self.failed.insert(call);
                Some(fault)
            }
        }
    }

    /// A notice came: whether it is to come later.
    pub(super) fn is_late(&mut self) -> bool {
        self.notices += 1;
        is_one(self.late, self.notices - 1)
    }

    /// A wait begins: whether everybody is told to be ready.
    pub(super) fn is_needless(&mut self) -> bool {
        self.waits += usize::from(self.needless.is_some());
        is_one(self.needless, self.waits.saturating_sub(1))
    }

    pub(super) const fn stirred(&self) -> u64 {
        self.stirred
    }
}

fn is_one(which: Option<Turns>, number: usize) -> bool {
    match which {
        None => false,
        Some(Turns::Nth(nth)) => nth == number,
        Some(Turns::EveryOther) => number.is_multiple_of(2),
    }
}
