//! Their clients of our servers.

mod datagrams;
mod http;
mod misbehaving;
mod seqpacket;
mod streams;
