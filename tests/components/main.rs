//! Servers and clients ready made, over real sockets.

mod client_events;
mod client_keep;
mod client_limits;
mod client_order;
mod client_reconnect;
mod client_support;
mod server_echo;
