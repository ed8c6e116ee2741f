//! The clients under test. Add one here and every benchmark runs it.

use bench::connect_load::Client;

/// The first is what the others are compared with.
pub(crate) const CLIENTS: &[Client] = &[
    Client { name: "bare mio", path: env!("CARGO_BIN_EXE_connect_mio") },
    Client { name: "wheelhouse", path: env!("CARGO_BIN_EXE_connect_wheels") },
    Client { name: "tokio, current thread", path: env!("CARGO_BIN_EXE_connect_tokio") },
];
