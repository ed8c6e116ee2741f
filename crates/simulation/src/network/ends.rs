//! Word of what was closed.
//!
//! A simulated socket's descriptor is one end of a pair of the system's, of which the network has the
//! other. Whoever closes the one, wherever it has come to, hangs up on the other.

use std::io;
use std::os::fd::OwnedFd;

use rustix::event::{Timespec, epoll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

pub(super) struct Ends {
    epoll: OwnedFd,
    found: Vec<epoll::Event>,
}

impl Ends {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            found: Vec::with_capacity(64),
        })
    }

    /// A descriptor to give away, and what is kept of it. By the number its end will be told.
    pub(super) fn open(&self, number: u64) -> io::Result<(OwnedFd, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (given, kept) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let flags = epoll::EventFlags::RDHUP;
        epoll::add(&self.epoll, &kept, epoll::EventData::new_u64(number), flags)?;
        Ok((given, kept))
    }

    /// The numbers of some that were closed. Of each until what was kept of it is closed too.
    pub(super) fn closed(&mut self) -> Vec<u64> {
        loop {
            self.found.clear();
            let room = rustix::buffer::spare_capacity(&mut self.found);
            // Interrupted: nothing is lost but time.
            let (Ok(_) | Err(_)) = epoll::wait(&self.epoll, room, Some(&Timespec::default()));
            if self.found.len() < self.found.capacity() {
                break;
            }
            // Which of too many it tells would be its own affair too.
            self.found.reserve(self.found.capacity() * 2);
        }
        let mut numbers: Vec<u64> = self.found.iter().map(|event| event.data.u64()).collect();
        // In which order the system tells is its own affair, and which descriptors it gives.
        numbers.sort_unstable();
        numbers
    }
}
