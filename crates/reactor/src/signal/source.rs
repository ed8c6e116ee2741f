//! The system's signals as something that can be polled.
//!
//! Owns signal-hook's pipe: the system's handler writes to it, the poller sees it readable, and the
//! pending signals are read here, each at most once however often it was raised meanwhile. Never
//! touches a signal that nobody asked for.

use std::io;
use std::os::raw::c_int;

use mio::Interest;
use signal_hook_mio::v1_0::Signals as Pipe;

use crate::poller::Poller;
use crate::token;

#[derive(Default)]
pub(crate) struct Source {
    pipe: Option<Pipe>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.pipe.is_some() { "Source(open)" } else { "Source(none)" })
    }
}

impl Source {
    /// Takes a signal of the system over. Its default action is off from now on.
    pub(crate) fn add(&mut self, poller: &Poller, number: c_int) -> io::Result<()> {
        if let Some(pipe) = &self.pipe {
            return pipe.add_signal(number);
        }
        let mut pipe = Pipe::new([number])?;
        poller.watch_source(&mut pipe, token::SIGNALS, Interest::READABLE)?;
        self.pipe = Some(pipe);
        Ok(())
    }

    /// The signals that came since the last call, each once.
    pub(crate) fn pending(&mut self) -> Vec<c_int> {
        self.pipe.as_mut().map_or_else(Vec::new, |pipe| pipe.pending().collect())
    }
}
