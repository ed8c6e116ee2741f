//! Running: turn after turn, until no session is left.

use std::io;
use std::time::Duration;

use super::turn::Wait;
use super::{Exception, Kernel};

impl Kernel {
    /// Runs until no session is left (POE: `$poe_kernel->run`).
    ///
    /// Returns at once if there is none. May be called again, with new sessions.
    ///
    /// # Errors
    ///
    /// The error that a handler returned, when failures stop the kernel
    /// ([`OnException::Stop`](crate::OnException::Stop)): an [`io::Error`] as it is, of any other its text, in
    /// [`io::Error::other`]. If several failed, the first. Or what the system's wait for readiness failed
    /// with.
    ///
    /// # Panics
    ///
    /// With the panic of a handler, after every session was stopped.
    pub fn run(&mut self) -> io::Result<()> {
        self.run_while(|_| true)?;
        Ok(())
    }

    /// Runs as long as `go_on` says so and a session is left (POE: `run_while`).
    ///
    /// It is asked before each turn, and a turn may wait for long: what changes its mind should be
    /// something that happens in a turn. Gives back whether a session is left; the kernel may run on later.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run), and with a panic of `go_on`.
    pub fn run_while(&mut self, mut go_on: impl FnMut(&Self) -> bool) -> io::Result<bool> {
        while !self.sessions.is_empty() {
            if !go_on(self) {
                return Ok(true);
            }
            self.turn(Wait::ForWork)?;
            self.raise()?;
        }
        self.check_empty();
        self.raise()?;
        Ok(false)
    }

    /// Runs one turn, which waits at most `timeout` for something to do (POE: `run_one_timeslice`).
    ///
    /// With a timeout of zero it does what can be done now. Gives back whether a session is left. For a test,
    /// or another loop: see [`next_timeout`](Self::next_timeout).
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn run_one_turn(&mut self, timeout: Duration) -> io::Result<bool> {
        self.turn(Wait::AtMost(timeout))?;
        self.raise()?;
        Ok(!self.sessions.is_empty())
    }

    /// Ends `run` with what a handler failed with.
    fn raise(&mut self) -> io::Result<()> {
        match self.failure.take() {
            None => Ok(()),
            Some(Exception::Error(error)) => match error.downcast::<io::Error>() {
                Ok(error) => Err(*error),
                Err(error) => Err(io::Error::other(error.to_string())),
            },
            Some(Exception::Panic(panic)) => std::panic::resume_unwind(panic),
        }
    }
}
