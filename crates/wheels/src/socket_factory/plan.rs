//! What a factory is to do, worked out of its parameters alone.
//!
//! Asks nobody and opens nothing: a [`Plan`] says what is known already and what is to be looked up.
//! Promises that parameters which contradict each other are a failure of the call that they were for.

use std::net::{Ipv4Addr, Ipv6Addr};

use reactor::WheelId;

use super::builder::{Place, Settings, SocketFactoryBuilder};
use super::place::{Host, Meaning, Service};
use crate::address::Address;
use crate::failure::{Failure, Operation};
use crate::family::{Domain, Form, Row, SocketType, Use};
use crate::resolve::{Failed, Lookup, Protocol, Query};
use crate::sys::errno;

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) kind: SocketType,
    pub(super) protocol: Option<Number>,
    pub(super) work: Work,
    pub(super) settings: Settings,
}

#[derive(Debug)]
pub(super) enum Work {
    /// To listen at each of these, or to hand over a datagram socket of each; and before that at all
    /// addresses of both families, on the port of one of `everywhere`.
    Open { everywhere: Option<Target>, near: Vec<Target>, backlog: i32 },
    /// To connect to one of these, from one of those.
    Connect { far: Target, near: Option<Target> },
}

/// Addresses of which one will do, and how they become known.
#[derive(Debug)]
pub(super) enum Target {
    Known(Vec<Address>),
    /// A socket of this family that is bound to none.
    Unbound(Domain),
    /// To be looked up, and then to have this port if it has none of its own.
    Ask(Query, Option<u16>),
    Asked(Lookup<Query>, Option<u16>),
}

/// The number of a protocol, and how it becomes known.
#[derive(Debug)]
pub(super) enum Number {
    Known(i32),
    Ask(Protocol),
    Asked(Lookup<Protocol>),
}

impl Target {
    /// The addresses. Nothing is to be looked up any more when this is asked.
    pub(super) fn into_known(self) -> Vec<Address> {
        match self {
            Self::Known(addresses) => addresses,
            Self::Unbound(_) | Self::Ask(..) | Self::Asked(..) => Vec::new(),
        }
    }
}

impl Number {
    pub(super) const fn known(&self) -> Option<i32> {
        match self {
            Self::Known(number) => Some(*number),
            Self::Ask(_) | Self::Asked(_) => None,
        }
    }
}

impl Plan {
    pub(super) fn of(builder: SocketFactoryBuilder, wheel: WheelId) -> Result<Self, Failure> {
        let kind = builder.kind.or_else(|| builder.protocol.as_ref().and_then(type_of));
        let reader = Reader { domain: builder.domain, kind: kind.unwrap_or_default(), wheel };
        let work = match &builder.remote {
            remote if remote.is_empty() => reader.open(&builder)?,
            _ if builder.listen_queue.is_some() => {
                return Err(reader.refuse(Operation::Listen, "what connects has no queue"));
            }
            _ if !builder.also.is_empty() => {
                return Err(reader.refuse(Operation::Bind, "a connection has one near end"));
            }
            remote => reader.connect(remote, &builder.bind)?,
        };
        let protocol = builder.protocol.map(|protocol| match protocol.known() {
            Some(number) => Number::Known(number),
            None => Number::Ask(protocol),
        });
        Ok(Self { kind: reader.kind, protocol, work, settings: builder.settings })
    }
}

/// Reads places by what was said of the sockets.
struct Reader {
    domain: Option<Domain>,
    kind: SocketType,
    wheel: WheelId,
}

impl Reader {
    fn open(&self, builder: &SocketFactoryBuilder) -> Result<Work, Failure> {
        let SocketFactoryBuilder { bind, also, listen_queue, .. } = builder;
        let backlog = match listen_queue.map(i32::try_from) {
            None | Some(Ok(0) | Err(_)) => SYSTEM_LIMIT,
            Some(Ok(connections)) => connections,
        };
        let (everywhere, first) = if builder.is_everywhere() {
            self.accepts(Domain::Inet, *listen_queue)?;
            // Of no family: the addresses of both.
            (Some(self.target(bind, None, Operation::Bind)?), None)
        } else {
            (None, Some(bind))
        };
        let near = first.into_iter().chain(also).map(|place| self.near(place, *listen_queue));
        Ok(Work::Open { everywhere, near: near.collect::<Result<_, _>>()?, backlog })
    }

