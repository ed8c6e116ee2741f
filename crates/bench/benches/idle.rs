//! User-space bytes that each server in the table holds per idle connection.
//!
//! Each connection echoes one message of 64 bytes and then is silent. The figure is the growth of
//! the server's anonymous memory over 10,000 connections, after a first 100 that pay for what is
//! allocated once. The system's buffers are not in it. `cargo bench -p bench --bench idle -- [SERVER ...]`,
//! where a server is any part of its name.

mod servers;

use std::io;

use bench::args::Options;
use bench::burst_load::{BurstLoad, Farewell};
use bench::machine::{Cores, raise_descriptor_limit};
use bench::poe;
use bench::process::Server;
use servers::SERVERS;

const BY_HAND: &str = env!("CARGO_BIN_EXE_lines_wheels");

const TCP_SERVER: &str = env!("CARGO_BIN_EXE_lines_tcp_server");

/// Ours, where each client has a session of its own; and servers of lines.
const MORE: &[Server] = &[
    Server { name: "a session each", path: env!("CARGO_BIN_EXE_echo_sessions"), args: &[] },
    Server { name: "lines", path: BY_HAND, args: &[] },
    Server { name: "lines, limits", path: BY_HAND, args: &["--limits"] },
    Server { name: "TcpServer", path: TCP_SERVER, args: &[] },
    Server { name: "TcpServer, sessions", path: TCP_SERVER, args: &["--sessions"] },
    poe::SERVER_TCP,
];

/// Connections opened together.
const BATCH: usize = 100;

const CONNECTIONS: usize = 10_000;

/// Descriptors that are no connections: standard streams, pipes, pollers.
const SPARE: u64 = 64;

fn bytes_per_connection(server: &Server, cores: Cores, connections: usize) -> io::Result<f64> {
    let server = server.start(cores)?;
    let mut load = BurstLoad::new(server.address(), Farewell::Reset);
    let _warm_up = load.open(BATCH)?;
    let before = server.settled_memory()?;
    let mut held = Vec::with_capacity(connections);
    while held.len() < connections {
        held.extend(load.open(BATCH.min(connections - held.len()))?);
    }
    let after = server.settled_memory()?;
    Ok((after as f64 - before as f64) / connections as f64)
}

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let cores = Cores::detect();
    let limit = raise_descriptor_limit().saturating_sub(BATCH as u64 + SPARE);
    let connections = CONNECTIONS.min(usize::try_from(limit).unwrap_or(usize::MAX));
    println!("user-space bytes per idle connection, {connections} held");
    let poe = poe::version();
    println!("{}", poe.as_deref().unwrap_or("no POE: it is passed over"));
    let possible = |server: &&Server| poe.is_some() || **server != poe::SERVER_TCP;
    for server in SERVERS.iter().chain(MORE).filter(possible) {
        if !options.wants(server.name) {
            continue;
        }
        println!("{:<24} {:>8.0}", server.name, bytes_per_connection(server, cores, connections)?);
    }
    Ok(())
}
