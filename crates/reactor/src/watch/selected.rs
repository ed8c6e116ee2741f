//! What a watch tells.

use std::fmt;

use crate::ids::WheelId;

/// A watched descriptor is ready (POE: the arguments of a `select_read` event).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selected {
    /// The [`Watch`](crate::Watch) it came by (POE: `ARG0`, the handle itself).
    pub watch: WheelId,
    /// What it is ready for (POE: `ARG1`, which is 0, 1 or 2).
    pub mode: SelectMode,
}

/// What a descriptor is watched for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum SelectMode {
    /// Reading, or accepting (POE: 0).
    Read,
    /// Writing, or the end of a connect (POE: 1).
    Write,
    /// Reading urgent data, out of band (POE: 2).
    Expedite,
}

impl fmt::Display for SelectMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Expedite => "expedite",
        })
    }
}
