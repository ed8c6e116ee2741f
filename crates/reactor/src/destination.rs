//! Where an event can be sent.

use crate::ids::SessionId;
use crate::kernel::Kernel;

/// A session, by its id or by an alias: what [`Context::post`](crate::Context::post),
/// [`call`](crate::Context::call) and [`signal`](crate::Context::signal) send to.
///
/// An alias is looked up when the event is sent, not when it is delivered (as POE does). Implement it for a
/// type of yours that stands for a session.
pub trait Destination {
    /// The session, if there is one. It need not be alive any more.
    fn find(&self, kernel: &Kernel) -> Option<SessionId>;
}

impl Destination for SessionId {
    #[inline(always)]
    fn find(&self, _: &Kernel) -> Option<SessionId> {
        Some(*self)
    }
}

impl Destination for &str {
    fn find(&self, kernel: &Kernel) -> Option<SessionId> {
        kernel.alias_resolve(self)
    }
}

impl Destination for &String {
    fn find(&self, kernel: &Kernel) -> Option<SessionId> {
        kernel.alias_resolve(self)
    }
}
