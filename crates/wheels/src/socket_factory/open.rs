//! From a plan whose names are known to sockets that work.
//!
//! Promises all or none: if one of several sockets cannot be opened, those before it are closed again.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

use reactor::Io;

use super::Established;
use super::builder::Settings;
use super::listener::{Door, Listener};
use super::maker::{Maker, domain_of};
use super::plan::{Number, Plan, Target, Work};
use super::race::{End, Race};
use crate::address::{Address, UnixAddress};
use crate::failure::{Failure, Operation};
use crate::family::{Domain, Row, Use};
use crate::socket::Socket;
use crate::sys::{self, errno};

/// What a factory does from now on.
pub(super) enum Opened {
    Listener(Listener),
    Race(Race),
    /// Nothing but to hand these over.
    Sockets(VecDeque<Established>),
}

type Made = (Socket, Row);

pub(super) fn open(plan: Plan, io: &mut Io<'_>) -> Result<Opened, Failure> {
    let Plan { kind, protocol, work, settings } = plan;
    let protocol = protocol.as_ref().and_then(Number::known);
    let mut maker = Maker { kind, protocol, settings, wheel: io.id() };
    match work {
        Work::Connect { far, near } => connect(maker, far, near, io),
        Work::Open { everywhere, near, backlog } => {
            let mut made = Vec::new();
            if let Some(port) = everywhere {
                maker.settings.only_v6 = true;
                let port = port.into_known().first().and_then(Address::as_ip);
                made = open_everywhere(&maker, port.map_or(0, |addr| addr.port()), backlog)?;
            }
            for target in near {
                made.push(open_one(&maker, target, backlog)?);
            }
            begin(made, &maker.settings, io)
        }
    }
}

/// Takes sockets over that listen already.
pub(super) fn adopt(
    listeners: Vec<OwnedFd>,
    settings: Settings,
    io: &mut Io<'_>,
) -> Result<Opened, Failure> {
    let wheel = io.id();
    let refused = |error: std::io::Error| Failure::new(Operation::Listen, &error, wheel);
    let adopt = |fd: OwnedFd| {
        let found = sys::describe(&fd).map_err(refused)?;
        let (kind, protocol) = (found.kind, Some(found.protocol));
        let maker = Maker { kind, protocol, settings: settings.clone(), wheel };
        let row = maker.row(found.domain)?;
        if !found.listens {
            let text = format!("descriptor {} does not listen", fd.as_raw_fd());
            return Err(Failure::told(Operation::Listen, errno::INVAL, text.into(), wheel));
        }
        // Set on the listener, they come to what it accepts.
        maker.apply_options(&fd, &row)?;
        Ok((Socket::try_from(fd).map_err(refused)?, row))
    };
    let made = listeners.into_iter().map(adopt).collect::<Result<Vec<_>, _>>()?;
    if made.is_empty() {
        let text = "no socket to listen with".into();
        return Err(Failure::told(Operation::Listen, errno::INVAL, text, wheel));
    }
    listen(made, &settings, io)
}

fn connect(
    maker: Maker,
    far: Target,
    near: Option<Target>,
    io: &mut Io<'_>,
) -> Result<Opened, Failure> {
    let near = near.map(Target::into_known).unwrap_or_default();
    let mut race = Race::new(maker, far.into_known(), near, io.now());
    match race.step(io) {
        None => Ok(Opened::Race(race)),
        Some(End::Failed(failure)) => Err(failure),
        Some(End::Made(socket, peer)) => {
            Ok(Opened::Sockets([Established { socket, peer, wheel: io.id() }].into()))
        }
    }
}

