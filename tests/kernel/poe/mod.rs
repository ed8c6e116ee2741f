//! The scenarios of POE's own tests that are about the kernel and its sessions, each under the name it has
//! there, with the counts and the orders that it asks for. Where this kernel differs on purpose the test says
//! so and asserts what this kernel does.

mod aliases;
mod children;
mod exceptions;
mod idle;
mod misuse;
mod order;
mod resources;
mod session;
mod signals;
