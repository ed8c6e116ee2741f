//! Framed streams through their public API, over real sockets, pipes and files.
//!
//! Each test holds one end of a connection as a [`ReadWrite`](wheels::ReadWrite) and the other as a plain
//! socket, see `support`.

mod alive;
mod broken;
mod changes;
mod data;
mod drivers;
mod drops;
mod echo;
mod fairness;
mod files;
mod framing;
mod health;
mod holding;
mod marks;
mod misfits;
mod pause;
mod pipe;
mod poe;
mod pressure;
mod put;
mod records;
mod seams;
mod shared;
mod shutdown;
mod splits;
mod stalls;
mod support;
mod switch;
mod switching;
mod terminals;
mod two;
mod unread;
mod urgent;
