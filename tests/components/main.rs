//! Components: servers and clients ready made.

mod server_echo;
mod server_endings;
mod server_kit;
