//! The soak: servers under clients of every kind for a long time, under a crowd that says nothing, and under one
//! that says too much.
//!
//! The program is `src/bin/soak.rs`. It starts itself anew as each server, so that both ends are of one build.
//!
//! In reading order: [`server`], [`report`]; `behaviour.rs`, `client.rs`, `churn.rs` and [`round`], which are the
//! churn; [`pings`], [`idle`], [`flood`].

mod behaviour;
mod churn;
mod client;
pub mod flood;
pub mod idle;
pub mod pings;
pub mod report;
pub mod round;
pub mod server;

use std::io;

use crate::machine::Cores;
use crate::process::{Server, ServerProcess};
use server::{Make, Patience};

/// A server that the soak is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    make: Make,
}

/// All of them.
pub const SUBJECTS: [Subject; 3] = [
    Subject { make: Make::ByHand },
    Subject { make: Make::Ready },
    Subject { make: Make::Sessions },
];

/// The arguments of each server. All pairs, so that they are there for as long as the program runs.
static STARTS: [(Make, Patience, [&str; 2]); 9] = [
    (Make::ByHand, Patience::Hasty, ["--by-hand", "--hasty"]),
    (Make::ByHand, Patience::Usual, ["--by-hand", "--usual"]),
    (Make::ByHand, Patience::Endless, ["--by-hand", "--endless"]),
    (Make::Ready, Patience::Hasty, ["--tcp-server", "--hasty"]),
    (Make::Ready, Patience::Usual, ["--tcp-server", "--usual"]),
    (Make::Ready, Patience::Endless, ["--tcp-server", "--endless"]),
    (Make::Sessions, Patience::Hasty, ["--sessions", "--hasty"]),
    (Make::Sessions, Patience::Usual, ["--sessions", "--usual"]),
    (Make::Sessions, Patience::Endless, ["--sessions", "--endless"]),
];

impl Subject {
    /// What the tables call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.make {
            Make::ByHand => "by hand",
            Make::Ready => "TcpServer",
            Make::Sessions => "TcpServer, sessions",
        }
    }

    /// Starts it, as this program with other arguments.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn start(&self, patience: Patience, cores: Cores) -> io::Result<ServerProcess> {
        let args = STARTS
            .iter()
            .find(|(make, limits, _)| (*make, *limits) == (self.make, patience))
            .map_or(&[][..], |(_, _, args)| args);
        Server { name: self.name(), path: "/proc/self/exe", args }.start(cores)
    }
}

/// The server that is asked for with the flags that [`Subject::start`] gives.
#[must_use]
pub fn asked_for(flags: &[String]) -> Option<(Make, Patience)> {
    STARTS.iter().find(|(_, _, args)| args == flags).map(|(make, patience, _)| (*make, *patience))
}
