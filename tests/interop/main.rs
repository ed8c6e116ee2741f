//! Sockets that are shared with programs nobody here wrote: socat, netcat, curl, wrk,
//! Python and a server of IRC.
//!
//! They need those programs, which `.ci/run` installs, and are run by
//! `cargo test -p tests --features interop --test interop`. A program is started by its test and ends with
//! it. Tests of what a network does have one of their own: where the system does not let them, they say
//! so and are passed over.

mod clients;
mod http;
mod irc;
mod network;
mod program;
mod servers;
mod session;
