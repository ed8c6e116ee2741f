//! The simulated network: that it is as Linux is, does what a test tells it to, and repeats itself.

mod alike;
mod edges;
mod faults;
mod kit;
mod limits;
mod names;
mod repeats;
mod time;
mod udp;
mod unwell;
