//! What the macro benchmarks share: the load, the processes under it, and the tables.
//!
//! A benchmark starts each server as a process of its own on one core, drives it from this
//! process on another, and reads what it cost from `/proc`: see `benches/echo.rs` and
//! `benches/idle.rs`. The servers are the programs in `src/bin` and whatever else is listed in
//! `benches/servers/mod.rs`.
//!
//! Linux only.
//!
//! In reading order: [`args`], [`machine`], [`process`], [`contest`], [`echo_load`], [`burst_load`],
//! [`chat_load`], [`connect_load`], [`wrk`], [`poe`], [`table`]; and [`soak`], which is a program of its own.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod args;
pub mod burst_load;
pub mod chat_load;
pub mod connect_load;
pub mod contest;
pub mod echo_load;
pub mod machine;
pub mod poe;
pub mod process;
pub mod soak;
pub mod table;
pub mod udp_load;
pub mod wrk;
