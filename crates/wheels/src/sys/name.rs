//! Names: getaddrinfo(3) and protocols(5). All of it may block, and is for the worker pool.

use std::io;
use std::net::SocketAddr;

use dns_lookup::{AddrInfoHints, LookupError};

use super::may_fail;
use crate::failure::describe;
use crate::family::{Domain, SocketType};

/// What getaddrinfo(3) says instead of an answer.
#[derive(Debug)]
pub(crate) struct NameError {
    /// Its number, which is negative, or if it was the system's error (`EAI_SYSTEM`) that one's.
    pub(crate) errnum: i32,
    pub(crate) errstr: String,
}

/// Numbers of getaddrinfo(3), as the C libraries of Linux have them.
pub(crate) mod eai {
    pub(crate) const NONAME: i32 = -2;
    pub(crate) const AGAIN: i32 = -3;
    pub(crate) const FAIL: i32 = -4;
    pub(crate) const NODATA: i32 = -5;
    pub(crate) const SERVICE: i32 = -8;
}

/// The addresses of a host, a service, or both, in the order in which they should be tried.
///
/// Without a host they are the unspecified ones. Addresses of both families are asked for even if the
/// machine has none of one of them: `AI_ADDRCONFIG` does not count loopback as an address (RFC 3493), so
/// that with it `localhost` means nothing on a machine without a network.
pub(crate) fn getaddrinfo(
    host: Option<&str>,
    service: Option<&str>,
    domain: Option<Domain>,
    kind: SocketType,
) -> Result<Vec<SocketAddr>, NameError> {
    may_fail!(GetAddrInfo, error => Err(NameError::told(&error)));
    #[cfg(feature = "simulation")]
    if let Some(sockets) = crate::simulation::current() {
        return find_simulated(&*sockets, host, service, domain);
    }
    let hints = AddrInfoHints {
        flags: AI_PASSIVE,
        address: domain.map_or(0, |domain| i32::from(domain.to_system().as_raw())),
        socktype: kind.to_system().as_raw().cast_signed(),
        protocol: 0,
    };
    let found = dns_lookup::getaddrinfo(host, service, Some(hints))?;
    // Other families than the internet's have no place in this, and are not asked for.
    Ok(found.filter_map(Result::ok).map(|found| found.sockaddr).collect())
}

/// Of the services those that are numbers are known.
#[cfg(feature = "simulation")]
fn find_simulated(
    sockets: &dyn crate::simulation::Sockets,
    host: Option<&str>,
    service: Option<&str>,
    domain: Option<Domain>,
) -> Result<Vec<SocketAddr>, NameError> {
    let refused = |errnum, text: &str| NameError { errnum, errstr: text.to_owned() };
    let port = service.map_or(Ok(0), str::parse);
    let port = port.map_err(|_| refused(eai::SERVICE, "Servname not supported"))?;
    let mut found = sockets.resolve(host);
    found.retain(|address| match domain {
        Some(Domain::Inet) => address.is_ipv4(),
        Some(Domain::Inet6) => address.is_ipv6(),
        Some(_) | None => true,
    });
    if found.is_empty() {
        return Err(refused(eai::NONAME, "Name or service not known"));
    }
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}

/// The database of protocols. What is no UTF-8 in it is in its comments.
pub(crate) fn read_protocols() -> io::Result<String> {
    may_fail!(ReadFile);
    std::fs::read(PROTOCOLS).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) const PROTOCOLS: &str = "/etc/protocols";

/// On every system. Of a host that is given it changes nothing.
const AI_PASSIVE: i32 = 1;

impl From<LookupError> for NameError {
    fn from(error: LookupError) -> Self {
        let number = error.error_num();
        let error = io::Error::from(error);
        let text = describe(&error);
        let words = text.strip_prefix("failed to lookup address information: ");
        let errstr = words.unwrap_or(&text).to_owned();
        Self { errnum: error.raw_os_error().unwrap_or(number), errstr }
    }
}

#[cfg(feature = "faults")]
impl NameError {
    /// A number of getaddrinfo(3), in the words that belong to it.
    fn told(error: &io::Error) -> Self {
        LookupError::new(error.raw_os_error().unwrap_or(eai::FAIL)).into()
    }
}
