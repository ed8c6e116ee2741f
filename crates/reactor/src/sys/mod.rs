//! The door to the system: what mio and std do not offer, each call once.
//!
//! Besides the poller, the clock and the signal source, nothing else in this crate talks to the system.

pub(crate) mod fork;
pub(crate) mod inherit;
pub(crate) mod process;
mod readiness;
mod step_notice;

pub(crate) use readiness::ready_for;
pub(crate) use step_notice::StepNotice;

/// Fails if a test asked for it: see `faults`.
macro_rules! may_fail {
    ($call:ident) => {
        #[cfg(feature = "faults")]
        crate::faults::door(crate::faults::Call::$call)?;
    };
    // Where a failure is not told as an error.
    ($call:ident, $error:pat => $result:expr) => {
        #[cfg(feature = "faults")]
        if let Err($error) = crate::faults::door(crate::faults::Call::$call) {
            return $result;
        }
    };
}
pub(crate) use may_fail;
