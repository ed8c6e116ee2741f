//! What a core can answer over HTTP: "hello", with a date, by our filter on wheels and by hyper on tokio.
//!
//! The servers run on one core, `wrk` on another: 50 connections, one request at a time on each. Rounds
//! of a second are interleaved, so that what the machine does meanwhile hits both alike.
//! `cargo bench -p bench --bench http -- [--rounds N]`. Where there is no `wrk`, it says so and does
//! nothing.
//!
//! Columns: requests per second of the server's CPU, the system's part included (best and median round),
//! requests per second (median), and the first as a ratio to hyper's, once best to best, once as the
//! median of the ratios within each round.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bench::args::Options;
use bench::machine::Cores;
use bench::process::{Server, ServerProcess};
use bench::table::{Samples, rate_table};
use bench::wrk;

const ROUNDS: usize = 11;

const ROUND: Duration = Duration::from_secs(1);

/// The first is what the other is compared with.
const SERVERS: &[Server] = &[
    Server { name: "hyper", path: env!("CARGO_BIN_EXE_http_hyper"), args: &[] },
    Server { name: "wheelhouse", path: env!("CARGO_BIN_EXE_http_wheels"), args: &[] },
];

struct Contestant {
    server: ServerProcess,
    samples: Samples,
}

impl Contestant {
    fn start(server: &Server, cores: Cores) -> io::Result<Self> {
        let server = server.start(cores)?;
        wrk::run(server.address(), ROUND)?; // warms caches, heaps and the branch predictor
        Ok(Self { server, samples: Samples::default() })
    }

    fn round(&mut self) -> io::Result<()> {
        let before = self.server.settled_cpu()?;
        let (done, elapsed) = wrk::run(self.server.address(), ROUND)?;
        let after = self.server.settled_cpu()?;
        self.samples.add(after - before, done, elapsed);
        Ok(())
    }
}

/// The names of the fields of an answer, sorted, and its body.
fn answer(server: SocketAddr) -> io::Result<(Vec<String>, String)> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut names: Vec<_> = fields.map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    Ok((names, body.to_owned()))
}

fn main() -> io::Result<()> {
    let rounds = Options::from_env().rounds.unwrap_or(ROUNDS);
    if !wrk::is_installed() {
        println!("passed over: wrk is not installed");
        return Ok(());
    }
    let cores = Cores::detect();
    let mut contestants = Vec::new();
    for server in SERVERS {
        contestants.push(Contestant::start(server, cores)?);
    }
    let answers: Vec<_> = contestants
        .iter()
        .map(|contestant| answer(contestant.server.address()))
        .collect::<Result<_, _>>()?;
    assert_eq!(answers[0], answers[1], "they do not do the same");

    println!("{rounds} interleaved rounds of {} s", ROUND.as_secs());
    for round in 0..rounds {
        for turn in 0..contestants.len() {
            let next = (round + turn) % contestants.len();
            contestants[next].round()?;
        }
    }
    let samples = contestants.into_iter().map(|contestant| contestant.samples);
    let rows: Vec<_> = SERVERS.iter().map(|server| server.name).zip(samples).collect();
    print!("{}", rate_table("requests per second of the server's CPU", &rows));
    Ok(())
}
