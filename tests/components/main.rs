//! Servers and clients ready made, over real sockets.

mod client_order;
mod client_support;
