//! The kernel, by its public face: order, time, lifetimes, calls, failures, wheels.

mod brittle;
mod budgets;
mod calls;
mod crowds;
mod deaths;
mod failures;
mod kin;
mod lifetimes;
mod model;
mod names;
mod order;
mod pace;
mod panics;
mod parts;
mod payloads;
mod postbacks;
mod readiness;
mod reentrancy;
mod regressions;
mod senders;
mod signals;
mod stopping;
mod threads;
mod timers;
mod unhandled;
mod wheels;
