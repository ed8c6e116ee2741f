//! The events that a client's wheels and its timer send to its session. Nobody else sends them.

pub(super) const ESTABLISHED: &str = "tcp_client_established";
pub(super) const NOT_CONNECTED: &str = "tcp_client_not_connected";
pub(super) const INPUT: &str = "tcp_client_input";
pub(super) const FAILED: &str = "tcp_client_failed";
pub(super) const FLUSHED: &str = "tcp_client_flushed";
pub(super) const HIGH: &str = "tcp_client_high";
pub(super) const LOW: &str = "tcp_client_low";
/// It has waited long enough.
pub(super) const RETRY: &str = "tcp_client_retry";
/// A callback failed, and what it asked for is not done.
pub(super) const SETTLE: &str = "tcp_client_settle";
