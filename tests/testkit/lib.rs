//! What the tests share, and what a program that is tested with virtual time and real sockets needs.
//!
//! - [`Simulation`]: hosts on a network that does not exist.
//! - [`story`]: the order of events, told and compared.
//! - [`net`]: peers that dribble, reset, or never read.
//! - [`leak`]: descriptors and memory before and after.
//! - [`logs`]: what was logged.
//! - [`machine`]: what the machine has.
//! - [`private`]: tests in processes with an `/etc` and a network of their own.
//! - [`random`]: chance that can be repeated.
//! - [`rig`]: a session that does what a test tells it to.
//! - [`unix`]: paths of UNIX sockets, and sessions that own one.
//! - [`watching`]: sessions that watch descriptors themselves.

pub mod children;
pub mod leak;
pub mod logs;
pub mod machine;
pub mod net;
mod netlink;
pub mod private;
pub mod random;
pub mod rig;
pub mod story;
pub mod unix;
pub mod watching;

pub use simulation::{Conditions, HostId, Simulation};
