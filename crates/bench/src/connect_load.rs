//! Connections made, heard of, and dropped: the clients under test, and the listener they call.
//!
//! A client is a process of its own, told where to connect to, how often, and how many to have on
//! their way at once. It waits for a line on stdin, does its [`Errand`], and says on stdout what
//! that cost it.

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use crate::machine::{Cores, own_cpu};

/// What a client is to do.
#[derive(Debug, Clone, Copy)]
pub struct Errand {
    /// Where to connect to.
    pub address: SocketAddr,
    /// How often.
    pub connections: u64,
    /// How many are on their way at a time: the next begins when one is made and dropped.
    pub at_once: u64,
}

/// What an errand cost the client's process.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Nanoseconds of CPU, system's part included.
    pub cpu_nanos: u64,
    /// From the first connection's begin to the last one's end.
    pub elapsed: Duration,
}

impl Errand {
    /// The client's half: reads the arguments, waits until it may begin, does it, and says what it
    /// cost. Prints the usage and ends the process with status 2 if the arguments make no sense.
    ///
    /// # Errors
    ///
    /// Those of `run`, and a closed stdin or stdout.
    pub fn perform(run: impl FnOnce(Self) -> io::Result<()>) -> io::Result<()> {
        let errand = Self::from_args().unwrap_or_else(|| {
            eprintln!("usage: CLIENT ADDR:PORT CONNECTIONS AT_ONCE");
            process::exit(2)
        });
        io::stdin().lock().read_line(&mut String::new())?;
        let (cpu, begin) = (own_cpu(), Instant::now());
        run(errand)?;
        let (cpu, elapsed) = (own_cpu().saturating_sub(cpu), begin.elapsed());
        writeln!(io::stdout(), "{} {}", cpu.as_nanos(), elapsed.as_nanos())
    }

    fn from_args() -> Option<Self> {
        let mut args = env::args().skip(1);
        let errand = Self {
            address: args.next()?.parse().ok()?,
            connections: args.next()?.parse().ok()?,
            at_once: args.next()?.parse().ok().filter(|n| *n > 0)?,
        };
        args.next().is_none().then_some(errand)
    }
}

/// How to start a client: one row of a benchmark's table of clients.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// What the tables call it.
    pub name: &'static str,
    /// The program.
    pub path: &'static str,
}

/// A client that has not begun. Dropping it kills it.
#[derive(Debug)]
pub struct ClientProcess {
    child: Child,
}

impl Client {
    /// Starts it on the core of what is measured, where it waits.
    ///
    /// # Errors
    ///
    /// When the program cannot be started.
    pub fn start(&self, errand: Errand, cores: Cores) -> io::Result<ClientProcess> {
        let Errand { address, connections, at_once } = errand;
        let mut command = Command::new(Path::new(self.path));
        command.args([address.to_string(), connections.to_string(), at_once.to_string()]);
        command.env_remove("RUST_LOG").stdin(Stdio::piped()).stdout(Stdio::piped());
        cores.enter_server();
        let spawned = command.spawn();
        cores.enter_load();
        let child = spawned.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", self.path)))?;
        Ok(ClientProcess { child })
    }
}

impl ClientProcess {
    /// The process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it begin, and waits until it is done.
    ///
    /// # Errors
    ///
    /// When it failed.
    pub fn run(mut self) -> io::Result<Cost> {
        if let Some(mut stdin) = self.child.stdin.take() {
            stdin.write_all(b"\n")?;
        }
        let mut line = String::new();
        if let Some(stdout) = self.child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut numbers = line.split_whitespace().map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(cpu_nanos), Some(elapsed)) => {
                Ok(Cost { cpu_nanos, elapsed: Duration::from_nanos(elapsed) })
            }
            _ => Err(io::Error::other("a client failed")),
        }
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        // It is gone already, if all went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Listens on a thread of its own, for as long as the process lives.
///
/// Each connection is kept until its client closes it, and then reset, so that the client's port is
/// free at once: thousands of them in `TIME_WAIT` would leave none.
///
/// # Errors
///
/// When there is no port or no thread.
pub fn listen(cores: Cores) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    set_socket_linger(&listener, Some(Duration::ZERO))?; // connections inherit it
    let address = listener.local_addr()?;
    thread::Builder::new().name("listener".into()).spawn(move || {
        cores.enter_load();
        listener.incoming().filter_map(Result::ok).for_each(bury);
    })?;
    Ok(address)
}

fn bury(mut stream: TcpStream) {
    // An error is an end, too.
    while matches!(stream.read(&mut [0; 64]), Ok(1..)) {}
}
