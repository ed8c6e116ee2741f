//! The kernel, by its public face: order, time, lifetimes, calls, failures, wheels.

mod budgets;
mod calls;
mod crowds;
mod failures;
mod lifetimes;
mod model;
mod names;
mod nested;
mod order;
mod pace;
mod panics;
mod parts;
mod payloads;
mod readiness;
mod reentrancy;
mod regressions;
mod selects;
mod senders;
mod stopping;
mod threads;
mod timers;
mod unhandled;
mod wheels;
