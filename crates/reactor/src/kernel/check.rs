//! What must be gone when no session is left (POE: `_finalize`, "!!! Leaked ...").

use super::Kernel;

impl Kernel {
    /// Names what outlived the last session. In a debug build it is an assertion.
    pub(super) fn check_empty(&mut self) {
        self.tidy();
        let left = [
            ("timers", self.desk.timers.len()),
            ("wheels", self.wheels.len()),
            ("further watches", self.desk.further.len()),
            ("child processes", self.children.len()),
            ("sessions", self.sessions.len()),
        ];
        for (what, count) in left {
            if count > 0 {
                log::error!(target: "reactor::refs", "{count} {what} are left without a session");
            }
            debug_assert_eq!(count, 0, "{what} are left without a session");
        }
        self.clear_queue();
    }
}
