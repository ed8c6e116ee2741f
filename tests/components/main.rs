//! Servers and clients ready made, over real sockets.
