//! Readiness: who watches what, and what they are told.

use std::os::fd::RawFd;

use reactor::Readiness;
use reactor::simulation::Notice;

use super::end::End;
use super::{EndId, Kind, Place, State};

impl State {
    pub(crate) fn watch(&mut self, fd: RawFd, token: usize) -> bool {
        if !self.has(fd) {
            return false;
        }
        let Ok(socket) = self.socket_mut(fd) else { return false };
        let was_unwatched = socket.is_unwatched();
        socket.token = Some(token);
        self.unwatched -= usize::from(was_unwatched);
        self.announce(fd);
        true
    }

    pub(crate) fn forget(&mut self, fd: RawFd) -> bool {
        let Ok(socket) = self.socket_mut(fd) else { return false };
        if socket.token.take().is_none() {
            return false;
        }
        self.unwatched += usize::from(socket.is_unwatched());
        true
    }

    /// Has a socket's host told that it became ready for something.
    pub(super) fn announce(&mut self, fd: RawFd) {
        let Ok(socket) = self.socket_mut(fd) else { return };
        if socket.token.is_some() && !socket.announced {
            socket.announced = true;
            let host = socket.host;
            self.hosts[host].ready.push(fd);
            self.told.insert(host);
        }
    }

    pub(super) fn announce_end(&mut self, id: EndId) {
        if let Some(fd) = self.ends.get(&id).and_then(|end| end.fd) {
            self.announce(fd);
        }
    }

    /// The hosts that are to be told something.
    pub(crate) fn told(&self) -> impl Iterator<Item = Place> {
        self.told.iter().copied()
    }

    /// What a host's kernel is to be told.
    pub(crate) fn notices(&mut self, host: Place, notices: &mut Vec<Notice>) {
        self.told.remove(&host);
        let mut ready = std::mem::take(&mut self.hosts[host].ready);
        if self.conditions.is_rough {
            self.random.shuffle(&mut ready);
        }
        for fd in ready.drain(..) {
            let Ok(socket) = self.socket_mut(fd) else { continue };
            socket.announced = false;
            let Some(token) = socket.token else { continue };
            let readiness = self.readiness(fd);
            if readiness != Readiness::NONE {
                notices.push(Notice { token, readiness });
            }
        }
        self.hosts[host].ready = ready;
    }

    fn readiness(&self, fd: RawFd) -> Readiness {
        let Ok(socket) = self.socket(fd) else { return Readiness::NONE };
        match &socket.kind {
            Kind::Reserve => Readiness::NONE,
            // Neither connected nor listening (epoll(7) says: hung up).
            Kind::Stream(None) => {
                Readiness::WRITABLE.with(Readiness::WRITE_CLOSED).with(Readiness::READ_CLOSED)
            }
            Kind::Stream(Some(end)) => self.ends.get(end).map_or(Readiness::NONE, End::readiness),
            Kind::Listener { queue, .. } if queue.is_empty() => Readiness::NONE,
            Kind::Listener { .. } => Readiness::READABLE,
            Kind::Datagram { inbox, error, .. } => {
                let readable = !inbox.is_empty() || error.is_some();
                let read = if readable { Readiness::READABLE } else { Readiness::NONE };
                read.with(Readiness::WRITABLE)
            }
        }
    }
}
