//! A read stops though there is more behind it: at urgent data, and at descriptors that come with the bytes.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
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

/// Sends bytes and a descriptor with them, which nobody asked for.
fn send_with_descriptor(peer: &UnixStream, bytes: &[u8]) {
    let fds = [peer.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    let sent = sendmsg(peer, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
    assert_eq!(sent, Ok(bytes.len()));
}

#[test]
fn what_comes_behind_a_descriptor_is_told_without_a_new_packet() {
    let (ours, mut peer) = UnixStream::pair().expect("a pair");
    peer.write_all(b"before").expect("write");
    send_with_descriptor(&peer, b"with");
    peer.write_all(b"behind").expect("write");
    let mut rig = Rig::new(ReadWrite::builder(ours));
    rig.until("all of it", |heard| items(heard).concat() == b"beforewithbehind");
}
