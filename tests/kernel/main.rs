//! The kernel, by its public face: order, time, lifetimes, calls, failures, wheels.

mod alarms;
mod budgets;
mod calls;
mod crowds;
mod failures;
mod lifetimes;
mod model;
mod names;
mod order;
mod pace;
mod panics;
mod parts;
mod payloads;
mod queue;
mod readiness;
mod reentrancy;
mod regressions;
mod senders;
mod stopping;
mod threads;
mod timers;
mod unhandled;
mod wall_clock;
mod wheels;
