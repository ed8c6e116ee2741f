//! Connections that come in bursts, say one thing, and go; and connections that stay and are
//! silent.
//!
//! In a burst all connections are opened, each sends 64 bytes, each reads them back, and then all
//! are closed, the client's end first: see [`Farewell`]. An orderly close leaves the client's port
//! in `TIME_WAIT`, so the clients call from 127.1.0.1, 127.1.0.2 ... in turn, each of which has all
//! the ports.
//!
//! Blocking calls: on loopback a connection is made within `connect`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

/// What each connection sends: one line.
const MESSAGE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq\n";

/// How long a server may be silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many addresses the clients call from.
const SOURCES: u32 = 250;

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// With a FIN: the server sees an end of stream, as it mostly does in life. The system has to
    /// take leave as well, in the server's time, which hides some of what the server itself costs.
    Orderly,
    /// With a reset (`SO_LINGER` 0): the server sees an error, and the system does the least.
    Reset,
}

/// A source of connections to one server.
#[derive(Debug)]
pub struct BurstLoad {
    server: SocketAddr,
    farewell: Farewell,
    turn: u32,
}

impl BurstLoad {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(server: SocketAddr, farewell: Farewell) -> Self {
        Self { server, farewell, turn: 0 }
    }

    /// Opens this many connections, has one message echoed on each, and returns them open.
    ///
    /// # Errors
    ///
    /// When a connection fails, is closed, or is silent for long, and when an echo is not what
    /// was sent.
    pub fn open(&mut self, connections: usize) -> io::Result<Vec<TcpStream>> {
        self.turn = (self.turn + 1) % SOURCES;
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + self.turn);
        let mut streams = Vec::with_capacity(connections);
        for _ in 0..connections {
            streams.push(self.call(source)?);
        }
        for stream in &mut streams {
            stream.write_all(MESSAGE)?;
        }
        for stream in &mut streams {
            let mut echo = [0; MESSAGE.len()];
            stream.read_exact(&mut echo)?;
            if echo != *MESSAGE {
                return Err(io::Error::other("what came back is not what was sent"));
            }
        }
        Ok(streams)
    }

    /// Runs this many bursts of this many connections each; says how many connections there were
    /// and how long it took until the last was closed.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn run(&mut self, bursts: u64, connections: usize) -> io::Result<(u64, Duration)> {
        let begin = Instant::now();
        for _ in 0..bursts {
            drop(self.open(connections)?);
        }
        Ok((bursts * connections as u64, begin.elapsed()))
    }

    /// One connection from `source`, any port.
    fn call(&self, source: Ipv4Addr) -> io::Result<TcpStream> {
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        bind(&socket, &SocketAddrV4::new(source, 0))?;
        connect(&socket, &self.server)?;
        if self.farewell == Farewell::Reset {
            set_socket_linger(&socket, Some(Duration::ZERO))?;
        }
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }
}
