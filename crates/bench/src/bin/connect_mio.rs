//! Connects on nothing but mio, as fast as it goes: the limit the others are compared with.
//!
//! Each connection is watched until it is writable, asked for its error and for its peer, and
//! closed.

#![forbid(unsafe_code)]

use std::io::{self, ErrorKind};

use bench::connect_load::Errand;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

fn main() -> io::Result<()> {
    Errand::perform(|errand| {
        let (poll, connections) = (Poll::new()?, Slab::new());
        Client { poll, connections, errand, begun: 0 }.run()
    })
}

#[derive(Debug)]
struct Client {
    poll: Poll,
    connections: Slab<TcpStream>,
    errand: Errand,
    begun: u64,
}

impl Client {
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        for _ in 0..self.errand.at_once {
            self.begin()?;
        }
        while !self.connections.is_empty() {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                self.ready(event.token())?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.begun == self.errand.connections {
            return Ok(());
        }
        self.begun += 1;
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        let stream = entry.insert(TcpStream::connect(self.errand.address)?);
        self.poll.registry().register(stream, token, Interest::WRITABLE)
    }

    fn ready(&mut self, Token(key): Token) -> io::Result<()> {
        let stream = &self.connections[key];
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
        drop(self.connections.remove(key)); // closing the descriptor takes it out of the poll
        self.begin()
    }
}
