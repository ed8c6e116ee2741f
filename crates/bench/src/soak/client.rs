//! One client of the churn: plays its script, and checks what comes back.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4};
use std::time::Duration;

use mio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_linger, set_socket_recv_buffer_size};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::behaviour::{Behaviour, Script};

/// The receive buffer of those that have a small one.
const NARROW: usize = 4 * 1024;

/// What a slow reader takes at a time.
const SIP: usize = 4 * 1024;

/// A connection, and how far it has got with its script.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: TcpStream,
    script: Script,
    is_connected: bool,
    sent: usize,
    received: usize,
    has_ended: bool,
}

/// Where a client stands after it has done what it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// For the system to tell that something can be done.
    Waits,
    /// For a while to pass.
    Rests,
    /// It has done all it had to; dropping it closes its socket.
    Done,
}

impl Client {
    /// Connects from this address, any port, or begins to.
    pub(super) fn connect(from: Ipv4Addr, server: SocketAddr, script: Script) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        if script.behaviour.is_narrow() {
            // Before it connects: the window is agreed upon then.
            set_socket_recv_buffer_size(&socket, NARROW)?;
        }
        bind(&socket, &SocketAddrV4::new(from, 0))?;
        match connect(&socket, &server) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let stream = TcpStream::from_std(socket.into());
        let (is_connected, has_ended) = (false, false);
        Ok(Self { stream, script, is_connected, sent: 0, received: 0, has_ended })
    }

    pub(super) const fn behaviour(&self) -> Behaviour {
        self.script.behaviour
    }

    /// Does what can be done.
    ///
    /// # Errors
    ///
    /// When the connection fails though it should not, or what comes is not what should.
    pub(super) fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Step> {
        if !self.is_connected && !self.find_connected()? {
            return Ok(Step::Waits);
        }
        match self.play(buffer) {
            // It is on its way out and does not care.
            Err(_) if matches!(self.behaviour(), Behaviour::Reset(_) | Behaviour::Gone) => {
                Ok(Step::Done)
            }
            Err(_) if self.behaviour().stays() => Ok(Step::Waits),
            other => other,
        }
    }

    fn find_connected(&mut self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        self.is_connected = self.stream.peer_addr().is_ok();
        Ok(self.is_connected)
    }

    fn play(&mut self, buffer: &mut [u8]) -> io::Result<Step> {
        self.send()?;
        let is_sent = self.sent == self.script.bytes.len();
        match self.behaviour() {
            Behaviour::Normal => {
                self.receive(buffer)?;
                Ok(if self.has_all() { Step::Done } else { Step::Waits })
            }
            Behaviour::Polite => {
                self.receive(buffer)?;
                if self.has_all() && !self.has_ended {
                    self.end()?;
                    self.receive(buffer)?;
                }
                Ok(if self.has_ended { Step::Done } else { Step::Waits })
            }
            Behaviour::HalfClose => {
                if is_sent {
                    self.end()?;
                }
                self.receive(buffer)?;
                Ok(if self.has_ended { Step::Done } else { Step::Waits })
            }
            Behaviour::Slow => {
                let buffer = &mut buffer[..SIP];
                self.read_once(buffer)?;
                Ok(if self.has_all() { Step::Done } else { Step::Rests })
            }
            Behaviour::Reset(when) => {
                self.receive(buffer)?;
                if !self.has_ended && (!is_sent || self.received < when) {
                    return Ok(Step::Waits);
                }
                set_socket_linger(&self.stream, Some(Duration::ZERO))?;
                Ok(Step::Done)
            }
            Behaviour::Gone => Ok(if is_sent { Step::Done } else { Step::Waits }),
            Behaviour::Vanished | Behaviour::Stuck => Ok(Step::Waits),
            Behaviour::Silent => {
                self.receive(buffer)?;
                Ok(if self.has_ended { Step::Done } else { Step::Waits })
            }
        }
    }

    /// Sends up to the next stop that it has not yet come to.
    fn send(&mut self) -> io::Result<()> {
        let next = self.script.stops.iter().find(|stop| **stop > self.received);
        let Some(&stop) = next else { return Ok(()) };
        while self.sent < stop {
            match self.stream.write(&self.script.bytes[self.sent..stop]) {
                Ok(n) => self.sent += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says that no more comes from here.
    fn end(&self) -> io::Result<()> {
        match self.stream.shutdown(Shutdown::Write) {
            // The server has ended too.
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
            other => other,
        }
    }

    /// Reads all there is, and sends what may be sent after it.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        while !self.has_ended && self.read_once(buffer)? {
            self.send()?;
        }
        Ok(())
    }

    /// Says whether there was anything.
    fn read_once(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.stream.read(buffer) {
            Ok(0) => self.take_end().map(|()| true),
            Ok(n) => self.take(&buffer[..n]).map(|()| true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, echo: &[u8]) -> io::Result<()> {
        let (bytes, end) = (&self.script.bytes, self.received + echo.len());
        let known = end.min(bytes.len());
        let is_right = if end > bytes.len() {
            // The end of the last line, which it has not said.
            self.script.has_rest
                && end == bytes.len() + 1
                && echo.ends_with(b"\n")
                && bytes[self.received..known] == echo[..echo.len() - 1]
        } else {
            bytes[self.received..known] == *echo
        };
        if !is_right {
            return Err(io::Error::other("what came back is not what was sent"));
        }
        self.received = end;
        Ok(())
    }

    fn take_end(&mut self) -> io::Result<()> {
        self.has_ended = true;
        if self.behaviour().is_exact() && !self.has_all() {
            return Err(io::Error::other("the server ended before it had answered all"));
        }
        Ok(())
    }

    fn has_all(&self) -> bool {
        self.received == self.script.bytes.len() + usize::from(self.script.has_rest)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} of {} bytes sent and {} back",
            self.behaviour(),
            self.sent,
            self.script.bytes.len(),
            self.received
        )
    }
}
