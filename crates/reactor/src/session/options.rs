//! What a session wants to have said about it.

/// A session's options (POE: `$session->option`). Set by [`Context::set_options`](crate::Context::set_options).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "three switches, each by itself, as POE has them"
)]
#[non_exhaustive]
pub struct Options {
    /// Each event that is delivered to the session is logged, as `info` with the target `reactor::events`.
    /// Default: off.
    pub trace: bool,
    /// An event that the session does not handle is a warning in the log. Default: on. (POE: off, unless
    /// `ASSERT_STATES` is on.) Strict mode does not ask for it.
    pub default: bool,
    /// A handler that [`Context::state`](crate::Context::state) replaces is a warning in the log.
    /// Default: off.
    pub debug: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { trace: false, default: true, debug: false }
    }
}
