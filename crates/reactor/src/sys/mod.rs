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
