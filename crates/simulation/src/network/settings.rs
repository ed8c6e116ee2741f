//! Options of sockets, as far as a network can know them.

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

use wheels::simulation::Setting;

use super::{Kind, State, Time, errno, nanos};

/// What is set on a socket. What a listener accepts has it too.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is a yes or a no")]
pub(super) struct Settings {
    pub(super) only_v6: bool,
    pub(super) reuse_port: bool,
    pub(super) receive_buffer: usize,
    pub(super) send_buffer: usize,
    pub(super) reset_on_close: bool,
    pub(super) keepalive: bool,
    pub(super) idle: Time,
    pub(super) interval: Time,
    pub(super) count: u32,
    pub(super) user_timeout: Option<Time>,
}

/// As Linux has them, but for the buffers.
impl Default for Settings {
    fn default() -> Self {
        Self {
            only_v6: false,
            reuse_port: false,
            receive_buffer: BUFFER,
            send_buffer: BUFFER,
            reset_on_close: false,
            keepalive: false,
            idle: nanos(Duration::from_secs(7200)),
            interval: nanos(Duration::from_secs(75)),
            count: 9,
            user_timeout: None,
        }
    }
}

impl Settings {
    /// How long what nobody acknowledges is sent again.
    pub(super) fn patience(&self, usual: Duration) -> Time {
        self.user_timeout.unwrap_or_else(|| nanos(usual))
    }

    fn set(&mut self, setting: Setting) -> io::Result<()> {
        let seconds = |time: Duration| match nanos(time).div_ceil(SECOND) {
            0 => Err(errno::error(errno::INVAL)),
            seconds => Ok(seconds * SECOND),
        };
        match setting {
            Setting::OnlyV6(only) => self.only_v6 = only,
            Setting::ReusePort => self.reuse_port = true,
            Setting::ReceiveBuffer(bytes) => self.receive_buffer = bytes.clamp(1, BUFFER),
            Setting::SendBuffer(bytes) => self.send_buffer = bytes.clamp(1, BUFFER),
            Setting::ResetOnClose => self.reset_on_close = true,
            Setting::Keepalive => self.keepalive = true,
            Setting::KeepaliveIdle(idle) => self.idle = seconds(idle)?,
            Setting::KeepaliveInterval(interval) => self.interval = seconds(interval)?,
            Setting::KeepaliveCount(count @ 1..=127) => self.count = count.into(),
            Setting::KeepaliveCount(_) => return Err(errno::error(errno::INVAL)),
            Setting::UserTimeout(after) => {
                self.user_timeout = Some(nanos(after)).filter(|after| *after > 0);
            }
            // One that was added means nothing here yet.
            _ => {}
        }
        Ok(())
    }
}

impl State {
    pub(crate) fn set(&mut self, fd: RawFd, setting: Setting) -> io::Result<()> {
        let socket = self.socket_mut(fd)?;
        socket.settings.set(setting)?;
        let settings = socket.settings;
        if let Kind::Stream(Some(id)) = socket.kind
            && let Some(end) = self.ends.get_mut(&id)
        {
            end.settings = settings;
        }
        Ok(())
    }
}

/// A half of what may be under way or unread in one direction.
pub(super) const BUFFER: usize = 32 * 1024;

const SECOND: Time = 1_000_000_000;