    /// Where to listen, or to be bound to.
    fn near(&self, place: &Place, queue: Option<u32>) -> Result<Target, Failure> {
        let domain = self.domain_of(place).or_else(|| Self::default_domain(place));
        let accepts = self.accepts(domain.unwrap_or(Domain::Inet), queue)?;
        match domain {
            Some(domain) if !accepts && place.is_empty() => Ok(Target::Unbound(domain)),
            domain => self.target(place, domain, Operation::Bind),
        }
    }

    /// Whether sockets of a family listen. No others have a queue.
    fn accepts(&self, domain: Domain, queue: Option<u32>) -> Result<bool, Failure> {
        let accepts = self.row(domain)?.use_of == Use::Accept;
        if !accepts && queue.is_some() {
            return Err(self.refuse(Operation::Listen, "what does not listen has no queue"));
        }
        Ok(accepts)
    }

    fn connect(&self, remote: &Place, bind: &Place) -> Result<Work, Failure> {
        let domain = self.domain_of(remote).or_else(|| self.domain_of(bind));
        let form = self.row(domain.unwrap_or(Domain::Inet))?.form;
        let missing = match (&remote.host, &remote.service, form) {
            (None, ..) => Some("a remote port without a remote address"),
            (Some(_), None, Form::Internet | Form::Machine) => {
                Some("a remote address without a remote port")
            }
            (Some(_), Some(_), _) | (_, _, Form::Path) => None,
        };
        if let Some(text) = missing.filter(|_| remote.fault.is_none()) {
            return Err(self.refuse(Operation::Connect, text));
        }
        let far = self.target(remote, domain, Operation::Connect)?;
        let near = (!bind.is_empty()).then(|| {
            let domain = self.domain_of(bind).or(domain);
            self.target(bind, domain, Operation::Bind)
        });
        Ok(Work::Connect { far, near: near.transpose()? })
    }

    /// The family that was asked for, or that the address is of; a name may be of either.
    fn domain_of(&self, place: &Place) -> Option<Domain> {
        self.domain.or_else(|| match place.host.as_ref()?.read(None) {
            Meaning::Ip(addr) if addr.is_ipv4() => Some(Domain::Inet),
            Meaning::Ip(_) => Some(Domain::Inet6),
            Meaning::Unix(_) => Some(Domain::Unix),
            Meaning::Machine(_) => Some(Domain::Vsock),
            Meaning::Name(_) => None,
        })
    }

    /// POE's, where there is no address to tell.
    fn default_domain(place: &Place) -> Option<Domain> {
        place.host.is_none().then_some(Domain::Inet)
    }

    fn row(&self, domain: Domain) -> Result<Row, Failure> {
        Row::find(domain, self.kind).ok_or_else(|| {
            let text = format!("{domain} has no {} here", self.kind);
            Failure::told(Operation::Domain, errno::SOCKTNOSUPPORT, text.into(), self.wheel)
        })
    }

    /// The addresses of a place, as far as they are known. Without a family: those of IPv4 and of IPv6.
    fn target(
        &self,
        place: &Place,
        domain: Option<Domain>,
        operation: Operation,
    ) -> Result<Target, Failure> {
        if let Some(fault) = &place.fault {
            return Err(self.refuse(operation, fault));
        }
        let row = domain.map(|domain| self.row(domain)).transpose()?;
        match row.map_or(Form::Internet, |row| row.form) {
            Form::Internet => self.internet(place, domain, operation),
            Form::Path => self.path(place, operation),
            Form::Machine => self.machine(place, operation),
        }
    }

    fn internet(
        &self,
        place: &Place,
        domain: Option<Domain>,
        operation: Operation,
    ) -> Result<Target, Failure> {
        let port = match place.service.as_ref().map_or(Ok(0), Service::port) {
            Ok(port) => Ok(u16::try_from(port).map_err(|_| self.no_port(port))?),
            Err(name) => Err(name),
        };
        let meaning = place.host.as_ref().map(|host| host.read(domain));
        let ask = |host: Option<String>, service: Option<&str>, port| {
            let service = service.map(ToOwned::to_owned);
            Ok(Target::Ask(Query { host, service, domain, kind: self.kind }, port))
        };
        match (meaning, port) {
            (None, Ok(port)) => Ok(Target::Known(any(domain, port))),
            (None, Err(service)) => ask(None, Some(service), None),
            (Some(Meaning::Ip(mut addr)), port) => {
                let is_of = if addr.is_ipv4() { Domain::Inet } else { Domain::Inet6 };
                if domain.is_some_and(|domain| domain != is_of) {
                    return Err(self.foreign(place, domain, operation));
                }
                match port {
                    Ok(port) => addr.set_port(port),
                    // Written out: a link-local address keeps its link.
                    Err(service) => {
                        return ask(place.host.as_ref().map(Host::to_string), Some(service), None);
                    }
                }
                Ok(Target::Known(vec![addr.into()]))
            }
            (Some(Meaning::Name(name)), Ok(port)) => ask(Some(name), None, Some(port)),
            (Some(Meaning::Name(name)), Err(service)) => ask(Some(name), Some(service), None),
            (Some(Meaning::Unix(_) | Meaning::Machine(_)), _) => {
                Err(self.foreign(place, domain, operation))
            }
        }
    }

