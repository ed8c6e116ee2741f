//! Ready-made TCP servers and clients: POE's components in Rust.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, clippy::exit)]

mod events;
mod outcome;
mod spawn;
mod tcp_client;
mod tcp_server;

pub use events::{CONNECT, DISCONNECTED, DRAIN, RECONNECT, SET_CONCURRENCY, SHUTDOWN};
pub use outcome::Outcome;
pub use spawn::Spawn;
pub use tcp_client::{Reconnect, Server, TcpClient};
pub use tcp_server::{Client, Clients, GivesAway, Keeps, Refusal, Refused, TcpServer, ToClient};
