//! `SocketFactory` over real sockets on loopback.
//!
//! What needs the process for itself, descriptor counts and limits, is in `tests/limits`.

mod accept;
mod accept_errors;
mod bad_parameters;
mod connect;
mod faults;
mod lifetime;
mod listen;
mod names;
mod options;
mod pause;
mod race;
mod rest;
mod unix_names;
mod unix_paths;
