//! The examples, and programs that nobody here wrote at their other end.
//!
//! They need those programs, which `.ci/run` installs, and are run by
//! `cargo test -p examples --features interop`. (With `--test interop` alone the examples are not built:
//! those that were built last are run.)

#[expect(dead_code, reason = "it is the other tests' too")]
mod folder;
#[expect(dead_code, reason = "it is the other tests' too")]
mod program;

#[path = "interop/chats.rs"]
mod chats;
#[path = "interop/foreign.rs"]
mod foreign;
#[path = "interop/loggers.rs"]
mod loggers;
#[path = "interop/preforks.rs"]
mod preforks;
#[path = "interop/proxies.rs"]
mod proxies;
#[path = "interop/queues.rs"]
mod queues;
#[path = "interop/sites.rs"]
mod sites;
#[path = "interop/web_server.rs"]
mod web_server;
