//! One of the built examples, run as a process.
//!
//! Promises that no test waits for ever: a program that is not done in a minute is killed, which ends
//! whatever was read from it, and one that a test leaves behind is killed when the test ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketType};
use rustix::process::{Pid, Signal, kill_process};

#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Dropped when the program is done: nobody need watch it any more.
    _watched: Sender<()>,
}

/// How a program ended, and what it said that was not read before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// `None` if a signal killed it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An echo server that accepts.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn start<A: AsRef<OsStr>>(name: &str, arguments: &[A], stdin: Stdio) -> Self {
        Self::start_logging(name, arguments, stdin, None)
    }

    pub(crate) fn start_logging<A: AsRef<OsStr>>(
        name: &str,
        arguments: &[A],
        stdin: Stdio,
        log: Option<&str>,
    ) -> Self {
        let mut command = Command::new(path_of(name));
        command.args(arguments).env_remove("RUST_LOG").envs(log.map(|level| ("RUST_LOG", level)));
        command.stdin(stdin);
        Self::run(command)
    }

    /// Starts what needs not be an example.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?}: {error} (`cargo test` builds the examples)");
        });
        let stdout = BufReader::new(child.stdout.take().expect("piped above"));
        let watched = watch(Pid::from_child(&child));
        Self { child, stdout, _watched: watched }
    }

    /// Where it listens next, by the line that says so.
    pub(crate) fn listening(&mut self) -> String {
        let line = self.line();
        let place = line.strip_prefix("listening on ").and_then(|rest| rest.strip_suffix('\n'));
        place.unwrap_or_else(|| panic!("it said {line:?}")).to_owned()
    }

    /// The next line of its output, with its ending; empty when its output has ended.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the pipe can be read");
        line
    }

    /// Its input, to be written to and closed by dropping it.
    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("started with a pipe, and taken once")
    }

    pub(crate) fn kill(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it was not waited for yet");
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with a signal.
    pub(crate) fn end_by(self, signal: Signal) -> End {
        self.kill(signal);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> End {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).expect("the pipe can be read");
        let mut pipe = self.child.stderr.take().expect("piped at the start, and taken once");
        pipe.read_to_string(&mut stderr).expect("the pipe can be read");
        let code = self.child.wait().expect("it was not waited for yet").code();
        End { code, stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already, which is what we want.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts one on a free port and waits until it accepts.
    pub(crate) fn start(more_arguments: &[&str]) -> Self {
        Self::start_logging(more_arguments, None)
    }

    pub(crate) fn start_logging(more_arguments: &[&str], log: Option<&str>) -> Self {
        Self::start_program("echo_server", more_arguments, log)
    }

    pub(crate) fn start_program(name: &str, more_arguments: &[&str], log: Option<&str>) -> Self {
        let arguments = [&["127.0.0.1:0"], more_arguments].concat();
        Self::listening(Program::start_logging(name, &arguments, Stdio::null(), log))
    }

    /// A program that says first where it listens.
    pub(crate) fn listening(mut program: Program) -> Self {
        let line = program.line();
        let address = line.strip_prefix("listening on ").and_then(|rest| rest.strip_suffix('\n'));
        let address = address.and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("it said {line:?}"));
        Self { program, address }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("it said that it listens")
    }

    /// Ends it with a signal.
    pub(crate) fn end(self, signal: Signal) -> End {
        self.program.end_by(signal)
    }
}

impl End {
    pub(crate) fn silent(code: i32) -> Self {
        Self { code: Some(code), stdout: String::new(), stderr: String::new() }
    }

    pub(crate) fn printed(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::silent(0) }
    }

    pub(crate) fn complained(code: i32, stderr: impl Into<String>) -> Self {
        Self { stderr: stderr.into(), ..Self::silent(code) }
    }
}

/// A port that refuses: bound, so that nobody else gets it, and not listened on.
pub(crate) fn refusing() -> TcpListener {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    socket.into()
}

/// Cargo puts this test into `target/<profile>/deps` and the examples into `target/<profile>/examples`.
fn path_of(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("two folders up");
    profile.join("examples").join(name)
}

fn watch(pid: Pid) -> Sender<()> {
    let (watched, done) = mpsc::channel();
    thread::spawn(move || {
        if done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            // It may have ended this very moment.
            kill_process(pid, Signal::KILL).ok();
        }
    });
    watched
}

const PATIENCE: Duration = Duration::from_secs(60);
