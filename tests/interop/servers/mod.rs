//! Our clients of their servers.

mod datagrams;
mod full;
mod seqpacket;
mod streams;
