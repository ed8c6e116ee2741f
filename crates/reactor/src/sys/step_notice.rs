//! A descriptor that becomes readable when somebody steps the wall clock.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::may_fail;

/// A timer of the wall clock that is never due and canceled by a step, see `timerfd_create(2)`. The end of
/// the machine's sleep is a step too.
#[derive(Debug)]
pub(crate) struct StepNotice {
    timer: OwnedFd,
}

impl StepNotice {
    pub(crate) fn new() -> io::Result<Self> {
        may_fail!(TimerFd);
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        let never = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval: once, it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        may_fail!(TimerFdSet);
        match timerfd_settime(&timer, flags, &time) {
            // Stepped since it was made, and set nevertheless: nobody relied on it yet.
            Ok(_) | Err(Errno::CANCELED) => Ok(Self { timer }),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.timer.as_raw_fd()
    }

    /// Makes it ready to tell of the next step.
    pub(crate) fn clear(&self) {
        // A step is told as `ECANCELED`, none as `EAGAIN`. Either way who asks looks at the clock.
        let (Ok(_) | Err(_)) = self.read();
    }

    fn read(&self) -> io::Result<usize> {
        may_fail!(Recv);
        Ok(rustix::io::read(&self.timer, &mut [0; 8])?)
    }
}
