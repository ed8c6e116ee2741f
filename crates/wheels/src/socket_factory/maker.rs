//! The steps that make one socket, in POE's order: make it, set its options, bind it, listen.
//!
//! Promises that the first step that fails ends it, is named, and leaves nothing behind.

use std::io;
use std::os::fd::OwnedFd;

use reactor::WheelId;

use super::builder::Settings;
use crate::address::{Address, UnixAddress};
use crate::failure::{Failure, Operation};
use crate::family::{Domain, Row, SocketType};
use crate::socket::Socket;
use crate::sys;
use crate::unix_path::BoundPath;

/// Makes the sockets of one factory.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) kind: SocketType,
    /// Of the system's numbers; none is the type's own.
    pub(super) protocol: Option<i32>,
    pub(super) settings: Settings,
    pub(super) wheel: WheelId,
}

impl Maker {
    /// How sockets of a family are treated, if there are any.
    pub(super) fn row(&self, domain: Domain) -> Result<Row, Failure> {
        let Some(mut row) = Row::find(domain, self.kind) else {
            let text = format!("{domain} has no {} here", self.kind);
            let number = sys::errno::SOCKTNOSUPPORT;
            return Err(Failure::told(Operation::Domain, number, text.into(), self.wheel));
        };
        row.is_tcp &= matches!(self.protocol, None | Some(0 | sys::TCP));
        Ok(row)
    }

    /// A socket with its options, bound if there is an address to bind it to.
    pub(super) fn make(&self, row: &Row, near: Option<&Address>) -> Result<Socket, Failure> {
        let fd = sys::socket(row.domain, row.kind, self.protocol)
            .map_err(|error| self.failed(Operation::Socket, &error))?;
        self.set_options(&fd, row)?;
        match near {
            None => Ok(Socket::new(fd, row.domain, row.kind)),
            Some(near) => self.bind(fd, row, near),
        }
    }

    fn set_options(&self, fd: &OwnedFd, row: &Row) -> Result<(), Failure> {
        let failed = |error| self.failed(Operation::SetSockOpt, &error);
        if row.domain == Domain::Inet6 {
            sys::set_only_v6(fd, self.settings.only_v6).map_err(failed)?;
        }
        // Of datagram sockets, Linux would let another program take the port over.
        if self.settings.reuse && row.kind != SocketType::Dgram {
            sys::set_reuse_address(fd).map_err(failed)?;
        }
        self.apply_options(fd, row)
    }

    pub(super) fn apply_options(&self, fd: &OwnedFd, row: &Row) -> Result<(), Failure> {
        let options = self.settings.options.apply(fd, row);
        options.map_err(|refused| Failure::of_option(refused, self.wheel))
    }

    fn bind(&self, fd: OwnedFd, row: &Row, near: &Address) -> Result<Socket, Failure> {
        let failed = |error| self.failed(Operation::Bind, &error);
        let Address::Unix(UnixAddress::Path(path)) = near else {
            sys::bind(&fd, near).map_err(failed)?;
            return Ok(Socket::new(fd, row.domain, row.kind));
        };
        let bound = BoundPath::bind(&fd, path, &self.settings.path).map_err(failed)?;
        Ok(Socket::new(fd, row.domain, row.kind).at(bound))
    }

    pub(super) fn failed(&self, operation: Operation, error: &io::Error) -> Failure {
        Failure::new(operation, error, self.wheel)
    }
}

/// The family that an address is of.
pub(super) fn domain_of(address: &Address) -> Domain {
    match address {
        Address::Ip(addr) if addr.is_ipv4() => Domain::Inet,
        Address::Ip(_) => Domain::Inet6,
        Address::Unix(_) => Domain::Unix,
        Address::Vsock { .. } => Domain::Vsock,
    }
}
