//! Interfaces and their addresses, by rtnetlink(7). For a network that is the process's own.

use std::io;
use std::net::IpAddr;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, socket};

/// The index of the loopback.
pub(crate) const LOOPBACK: u32 = 1;

/// Flags of an interface (netdevice(7)).
pub(crate) const IFF_UP: u32 = 1;
pub(crate) const IFF_NOARP: u32 = 0x80;

/// An interface, by its index or by its name.
#[derive(Clone, Copy)]
pub(crate) enum Interface<'a> {
    Index(u32),
    Named(&'a str),
}

/// Sets flags of an interface.
pub(crate) fn raise(interface: Interface<'_>, flags: u32) -> io::Result<()> {
    let body = match interface {
        Interface::Index(index) => link(index, flags),
        Interface::Named(name) => {
            [link(0, flags), attribute(IFLA_IFNAME, name.as_bytes())].concat()
        }
    };
    ask(RTM_NEWLINK, 0, &body)
}

/// Makes a pair of interfaces, each of which sends to the other (veth(4)). The other is `veth0`.
pub(crate) fn add_pair(index: u32, flags: u32) -> io::Result<()> {
    let kind = attribute(IFLA_LINKINFO, &attribute(IFLA_INFO_KIND, b"veth"));
    ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &[link(index, flags), kind].concat())
}

/// Gives an interface an address and the network behind it, ready to be used.
pub(crate) fn add_address(index: u32, ip: IpAddr, prefix: u8) -> io::Result<()> {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const IFA_F_NODAD: u8 = 2;
    let (family, octets) = match ip {
        IpAddr::V4(ip) => (AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AF_INET6, ip.octets().to_vec()),
    };
    // struct ifaddrmsg: family, prefix length, flags, scope; index.
    let mut body = vec![family, prefix, IFA_F_NODAD, 0];
    body.extend(index.to_ne_bytes());
    body.extend(attribute(IFA_LOCAL, &octets));
    body.extend(attribute(IFA_ADDRESS, &octets));
    ask(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body)
}

/// struct ifinfomsg: family and kind, which do not matter; index, flags, which flags to change.
fn link(index: u32, flags: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

/// struct rtattr: its length with this and its type, and what it says, filled up to four octets.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).expect("a small attribute");
    let mut attribute = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// Asks, and waits for the answer.
fn ask(kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    const HEADER: usize = 16;
    let length = u32::try_from(HEADER + body.len()).expect("a small request");
    // struct nlmsghdr: length, type, flags, sequence, port.
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(kind.to_ne_bytes());
    request.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    request.extend([0; 8]);
    request.extend(body);

    let route = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::send(&route, &request, SendFlags::empty())?;
    let mut answer = [0; 1024];
    let (length, _) = rustix::net::recv(&route, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr: zero, or an errno made negative.
    let errnum = answer[..length].get(16..20).and_then(|bytes| bytes.try_into().ok());
    match errnum.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(errnum) => Err(io::Error::from_raw_os_error(-errnum)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
