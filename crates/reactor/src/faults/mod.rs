//! Calls of the system that fail because a test wants it.
//!
//! Only with the feature `faults`, which no program should turn on. What is asked for here happens in
//! this thread, and in the jobs that it has other threads run.
//!
//! Every call of the system that this crate and the wheels make passes one door, where it says what it is.
//! There a test can [count](record) the calls of a scenario, and have any of them fail, each errno that its
//! manual page has, one after another:
//!
//! ```
//! use reactor::Kernel;
//! use reactor::faults::{self, Call, Fault};
//!
//! faults::record();
//! drop(Kernel::new()?);
//! let calls = faults::recorded();
//! assert_eq!(calls, [Call::EpollCreate]);
//!
//! for place in 0..calls.len() {
//!     faults::on_nth(None, place, Fault::Error(24)); // EMFILE
//!     let error = Kernel::new().expect_err("no descriptor");
//!     assert_eq!(error.raw_os_error(), Some(24));
//! }
//! assert_eq!(faults::pending(), 0);
//! # std::io::Result::Ok(())
//! ```
//!
//! Besides failing, a call can be [short](Fault::Short), and the system's notice of a descriptor can be
//! [late](delay_notices) or [needless](add_notices),
//! if it is watched after something was asked for. A loop that waits for edges lives on the system's word that an
//! edge comes. So after a call that was made [short](Fault::Short) or failed with `EAGAIN` by [`on_nth`] or
//! [`on_each`], the next wait tells anew what is ready, as the system would; after [`fail_next`] that is left to
//! the test.

mod call;
mod notices;
mod plan;

use std::cell::Cell;
use std::io;
use std::sync::{Arc, PoisonError};

pub use call::Call;
pub(crate) use notices::Notices;
use plan::Plan;
pub use plan::{Fault, Turns};

/// Makes the next `call` fail with the error `errnum`, after those asked for before.
///
/// ```
/// use reactor::faults::{self, Call};
///
/// faults::fail_next(Call::Accept, 103); // ECONNABORTED
/// assert_eq!(faults::pending(), 1);
/// faults::clear();
/// ```
pub fn fail_next(call: Call, errnum: i32) {
    with(|plan| plan.next(call, Some(errnum)));
}

/// Lets the next `call` pass, so that one after it can be made to fail.
pub fn pass_next(call: Call) {
    with(|plan| plan.next(call, None));
}

/// Has the fault happen to one of the calls that follow, of this kind or of any: number 0 is the next.
pub fn on_nth(call: impl Into<Option<Call>>, nth: usize, fault: Fault) {
    let call = call.into();
    with(|plan| plan.nth(call, nth, fault));
}

/// As [`on_nth`], and to all calls of this kind that come after it, until all is [cleared](clear): what ran
/// out stays so.
pub fn from_nth(call: impl Into<Option<Call>>, nth: usize, fault: Fault) {
    let call = call.into();
    with(|plan| plan.from(call, nth, fault));
}

/// Has the fault happen to all calls of this kind, or of any, until all is [cleared](clear). An error comes
/// before each call that passes: nothing would ever be done if it came always.
pub fn on_each(call: impl Into<Option<Call>>, fault: Fault) {
    let call = call.into();
    with(|plan| plan.each(call, fault));
}

/// Has the system's notices of these descriptors come one turn later, as after a wait that was interrupted.
/// Number 0 is the next notice.
pub fn delay_notices(which: Turns) {
    with(|plan| plan.late = Some(which));
}

/// Has every descriptor that is watched be told as ready, though it may not be, at these waits. Number 0 is
/// the next wait.
pub fn add_notices(which: Turns) {
    with(|plan| plan.needless = Some(which));
}

/// How much was asked for, once, and did not happen yet.
#[must_use]
pub fn pending() -> usize {
    with(|plan| plan.pending())
}

/// Forgets what was asked for and what was recorded.
pub fn clear() {
    with(|plan| *plan = Plan::default());
    IS_ASKED.set(false);
}

/// From now on the calls are noted, and the notices of the poller are counted.
pub fn record() {
    with(Plan::record);
}

/// The calls since [`record`], in order. Those of threads stand where they happened to come.
#[must_use]
pub fn recorded() -> Vec<Call> {
    with(Plan::recorded)
}

/// How many notices of descriptors came since [`record`].
#[must_use]
pub fn recorded_notices() -> usize {
    with(|plan| plan.notices_seen())
}

/// The door: to be passed before a call of the system is made.
///
/// # Errors
///
/// What a test asked for. The call is not to be made then.
#[inline]
pub fn door(call: Call) -> io::Result<()> {
    if is_asked() { with(|plan| plan.pass(call)) } else { Ok(()) }
}

/// How many of `len` bytes, or messages, the call may move that has just passed the door.
#[must_use]
#[inline]
pub fn most(len: usize) -> usize {
    if is_asked() { with(|plan| plan.most()).map_or(len, |most| most.min(len)) } else { len }
}

/// Whether this thread has asked for anything.
#[inline]
pub(crate) fn is_asked() -> bool {
    IS_ASKED.get()
}

/// What was asked for in one thread, to be obeyed in another too.
#[derive(Clone, Debug)]
pub struct Share(Arc<Shared>);

/// What this thread has asked for and will ask for.
#[must_use]
pub fn share() -> Share {
    let shared = PLAN.take().unwrap_or_default();
    PLAN.set(Some(Arc::clone(&shared)));
    Share(shared)
}

impl Share {
    /// From now on this thread does as that one does.
    pub fn adopt(self) {
        PLAN.set(Some(self.0));
        IS_ASKED.set(true);
    }
}

#[expect(clippy::disallowed_types, reason = "jobs of other threads pass the same door")]
type Shared = std::sync::Mutex<Plan>;

thread_local! {
    static PLAN: Cell<Option<Arc<Shared>>> = const { Cell::new(None) };
    /// By itself: it is looked at before every call, of programs too that were built beside such a test.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

fn with<R>(act: impl FnOnce(&mut Plan) -> R) -> R {
    IS_ASKED.set(true);
    let Share(shared) = share();
    act(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
}
