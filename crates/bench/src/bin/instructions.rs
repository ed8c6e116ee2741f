//! Counts the instructions that an echo server takes in user space for one message.
//!
//! `instructions PROGRAM [ARGUMENT ...]` runs the server in valgrind, twice, and says by how many instructions
//! the longer run took more for each of the messages that it had more: so the start and the end fall out, and
//! what the machine does meanwhile does not matter. The system's part is not counted.
//!
//! Fifty connections have 64 bytes each in every round. The server is stopped while they are sent, so that it
//! finds all of them at once, each time: how many messages share a wait would else be a matter of chance.

#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use bench::process::ServerProcess;
use rustix::process::Signal;

const CONNECTIONS: u64 = 50;
const MESSAGE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.\n";
const FEW_ROUNDS: u64 = 100;
const MANY_ROUNDS: u64 = 500;

/// How long a server may be silent. One in valgrind is slow.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((program, arguments)) = arguments.split_first() else {
        eprintln!("usage: instructions PROGRAM [ARGUMENT ...]");
        return Ok(ExitCode::from(2));
    };
    let few = count(program, arguments, FEW_ROUNDS)?;
    let many = count(program, arguments, MANY_ROUNDS)?;
    println!("{}", (many - few) / ((MANY_ROUNDS - FEW_ROUNDS) * CONNECTIONS));
    Ok(ExitCode::SUCCESS)
}

/// The instructions of a run of so many rounds.
fn count(program: &str, arguments: &[String], rounds: u64) -> io::Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", program, "127.0.0.1:0"]);
    let server = ServerProcess::start(command.args(arguments).stderr(Stdio::piped()))?;
    let streams = (0..CONNECTIONS).map(|_| connect(&server)).collect::<io::Result<Vec<_>>>()?;
    for _ in 0..rounds {
        play(&streams, &server)?;
    }
    let said = server.end()?;
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    collected
        .and_then(|(_, number)| number.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("no count in what valgrind said:\n{said}")))
}

fn connect(server: &ServerProcess) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server.address())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// One message on each connection, and its echo.
fn play(streams: &[TcpStream], server: &ServerProcess) -> io::Result<()> {
    server.signal(Signal::STOP)?;
    for mut stream in streams {
        stream.write_all(MESSAGE)?;
    }
    server.signal(Signal::CONT)?;
    for mut stream in streams {
        let mut echo = [0; MESSAGE.len()];
        stream.read_exact(&mut echo)?;
        if echo != *MESSAGE {
            return Err(io::Error::other("another message came back"));
        }
    }
    Ok(())
}
