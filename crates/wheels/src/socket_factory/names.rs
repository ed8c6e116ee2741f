//! Looking up what a plan does not know yet: hosts, services, protocols.
//!
//! All questions are asked at once. Nothing is known of a plan until all of it is.

use std::net::SocketAddr;

use reactor::Io;

use super::plan::{Number, Plan, Target, Work};
use crate::address::Address;
use crate::failure::Failure;
use crate::resolve::Lookup;

impl Plan {
    /// Asks what was not asked yet, and notes what was answered; says whether all is known.
    ///
    /// # Errors
    ///
    /// What cannot be looked up.
    pub(super) fn settle(&mut self, io: &mut Io<'_>) -> Result<bool, Failure> {
        let timeout = self.settings.resolve_timeout;
        E
cat > /tmp/mod_tail.rs <<'E'
