//! What `TcpServer` costs: against wheels by hand, and against POE's `Component::Server::TCP`.
//!
//! Echoes of lines, and connections accepted, echoed and closed. The servers take turns in short rounds: see
//! `bench::contest`. `cargo bench -p bench --bench tcp_server -- [--rounds N] [SCENARIO ...]`, where a
//! scenario is any part of its name: `by hand`, `POE`, `deep`, `bursts`. Where there is no POE (Debian:
//! `libpoe-perl`), it says so, and passes over what is compared with it.
//!
//! All of them have the same filter, lines that end with LF. `TcpServer` has the limits of time that it sets
//! unless told otherwise; by hand there are none, or in its second row the same ones. POE runs on the event
//! loop that it takes by default.
//!
//! Columns as in `benches/echo.rs`.

use std::io;
use std::time::Instant;

use bench::args::Options;
use bench::burst_load::Farewell;
use bench::contest::{Scenario, Shape};
use bench::echo_load::EchoShape;
use bench::machine::{Cores, raise_descriptor_limit};
use bench::poe;
use bench::process::Server;
use bench::table::echo_table;

const ROUNDS: usize = 21;

const BY_HAND: &str = env!("CARGO_BIN_EXE_lines_wheels");

const TCP_SERVER: Server =
    Server { name: "TcpServer", path: env!("CARGO_BIN_EXE_lines_tcp_server"), args: &[] };

const SESSIONS: Server =
    Server { name: "TcpServer, sessions", args: &["--sessions"], ..TCP_SERVER };

const AGAINST_WHEELS: &[Server] = &[
    Server { name: "by hand", path: BY_HAND, args: &[] },
    Server { name: "by hand, limits", path: BY_HAND, args: &["--limits"] },
    TCP_SERVER,
    SESSIONS,
];

const AGAINST_POE: &[Server] = &[poe::SERVER_TCP, TCP_SERVER, SESSIONS];

const ECHO: Shape = Shape::Echo(EchoShape { connections: 50, size: 64, depth: 1 });

const DEEP: Shape = Shape::Echo(EchoShape { connections: 50, size: 64, depth: 16 });

const BURSTS: Shape = Shape::Bursts(100, Farewell::Orderly);

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "50 connections x lines of 64 B, by hand and not",
        servers: AGAINST_WHEELS,
        shape: ECHO,
        requests: 20_000,
    },
    Scenario {
        name: "50 connections x lines of 64 B, 16 deep, by hand and not",
        servers: AGAINST_WHEELS,
        shape: DEEP,
        requests: 240_000,
    },
    Scenario {
        name: "accept + echo + close, bursts of 100, by hand and not",
        servers: AGAINST_WHEELS,
        shape: BURSTS,
        requests: 4_000,
    },
    Scenario {
        name: "50 connections x lines of 64 B, POE and not",
        servers: AGAINST_POE,
        shape: ECHO,
        requests: 10_000,
    },
    Scenario {
        name: "accept + echo + close, bursts of 100, POE and not",
        servers: AGAINST_POE,
        shape: BURSTS,
        requests: 1_000,
    },
];

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let cores = Cores::detect();
    raise_descriptor_limit();
    let begin = Instant::now();
    let poe = poe::version();
    println!("{rounds} interleaved rounds; us: microseconds of the server's CPU per request");
    println!("{}", poe.as_deref().unwrap_or("no POE: what is compared with it is passed over"));
    let possible = |scenario: &&Scenario| poe.is_some() || scenario.servers != AGAINST_POE;
    for scenario in SCENARIOS.iter().filter(possible) {
        if options.wants(scenario.name) {
            print!("{}", echo_table(scenario.name, &scenario.run(rounds, cores)?));
        }
    }
    println!("\n{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}
