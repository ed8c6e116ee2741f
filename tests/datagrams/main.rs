//! The wheel of messages over real sockets: UDP on loopback, UNIX datagrams and `SEQPACKET`.

mod errors;
mod factory;
mod fds;
mod groups;
mod inbound;
mod outbound;
mod seqpacket;
mod support;
mod unix;
