//! One end of a connection: what it has received, what it has sent, and how it ended.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use reactor::Readiness;

use super::{EndId, Place, Time};

#[expect(clippy::struct_excessive_bools, reason = "each by itself, as in TCP")]
pub(super) struct End {
    pub(super) host: Place,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) stage: Stage,
    /// Absent while nobody has answered.
    pub(super) other: Option<EndId>,
    /// Its socket, once it has one and until that is closed.
    pub(super) fd: Option<RawFd>,
    /// Whether nobody has it open, or ever will.
    pub(super) closed: bool,
    pub(super) error: Option<i32>,
    /// What is received, and not read.
    pub(super) inbox: VecDeque<u8>,
    /// Whether the other end has said its last.
    pub(super) heard_end: bool,
    /// Whether reading was shut down.
    pub(super) deaf: bool,
    /// Whether we have said our last.
    pub(super) said_end: bool,
    /// How much the other end lets us have under way or unread.
    pub(super) window: usize,
    /// How much of it we use, as far as we know.
    pub(super) used: usize,
    /// What was read and the other end does not know of.
    pub(super) read_silently: usize,
    /// Whether a send was cut short: when there is room again, it is told.
    pub(super) wants_room: bool,
    /// What is on its way to this end, in order, and when it arrives.
    pub(super) wire: VecDeque<(Time, Packet)>,
    /// Whether the first of it is in the agenda.
    pub(super) awaited: bool,
    /// How often the first of it was lost, and since when.
    pub(super) lost: Option<(u32, Time)>,
    /// How often it was asked for, if it is still to be connected.
    pub(super) asked: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Connecting,
    Open,
    /// Reset, timed out, or never connected.
    Broken,
}

pub(super) enum Packet {
    /// The connection is made.
    Welcome,
    Data(Vec<u8>),
    /// The last.
    End,
    Reset,
    /// So much was read.
    Room(usize),
}

impl End {
    pub(super) fn new(host: Place, local: SocketAddr, remote: SocketAddr, stage: Stage) -> Self {
        Self {
            host,
            local,
            remote,
            stage,
            other: None,
            fd: None,
            closed: false,
            error: None,
            inbox: VecDeque::new(),
            heard_end: false,
            deaf: false,
            said_end: false,
            window: 0,
            used: 0,
            read_silently: 0,
            wants_room: false,
            wire: VecDeque::new(),
            awaited: false,
            lost: None,
            asked: 0,
        }
    }

    pub(super) const fn room(&self) -> usize {
        self.window.saturating_sub(self.used)
    }

    /// What it is ready for, as epoll(7) tells.
    pub(super) fn readiness(&self) -> Readiness {
        let broken = self.stage == Stage::Broken || self.error.is_some();
        let open = self.stage == Stage::Open;
        let ended = open && (self.heard_end || self.deaf);
        let flags = [
            (broken || ended || !self.inbox.is_empty(), Readiness::READABLE),
            (broken || ended, Readiness::READ_CLOSED),
            (broken || (open && (self.room() > 0 || self.said_end)), Readiness::WRITABLE),
            (broken || (ended && self.said_end), Readiness::WRITE_CLOSED),
        ];
        let flags = flags.into_iter().filter(|(is, _)| *is);
        flags.fold(Readiness::NONE, |all, (_, flag)| all.with(flag))
    }

    /// It is no use any more, and who asks why is told once.
    pub(super) fn break_with(&mut self, error: i32) {
        self.stage = Stage::Broken;
        self.error = Some(error);
    }
}
