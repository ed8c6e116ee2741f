//! The families of sockets, their types, and what is done with each.
//!
//! [`TABLE`] has a row for each family and type that a factory makes. It says how sockets of that row
//! are addressed and what becomes of them; the factory follows the row and asks no family by name. A new
//! family is a row here and its address in `address.rs`.

use std::fmt;

use rustix::net::AddressFamily;

/// A family of sockets (POE: `SocketDomain`, `AF_...`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Domain {
    /// IPv4 (`AF_INET`).
    Inet,
    /// IPv6 (`AF_INET6`).
    Inet6,
    /// Within this machine, by path or abstract name (`AF_UNIX`).
    Unix,
    /// Between virtual machines and their host (`AF_VSOCK`).
    Vsock,
}

/// What a socket carries (POE: `SocketType`, `SOCK_...`).
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SocketType {
    /// Bytes in order, over a connection (`SOCK_STREAM`).
    #[default]
    Stream,
    /// Messages by themselves (`SOCK_DGRAM`).
    Dgram,
    /// Messages in order, over a connection (`SOCK_SEQPACKET`).
    SeqPacket,
}

/// How sockets of a family and type are treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) domain: Domain,
    pub(crate) kind: SocketType,
    pub(crate) form: Form,
    pub(crate) use_of: Use,
    /// Whether Nagle's delay can be off.
    pub(crate) is_tcp: bool,
}

/// How the addresses of a family are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// A host and a port, by name or number, of one of two families.
    Internet,
    /// A path or an abstract name, and no port.
    Path,
    /// Two numbers.
    Machine,
}

/// What a socket without a remote address is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// It listens: established is what it accepts.
    Accept,
    /// It is the session's at once: established is the socket itself.
    HandOver,
}

const fn row(domain: Domain, kind: SocketType, form: Form, use_of: Use) -> Row {
    let is_tcp = matches!((form, use_of), (Form::Internet, Use::Accept));
    Row { domain, kind, form, use_of, is_tcp }
}

static TABLE: &[Row] = &[
    row(Domain::Inet, SocketType::Stream, Form::Internet, Use::Accept),
    row(Domain::Inet, SocketType::Dgram, Form::Internet, Use::HandOver),
    row(Domain::Inet6, SocketType::Stream, Form::Internet, Use::Accept),
    row(Domain::Inet6, SocketType::Dgram, Form::Internet, Use::HandOver),
    row(Domain::Unix, SocketType::Stream, Form::Path, Use::Accept),
    row(Domain::Unix, SocketType::SeqPacket, Form::Path, Use::Accept),
    row(Domain::Unix, SocketType::Dgram, Form::Path, Use::HandOver),
    row(Domain::Vsock, SocketType::Stream, Form::Machine, Use::Accept),
    row(Domain::Vsock, SocketType::SeqPacket, Form::Machine, Use::Accept),
];

impl Row {
    /// The row of a family and type, if sockets of that kind are made here.
    pub(crate) fn find(domain: Domain, kind: SocketType) -> Option<Self> {
        TABLE.iter().find(|row| row.domain == domain && row.kind == kind).copied()
    }
}

impl Domain {
    pub(crate) const fn to_system(self) -> AddressFamily {
        match self {
            Self::Inet => AddressFamily::INET,
            Self::Inet6 => AddressFamily::INET6,
            Self::Unix => AddressFamily::UNIX,
            Self::Vsock => AddressFamily::VSOCK,
        }
    }

    pub(crate) const fn from_system(family: AddressFamily) -> Option<Self> {
        match family {
            AddressFamily::INET => Some(Self::Inet),
            AddressFamily::INET6 => Some(Self::Inet6),
            AddressFamily::UNIX => Some(Self::Unix),
            AddressFamily::VSOCK => Some(Self::Vsock),
            _ => None,
        }
    }
}

impl SocketType {
    pub(crate) const fn to_system(self) -> rustix::net::SocketType {
        match self {
            Self::Stream => rustix::net::SocketType::STREAM,
            Self::Dgram => rustix::net::SocketType::DGRAM,
            Self::SeqPacket => rustix::net::SocketType::SEQPACKET,
        }
    }

    pub(crate) const fn from_system(kind: rustix::net::SocketType) -> Option<Self> {
        match kind {
            rustix::net::SocketType::STREAM => Some(Self::Stream),
            rustix::net::SocketType::DGRAM => Some(Self::Dgram),
            rustix::net::SocketType::SEQPACKET => Some(Self::SeqPacket),
            _ => None,
        }
    }
}

/// The name of the system's constant.
impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inet => "AF_INET",
            Self::Inet6 => "AF_INET6",
            Self::Unix => "AF_UNIX",
            Self::Vsock => "AF_VSOCK",
        })
    }
}

/// The name of the system's constant.
impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stream => "SOCK_STREAM",
            Self::Dgram => "SOCK_DGRAM",
            Self::SeqPacket => "SOCK_SEQPACKET",
        })
    }
}
