//! Servers and clients ready made, over real sockets.

mod server_echo;
