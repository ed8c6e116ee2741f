//! `SocketFactory` over real sockets on loopback.
//!
//! What needs the process for itself, descriptor counts and limits, is in `tests/limits`.

mod accept;
mod accept_errors;
mod bad_parameters;
mod connect;
mod contradictions;
mod dead_peers;
mod doors;
mod failures;
mod families;
mod faults;
mod lifetime;
mod listen;
mod listen_accept;
mod methods;
mod names;
mod options;
mod parameters;
mod pause;
mod places;
mod poe;
mod race;
mod rest;
mod support;
mod timeouts;
mod unix_names;
mod unix_paths;
