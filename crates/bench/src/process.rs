//! A server under test: started, found, measured, and ended.
//!
//! The server runs alone on its core, prints `listening on ADDR` once it can accept, and is
//! killed when its [`ServerProcess`] is dropped.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::machine::{Cores, anonymous_bytes, cpu_nanos, sleeps};

/// How to start a server: one row of a benchmark's table of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// What the tables call it.
    pub name: &'static str,
    /// The program.
    pub path: &'static str,
    /// Its arguments after `ADDR:PORT`.
    pub args: &'static [&'static str],
}

impl Server {
    /// Starts it on a free port and waits until it accepts.
    ///
    /// # Errors
    ///
    /// When the program cannot be started, or does not say where it listens.
    pub fn start(&self, cores: Cores) -> io::Result<ServerProcess> {
        let mut command = Command::new(Path::new(self.path));
        command.arg("127.0.0.1:0").args(self.args).env_remove("RUST_LOG");
        // Affinity is inherited: so the server never runs a single instruction elsewhere.
        cores.enter_server();
        let started = ServerProcess::start(&mut command);
        cores.enter_load();
        started.map_err(|e| io::Error::new(e.kind(), format!("{} ({}): {e}", self.name, self.path)))
    }
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: SocketAddr,
    stdin: Option<ChildStdin>,
    /// Kept open, lest the server be told that nobody listens.
    stdout: Option<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Starts a program that is a server, and waits until it accepts.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or does not say where it listens.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(BufReader::new);
        let unknown = SocketAddr::from(([0; 4], 0));
        // Owned from here on, so that a server that says nonsense is killed as well.
        let mut server = Self { child, address: unknown, stdin, stdout };
        let line = server.read_line()?;
        server.address = line
            .trim_end()
            .strip_prefix("listening on ")
            .and_then(|address| address.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no address in its greeting {line:?}")))?;
        Ok(server)
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_line(&mut line)?;
        }
        Ok(line)
    }

    /// Asks it a question, a line on its standard input, and returns the line that it answers. For servers that
    /// do answer.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn ask(&mut self, question: &str) -> io::Result<String> {
        if let Some(stdin) = &mut self.stdin {
            writeln!(stdin, "{question}")?;
        }
        let answer = self.read_line()?;
        if answer.is_empty() {
            return Err(io::Error::other("the server has gone"));
        }
        Ok(answer)
    }

    /// The number of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let number = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let process = number.ok_or_else(|| io::Error::other("a process without a number"))?;
        Ok(kill_process(process, signal)?)
    }

    /// Ends it with `TERM`, and gives what it and whatever it runs in said on standard error, if that is
    /// a pipe.
    ///
    /// # Errors
    ///
    /// When it is gone, or said what is no text.
    pub fn end(mut self) -> io::Result<String> {
        let mut said = String::new();
        self.signal(Signal::TERM)?;
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        self.child.wait()?;
        Ok(said)
    }

    /// Nanoseconds of CPU it has used, once it has come to rest: when it sleeps and two readings
    /// agree, or else after a fifth of a second, since a server may have timers of its own.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn settled_cpu(&self) -> io::Result<u64> {
        let pid = self.child.id();
        let mut last = cpu_nanos(pid)?;
        for _ in 0..100 {
            thread::sleep(Duration::from_millis(2));
            let now = cpu_nanos(pid)?;
            if now == last && sleeps(pid)? {
                break;
            }
            last = now;
        }
        Ok(last)
    }

    /// Bytes of anonymous memory it holds, once it has come to rest.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn settled_memory(&self) -> io::Result<u64> {
        self.settled_cpu()?;
        anonymous_bytes(self.child.id())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may be gone already, which is what we want.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
