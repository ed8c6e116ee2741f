//! Descriptors that sessions read and write themselves: `select_read` and its kin.

mod kinds;
mod level;
mod lifetimes;
mod modes;
mod pauses;
mod shared;

use std::io::{ErrorKind, Read};

/// Reads all there is, from what does not block.
fn drain(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    match from.read_to_end(&mut bytes) {
        Ok(_) => bytes,
        Err(error) if error.kind() == ErrorKind::WouldBlock => bytes,
        Err(error) => panic!("read: {error}"),
    }
}
