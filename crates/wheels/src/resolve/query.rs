//! Hosts and services: getaddrinfo(3), so that `/etc/hosts` and nsswitch.conf(5) count.

use std::net::SocketAddr;

use super::{Failed, Question};
use crate::failure::Operation;
use crate::family::{Domain, SocketType};
use crate::sys::{self, eai};

/// A host, a service, or both.
///
/// Answered by the addresses in the order in which they should be tried (RFC 6724), each once, with the
/// scopes of link-local ones. Without a service their port is 0; without a host they are the
/// unspecified addresses of the families that are asked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Query {
    pub(crate) host: Option<String>,
    /// A name, or a port in digits.
    pub(crate) service: Option<String>,
    /// Both families if it is absent.
    pub(crate) domain: Option<Domain>,
    /// Which service is meant: most of the streams go by TCP, and most of the datagrams by UDP.
    pub(crate) kind: SocketType,
}

impl Question for Query {
    type Answer = Vec<SocketAddr>;

    /// Of services too, unless it is known that there is none.
    fn operation(&self) -> Operation {
        Operation::GetAddrInfo
    }

    fn check(&self) -> Result<(), Failed> {
        if let Some(service) = &self.service
            && !is_service(service)
        {
            return Err(Failed::no_service(service));
        }
        match &self.host {
            Some(host) if !is_host(host) => {
                let text = "Name or service not known";
                Err(Failed::new(self.operation(), eai::NONAME, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn ask(&self) -> Result<Vec<SocketAddr>, Failed> {
        let (host, service) = (self.host.as_deref(), self.service.as_deref());
        let found =
            sys::getaddrinfo(host, service, self.domain, self.kind).map_err(
                |error| match service {
                    Some(service) if error.errnum == eai::SERVICE => Failed::no_service(service),
                    Some(_) | None => Failed::of(self.operation(), error),
                },
            )?;
        let mut addresses = Vec::with_capacity(found.len());
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            let text = "No address associated with hostname";
            return Err(Failed::new(self.operation(), eai::NODATA, text));
        }
        Ok(addresses)
    }
}

/// A name of the domain name system has 253 octets, and may have a dot behind it. A system that limits
/// names itself takes longer ones, but none that end in the middle.
fn is_host(name: &str) -> bool {
    !name.is_empty() && name.len() <= MOST_OCTETS && !name.contains('\0')
}

/// A service has a letter in its name (RFC 6335, 5.1), or is a port. To getaddrinfo(3) anything that
/// strtoul(3) takes is a number: an empty text, a negative one, one that is far too large.
fn is_service(name: &str) -> bool {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = is_number && name.parse::<u16>().is_ok();
    let has_letter = name.bytes().any(|byte| byte.is_ascii_alphabetic());
    (is_port || has_letter) && name.len() <= MOST_OCTETS && !name.contains('\0')
}

const MOST_OCTETS: usize = 255;