/// A socket of the first of the addresses where one can be.
fn open_one(maker: &Maker, target: Target, backlog: i32) -> Result<Made, Failure> {
    if let Target::Unbound(domain) = target {
        let row = maker.row(domain)?;
        return Ok((maker.make(&row, None)?, row));
    }
    let none = || {
        let text = "no address to bind to".into();
        Failure::told(Operation::Bind, errno::ADDRNOTAVAIL, text, maker.wheel)
    };
    let mut last = None;
    for near in target.into_known() {
        match open_at(maker, &near, backlog) {
            Ok(made) => return Ok(made),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(none))
}

fn open_at(maker: &Maker, near: &Address, backlog: i32) -> Result<Made, Failure> {
    let row = maker.row(domain_of(near))?;
    let socket = maker.make(&row, Some(near))?;
    if row.use_of == Use::Accept {
        let listening = sys::listen(&socket, backlog);
        listening.map_err(|error| maker.failed(Operation::Listen, &error))?;
    }
    Ok((socket, row))
}

/// Of each family a socket, on one port. Without IPv6, of IPv4 alone.
fn open_everywhere(maker: &Maker, port: u16, backlog: i32) -> Result<Vec<Made>, Failure> {
    let mut tries = if port == 0 { PORTS_TRIED } else { 1 };
    // They hold the ports that were in vain, so that the system chooses another.
    let mut in_vain = Vec::new();
    loop {
        match open_both(maker, port, backlog, &mut in_vain) {
            // The system chose a port that somebody has in the other family.
            Err(failure) if failure.errnum == errno::ADDRINUSE && tries > 1 => tries -= 1,
            opened => return opened,
        }
    }
}

/// A port that the system is to choose is chosen in IPv4: connections may have taken most of them there.
fn open_both(
    maker: &Maker,
    port: u16,
    backlog: i32,
    in_vain: &mut Vec<Made>,
) -> Result<Vec<Made>, Failure> {
    let v4 = open_at(maker, &(Ipv4Addr::UNSPECIFIED, port).into(), backlog)?;
    let local = v4.0.local_addr().ok().and_then(|local| local.as_ip());
    let port = local.map_or(port, |local| local.port());
    match open_at(maker, &(Ipv6Addr::UNSPECIFIED, port).into(), backlog) {
        Ok(v6) => Ok(vec![v6, v4]),
        Err(failure) if NO_IPV6.contains(&failure.errnum) => Ok(vec![v4]),
        Err(failure) => {
            in_vain.push(v4);
            Err(failure)
        }
    }
}

/// What a factory does with its sockets from now on.
fn begin(made: Vec<Made>, settings: &Settings, io: &mut Io<'_>) -> Result<Opened, Failure> {
    if made.iter().any(|(_, row)| row.use_of == Use::Accept) {
        return listen(made, settings, io);
    }
    let wheel = io.id();
    let hand_over = |(socket, row): Made| {
        let peer = match row.domain {
            Domain::Inet => (Ipv4Addr::UNSPECIFIED, 0).into(),
            Domain::Inet6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
            Domain::Unix | Domain::Vsock => UnixAddress::Unnamed.into(),
        };
        Established { socket, peer, wheel }
    };
    Ok(Opened::Sockets(made.into_iter().map(hand_over).collect()))
}

fn listen(made: Vec<Made>, settings: &Settings, io: &mut Io<'_>) -> Result<Opened, Failure> {
    let wheel = io.id();
    let failed = |operation| move |error| Failure::new(operation, &error, wheel);
    let door = |(socket, row): Made| {
        let local = socket.local_addr().map_err(failed(Operation::Listen))?;
        Ok(Door::new(socket, local, row))
    };
    let doors = made.into_iter().map(door).collect::<Result<Vec<_>, _>>()?;
    let listener = Listener::new(doors, settings.options.clone(), io);
    Ok(Opened::Listener(listener.map_err(failed(Operation::Watch))?))
}

/// What the system says of IPv6 where there is none.
const NO_IPV6: [i32; 2] = [errno::AFNOSUPPORT, errno::ADDRNOTAVAIL];

/// How often the system may choose a port that is free in one family alone.
const PORTS_TRIED: u32 = 16;
