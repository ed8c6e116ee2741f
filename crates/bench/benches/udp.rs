//! CPU per echoed datagram of 64 bytes, against a server with a system call for each message.
//!
//! The servers run on one core, the load on another; rounds are short and interleaved, as in
//! `echo.rs`, and so are the columns. `cargo bench -p bench --bench udp -- [--rounds N] [SCENARIO ...]`,
//! where a scenario is any part of its name.

use std::io;
use std::time::Instant;

use bench::args::Options;
use bench::machine::Cores;
use bench::process::{Server, ServerProcess};
use bench::table::{Samples, echo_table};
use bench::udp_load::{UdpLoad, UdpShape};

/// The first is what the others are compared with.
const SERVERS: &[Server] = &[
    Server { name: "bare mio", path: env!("CARGO_BIN_EXE_udp_mio"), args: &[] },
    Server { name: "wheelhouse", path: env!("CARGO_BIN_EXE_udp_wheels"), args: &[] },
];

const ROUNDS: usize = 11;

/// Messages under way are fewer than a receive buffer of the usual size holds.
const SCENARIOS: &[(&str, UdpShape)] = &[
    ("1 client x 64 B, 1 deep", UdpShape { clients: 1, depth: 1 }),
    ("50 clients x 64 B, 1 deep", UdpShape { clients: 50, depth: 1 }),
    ("2 clients x 64 B, 64 deep", UdpShape { clients: 2, depth: 64 }),
    ("8 clients x 64 B, 16 deep", UdpShape { clients: 8, depth: 16 }),
    ("32 clients x 64 B, 4 deep", UdpShape { clients: 32, depth: 4 }),
];

/// Messages in a round.
const REQUESTS: u64 = 60_000;

/// One server, and the load that drives it.
#[derive(Debug)]
struct Contestant {
    server: ServerProcess,
    load: UdpLoad,
    samples: Samples,
}

impl Contestant {
    fn round(&mut self) -> io::Result<()> {
        let before = self.server.settled_cpu()?;
        let (done, elapsed) = self.load.run(REQUESTS)?;
        let after = self.server.settled_cpu()?;
        self.samples.add(after - before, done, elapsed);
        Ok(())
    }
}

fn run(name: &str, shape: UdpShape, rounds: usize, cores: Cores) -> io::Result<()> {
    let mut contestants = Vec::new();
    for server in SERVERS {
        let server = server.start(cores)?;
        let mut load = UdpLoad::connect(server.address(), shape)?;
        load.run(REQUESTS / 4)?; // warms caches, heaps and the branch predictor
        contestants.push(Contestant { server, load, samples: Samples::default() });
    }
    for round in 0..rounds {
        for turn in 0..contestants.len() {
            let next = (round + turn) % contestants.len();
            contestants[next].round()?;
        }
    }
    let rows: Vec<_> = SERVERS
        .iter()
        .zip(contestants)
        .map(|(server, contestant)| (server.name, contestant.samples))
        .collect();
    print!("{}", echo_table(name, &rows));
    Ok(())
}

fn main() -> io::Result<()> {
    let options = Options::from_env();
    let rounds = options.rounds.unwrap_or(ROUNDS);
    let cores = Cores::detect();
    let begin = Instant::now();
    println!("{rounds} interleaved rounds; us: microseconds of the server's CPU per request");
    for (name, shape) in SCENARIOS.iter().filter(|(name, _)| options.wants(name)) {
        run(name, *shape, rounds, cores)?;
    }
    println!("\n{:.0} s", begin.elapsed().as_secs_f64());
    Ok(())
}
