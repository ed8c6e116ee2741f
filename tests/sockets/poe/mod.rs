//! The scenarios of POE's own tests that are about sockets, each under the name it has there, with the
//! counts and the orders that it asks for. Where this library differs on purpose the test says so and
//! asserts what this library does.

mod accept;
mod streams;
mod talk;
mod udp;
