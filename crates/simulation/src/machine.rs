//! A host that runs: its kernel, and when that has something to do.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Kernel};
use wheels::simulation::{Sockets, within};

use crate::door::Door;
use crate::network::{Network, Place, Time, nanos};

pub(crate) struct Machine {
    door: Rc<Door>,
    sockets: Rc<dyn Sockets>,
    /// Absent while it is down.
    kernel: Option<Kernel>,
    /// Whether a session is left.
    runs: bool,
    /// When its kernel has something to do, if nothing comes before.
    wake: Option<Time>,
}

impl Machine {
    pub(crate) fn new(network: &Rc<Network>, host: Place, clock: &Clock) -> io::Result<Self> {
        let door = Rc::new(Door { network: Rc::clone(network), host });
        let kernel = Some(boot(&door, clock)?);
        let sockets: Rc<dyn Sockets> = Rc::<Door>::clone(&door);
        Ok(Self { door, sockets, kernel, runs: false, wake: None })
    }

    /// Does something with the kernel, on this host.
    pub(crate) fn on<R>(&mut self, now: Time, act: impl FnOnce(&mut Kernel) -> R) -> Option<R> {
        let kernel = self.kernel.as_mut()?;
        let result = within(&self.sockets, || act(kernel));
        self.runs = kernel.session_count() > 0;
        self.wake = Some(now);
        Some(result)
    }

    /// When it has something to do, if nothing comes before.
    pub(crate) fn wake(&self) -> Option<Time> {
        self.wake.filter(|_| self.runs)
    }

    pub(crate) const fn runs(&self) -> bool {
        self.runs
    }

    pub(crate) fn turn(&mut self, now: Time) -> io::Result<()> {
        let Some(kernel) = &mut self.kernel else { return Ok(()) };
        self.runs = within(&self.sockets, || kernel.run_one_turn(Duration::ZERO))?;
        let timeout = kernel.next_timeout().filter(|_| self.runs);
        self.wake = timeout.map(|timeout| now.saturating_add(nanos(timeout)));
        Ok(())
    }

    /// Loses its kernel, as a machine does that loses its power.
    pub(crate) fn crash(&mut self) {
        let kernel = self.kernel.take();
        within(&self.sockets, || drop(kernel));
        (self.runs, self.wake) = (false, None);
    }

    pub(crate) fn boot(&mut self, clock: &Clock) -> io::Result<()> {
        if self.kernel.is_none() {
            self.kernel = Some(boot(&self.door, clock)?);
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.crash();
    }
}

fn boot(door: &Rc<Door>, clock: &Clock) -> io::Result<Kernel> {
    Kernel::builder().clock(clock.clone()).network(Rc::<Door>::clone(door)).build()
}
