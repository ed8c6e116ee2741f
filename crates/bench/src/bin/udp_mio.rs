//! An echo server of datagrams on nothing but mio: one `recv_from` and one `send_to` each, as fast as
//! that goes. The limit of a server that has a system call for each message. Takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};

use bench::args::{announce, listen_address};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

fn main() -> io::Result<()> {
    let mut socket = UdpSocket::bind(listen_address())?;
    let mut poll = Poll::new()?;
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut socket, Token(0), both)?;
    announce(socket.local_addr()?)?;
    let mut events = Events::with_capacity(16);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => echo(&socket, &mut buffer)?,
        }
    }
}

/// Echoes what there is. An answer that cannot be sent is lost, as datagrams may be.
fn echo(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<()> {
    loop {
        match socket.recv_from(buffer) {
            Ok((len, from)) => drop(socket.send_to(&buffer[..len], from)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
