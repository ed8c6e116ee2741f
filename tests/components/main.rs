//! Servers and clients ready made, over real sockets.

mod client_events;
mod client_failures;
mod client_keep;
mod client_limits;
mod client_order;
mod client_reconnect;
mod client_support;
mod framing_failures;
mod server_admission;
mod server_callbacks;
mod server_drain;
mod server_echo;
mod server_endings;
mod server_failures;
mod server_havoc;
mod server_kit;
mod server_limits;
mod server_listening;
mod server_poe;
