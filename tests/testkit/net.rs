//! Peers: plain blocking sockets on threads of their own.
