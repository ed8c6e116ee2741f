//! What a session is made of, by its kind.

use crate::op::{Kind, Who};

pub(super) struct Session {
    pub(super) parent: Who,
    /// When it came to its parent.
    pub(super) joined: u64,
    pub(super) phase: Phase,
    pub(super) running: bool,
    pub(super) starting: bool,
    /// It is held for its maker, though nothing is queued yet.
    pub(super) unborn: bool,
    pub(super) handlers: Vec<Handler>,
    pub(super) has_default: bool,
    /// Which of the kernel's own events it is told.
    pub(super) hears: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Living,
    Marked,
    Ending,
    /// It has had its `_stop`.
    Ended,
}

#[derive(Clone, Copy)]
pub(super) struct Handler {
    pub(super) event: &'static str,
    pub(super) takes: Takes,
    pub(super) version: u64,
}

/// The types of payloads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Parcel,
    Text,
    Pair,
    Number,
    Signal,
    Unit,
    Child,
    Parent,
}

impl Phase {
    pub(super) const fn is_last(self) -> bool {
        matches!(self, Self::Ending | Self::Ended)
    }
}

impl Session {
    pub(super) fn new(kind: Kind, parent: Who, joined: u64) -> Self {
        let own = [
            ("_start", Takes::Unit),
            ("_stop", Takes::Unit),
            ("_child", Takes::Child),
            ("_parent", Takes::Parent),
        ];
        let common = [
            ("red", Takes::Parcel),
            ("wind", Takes::Parcel),
            ("green", Takes::Parcel),
            ("blue", Takes::Parcel),
            ("text", Takes::Text),
            ("answer", Takes::Pair),
            ("heed", Takes::Signal),
            ("obey", Takes::Signal),
            ("tick", Takes::Number),
        ];
        let (own, common, more) = match kind {
            Kind::Full => (&own[..], &common[..], None),
            Kind::Quiet => (&own[..0], &common[..], None),
            Kind::Default => (&own[..1], &common[..2], None),
            Kind::Keeper => (&own[..], &common[..], Some(("beat", Takes::Parcel))),
        };
        let all = own.iter().chain(common).copied().chain(more);
        let has_default = kind == Kind::Default;
        let hears = match kind {
            Kind::Full | Kind::Keeper | Kind::Default => OWN.to_vec(),
            Kind::Quiet => Vec::new(),
        };
        Self {
            parent,
            joined,
            phase: Phase::Living,
            running: false,
            starting: true,
            unborn: true,
            handlers: all.map(|(event, takes)| Handler { event, takes, version: 0 }).collect(),
            has_default,
            hears,
        }
    }
}

/// The kernel's own events.
pub(super) const OWN: [&str; 4] = ["_start", "_stop", "_child", "_parent"];
