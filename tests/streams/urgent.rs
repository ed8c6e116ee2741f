//! Urgent data: a read stops at its mark though there is more behind it.

use std::io::Write;

use socket2::SockRef;
use wheels::ReadWrite;

use crate::support::{Rig, items, pair};

/// As an FTP client does that wants a transfer to be broken off (`ABOR` behind a Telnet `DM`).
#[test]
fn what_comes_behind_an_urgent_byte_is_told_without_a_new_packet() {
    let (ours, mut peer) = pair();
    peer.write_all(b"before").expect("write");
    SockRef::from(&peer).send_out_of_band(b"!").expect("send");
    peer.write_all(b"behind").expect("write");
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.until("all of it", |heard| items(heard).concat() == b"beforebehind");
}
