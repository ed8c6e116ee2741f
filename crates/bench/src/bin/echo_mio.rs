//! An echo server on nothing but mio, as fast as it goes: the limit the others are compared with.
//!
//! Edge-triggered, each connection registered once for both directions; one read buffer for all;
//! a read that does not fill it is the last of its event; what was read is sent at once, and only
//! what the socket does not take is kept. A connection that owes bytes is not read from. Takes
//! `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Read, Write};

use bench::args::{announce, listen_address};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// What was read and the socket did not take.
    unsent: Vec<u8>,
}

#[derive(Debug)]
struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
    /// Accepting stopped for want of descriptors, so no edge will announce what still waits.
    starved: bool,
}

fn main() -> io::Result<()> {
    let mut listener = TcpListener::bind(listen_address())?;
    rustix::net::sockopt::set_tcp_nodelay(&listener, true)?; // connections inherit it
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    announce(listener.local_addr()?)?;
    let connections = Slab::new();
    let buffer = vec![0; 64 * 1024];
    Server { poll, listener, connections, buffer, starved: false }.run()
}

impl Server {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(key) => self.ready(key, event)?,
                }
            }
        }
    }

    /// Takes every connection that waits.
    fn accept(&mut self) -> io::Result<()> {
        self.starved = false;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => self.adopt(stream)?,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(()),
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.starved = true;
                        return Ok(());
                    }
                },
            }
        }
    }

    fn adopt(&mut self, stream: TcpStream) -> io::Result<()> {
        let entry = self.connections.vacant_entry();
        let token = Token(entry.key());
        let connection = entry.insert(Connection { stream, unsent: Vec::new() });
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut connection.stream, token, both)
    }

    /// A batch of events has one per connection at most, so none can be for one that ended and
    /// meet its successor in the slab.
    fn ready(&mut self, key: usize, event: &Event) -> io::Result<()> {
        let connection = &mut self.connections[key];
        if connection.serve(event, &mut self.buffer).is_err() {
            self.connections.remove(key); // closing the descriptor takes it out of the poll
            if self.starved {
                self.accept()?;
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Echoes what there is. An error, of which the end of the stream is one, ends the
    /// connection.
    fn serve(&mut self, event: &Event, buffer: &mut [u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.send(&unsent)?;
        } else if !event.is_readable() && !event.is_error() {
            return Ok(()); // the first event of every connection: it can be written to
        }
        // No more edge will come for an end of stream that is already there.
        let last_words = event.is_read_closed() || event.is_error();
        while self.unsent.is_empty() {
            let n = match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.send(&buffer[..n])?;
            if n < buffer.len() && !last_words {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what the socket takes and keeps the rest, of which there was none before.
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent = bytes.to_vec();
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
