//! A turn's part for a simulated network: see `simulation.rs` of the crate.

use mio::Token;

use super::Kernel;
use crate::further::WatchId;
use crate::ids::WheelId;

impl Kernel {
    /// Serves what a simulated network says is ready.
    pub(super) fn ready_simulated(&mut self) {
        let notices = self.desk.poller.simulated.take_notices();
        for notice in &notices {
            self.stats.notices += 1;
            let token = Token(notice.token);
            match (WheelId::from_token(token), WatchId::from_token(token)) {
                (Some(id), _) => self.ready_wheel(id, notice.readiness),
                (None, Some(watch)) => self.ready_further(&watch, notice.readiness),
                (None, None) => self.notice_own(token),
            }
        }
        self.clear_seat();
        self.desk.poller.simulated.return_notices(notices);
    }
}