    fn path(&self, place: &Place, operation: Operation) -> Result<Target, Failure> {
        if place.service.is_some() {
            return Err(self.refuse(operation, "a UNIX socket has no port"));
        }
        let address = match place.host.as_ref().map(|host| host.read(Some(Domain::Unix))) {
            None => return Err(self.refuse(operation, "a UNIX socket without a path")),
            Some(Meaning::Unix(address)) => Address::from(address),
            Some(Meaning::Ip(_) | Meaning::Machine(_) | Meaning::Name(_)) => {
                return Err(self.foreign(place, Some(Domain::Unix), operation));
            }
        };
        // What cannot be written down for the system is told before there is a socket.
        match address.to_system() {
            Ok(_) => Ok(Target::Known(vec![address])),
            Err(error) => Err(Failure::new(Operation::PackSockaddrUn, &error, self.wheel)),
        }
    }

    fn machine(&self, place: &Place, operation: Operation) -> Result<Target, Failure> {
        let cid = match place.host.as_ref().map(|host| host.read(Some(Domain::Vsock))) {
            None => ANY,
            Some(Meaning::Machine(cid)) => cid,
            Some(Meaning::Ip(_) | Meaning::Unix(_) | Meaning::Name(_)) => {
                return Err(self.foreign(place, Some(Domain::Vsock), operation));
            }
        };
        match place.service.as_ref().map_or(Ok(ANY), Service::port) {
            Ok(port) => Ok(Target::Known(vec![Address::Vsock { cid, port }])),
            Err(name) => Err(self.no_port(name)),
        }
    }

    fn refuse(&self, operation: Operation, text: &str) -> Failure {
        Failure::told(operation, errno::INVAL, text.to_owned().into(), self.wheel)
    }

    fn foreign(&self, place: &Place, domain: Option<Domain>, operation: Operation) -> Failure {
        let host = place.host.as_ref().map(ToString::to_string).unwrap_or_default();
        let domain = domain.map_or_else(|| "the internet".to_owned(), |domain| domain.to_string());
        let text = format!("no address of {domain}: {host}");
        Failure::told(operation, errno::AFNOSUPPORT, text.into(), self.wheel)
    }

    fn no_port(&self, port: impl std::fmt::Display) -> Failure {
        Failed::no_service(&port.to_string()).to(self.wheel)
    }
}

/// The type that a protocol is of, if it is a well-known one that has no streams.
fn type_of(protocol: &Protocol) -> Option<SocketType> {
    let of_datagrams = match protocol {
        // The aliases of the database are the same in capitals.
        Protocol::Name(name) => ["udp", "udplite", "icmp", "ipv6-icmp"]
            .into_iter()
            .any(|known| name.eq_ignore_ascii_case(known)),
        Protocol::Number(number) => [17, 136, 1, 58].contains(number),
    };
    of_datagrams.then_some(SocketType::Dgram)
}

/// The unspecified address, of a family or of both.
fn any(domain: Option<Domain>, port: u16) -> Vec<Address> {
    let v4 = Address::from((Ipv4Addr::UNSPECIFIED, port));
    let v6 = Address::from((Ipv6Addr::UNSPECIFIED, port));
    match domain {
        Some(Domain::Inet) => vec![v4],
        Some(Domain::Inet6) => vec![v6],
        None => vec![v6, v4],
        Some(Domain::Unix | Domain::Vsock) => Vec::new(),
    }
}

/// listen(2) cuts the backlog to the system's limit; a negative one is the limit itself.
const SYSTEM_LIMIT: i32 = -1;

/// `VMADDR_CID_ANY` and `VMADDR_PORT_ANY`.
const ANY: u32 = u32::MAX;
