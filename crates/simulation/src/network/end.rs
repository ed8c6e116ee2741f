//! One end of a connection: what it has received, what it has sent, and how it ended.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::RawFd;

use reactor::Readiness;

use super::settings::Settings;
use super::{EndId, Place, Time};

#[expect(clippy::struct_excessive_bools, reason = "each by itself, as in TCP")]
pub(super) struct End {
    pub(super) host: Place,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) stage: Stage,
    pub(super) settings: Settings,
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
    /// Since when there is no room for what we would send: when there is again, it is told.
    pub(super) wants_room: Option<Time>,
    /// What is on its way to this end, in order, and when it arrives.
    pub(super) wire: VecDeque<(Time, Packet)>,
    /// Whether the first of it is in the agenda.
    pub(super) awaited: bool,
    /// How often the first of it was lost, and since when.
    pub(super) lost: Option<(u32, Time)>,
    /// When it came to be, or last heard of the other end.
    pub(super) heard: Time,
    /// How many probes nobody answered, if it is being found out whether the other end is there.
    pub(super) probes: Option<u32>,
}

///  connecting --welcome--> open      (who asked)
///  answering(listener) --confirmed--> open      (who was asked: waits to be accepted from then on)
///  any --reset, given up--> broken
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Asked so often.
    Connecting(u32),
    /// The listener's descriptor and number.
    Answering(RawFd, u64),
    Open,
    /// Reset, timed out, or never connected. Whatever still comes is answered with a reset.
    Broken,
}

pub(super) enum Packet {
    /// The connection is made, as far as who was asked is concerned.
    Welcome,
    /// The answer to that.
    Confirm,
    Data(Vec<u8>),
    /// The last.
    End,
    Reset,
    /// So much was read.
    Room(usize),
    /// Is there room?
    Probe,
}

impl End {
    pub(super) fn new(host: Place, addresses: [SocketAddr; 2], stage: Stage, now: Time) -> Self {
        let [local, remote] = addresses;
        Self {
            host,
            local,
            remote,
            stage,
            settings: Settings::default(),
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
            wants_room: None,
            wire: VecDeque::new(),
            awaited: false,
            lost: None,
            heard: now,
            probes: None,
        }
    }

    pub(super) const fn room(&self) -> usize {
        self.window.saturating_sub(self.used)
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    pub(super) fn is_broken(&self) -> bool {
        self.stage == Stage::Broken
    }

    /// What it is ready for, as epoll(7) tells.
    pub(super) fn readiness(&self) -> Readiness {
        let broken = self.is_broken() || self.error.is_some();
        let open = self.is_open();
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
