//! Sockets that are shared with programs nobody here wrote: socat, netcat, curl and Python.
//!
//! They need those programs, which `.ci/run` installs: `cargo test -p tests --features interop --test
//! interop`. A program is started by its test, in the network of its test, and ends with it.

mod clients;
mod program;
mod session;
