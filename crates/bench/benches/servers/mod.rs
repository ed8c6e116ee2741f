//! The servers under test. Add one here and every benchmark runs it.

use bench::process::Server;

/// The first is what the others are compared with.
pub(crate) const SERVERS: &[Server] = &[
    Server { name: "bare mio", path: env!("CARGO_BIN_EXE_echo_mio"), args: &[] },
    Server { name: "wheelhouse", path: env!("CARGO_BIN_EXE_echo_wheels"), args: &[] },
    Server { name: "tokio, current thread", path: env!("CARGO_BIN_EXE_echo_tokio"), args: &[] },
];
