//! A program that somebody else wrote, run by a test.
//!
//! What it says goes to files, so that nobody waits for a pipe. It is killed with its [`Program`].

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use reactor::Kernel;
use rustix::process::{Pid, Signal, kill_process};
use testkit::net::{self, Peer};
use testkit::unix::Folder;
use wheels::Address;

#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    folder: Folder,
}

impl Program {
    /// Starts it. What it hears is what the test [says](Self::say).
    #[track_caller]
    pub(crate) fn start(name: &str, args: &[&str]) -> Self {
        let folder = Folder::new();
        let file = |name| File::create(folder.at(name)).expect("a file of ours");
        let mut command = Command::new(name);
        // Numbers and messages as they are everywhere, and no proxy between two ends on one machine.
        command.args(args).env("LC_ALL", "C").env("no_proxy", "*").env_remove("RUST_LOG");
        command.stdin(Stdio::piped()).stdout(file("said")).stderr(file("noted"));
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), child, folder }
    }

    /// Writes to its standard input, no more than a pipe takes.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("its input has not ended");
        stdin.write_all(bytes).expect("it is there to hear it");
    }

    /// Writes all of it to its standard input, as fast as it takes it, and ends that.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>) -> Peer<()> {
        let mut stdin = self.child.stdin.take().expect("its input has not ended");
        Peer::play(move || stdin.write_all(&bytes).expect("it is there to hear it"))
    }

    pub(crate) fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> Vec<u8> {
        fs::read(self.folder.at("said")).expect("a file of ours")
    }

    /// What it has said so far on its standard error.
    pub(crate) fn noted(&self) -> String {
        let noted = fs::read(self.folder.at("noted")).expect("a file of ours");
        String::from_utf8_lossy(&noted).into_owned()
    }

    /// Runs the kernel until it has noted that it listens or is bound. Both socat and netcat end that line
    /// with the port, if there is one.
    pub(crate) fn run_until_up(&mut self, kernel: &mut Kernel) -> Option<u16> {
        const UP: [&str; 3] = ["istening on ", "eceiving on ", "ound on "];
        let line = |program: &Self| {
            let noted = program.noted();
            let whole = noted.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            let mut up = whole.filter(|line| UP.iter().any(|word| line.contains(word)));
            up.next().map(|line| line.trim_end().to_owned())
        };
        self.run_until(kernel, |program| line(program).is_some());
        line(self)?.rsplit([':', ' ']).next()?.parse().ok()
    }

    /// Runs the kernel until it has said a line, and gives that.
    pub(crate) fn run_until_line(&mut self, kernel: &mut Kernel) -> String {
        self.run_until(kernel, |program| program.said().ends_with(b"\n"));
        String::from_utf8_lossy(&self.said()).trim_end().to_owned()
    }

    /// Runs the kernel until it has said so much, and gives what it said.
    pub(crate) fn run_until_said(&mut self, kernel: &mut Kernel, length: usize) -> Vec<u8> {
        self.run_until(kernel, |program| program.said().len() >= length);
        self.said()
    }

    /// Runs the kernel until it has ended, and gives how, and all it said.
    pub(crate) fn run_to_end(&mut self, kernel: &mut Kernel) -> (ExitStatus, Vec<u8>) {
        let mut status = None;
        net::run_until(kernel, &self.name.clone(), || {
            status = self.child.try_wait().expect("a child of ours");
            status.is_some()
        });
        (status.expect("awaited"), self.said())
    }

    /// As [`run_to_end`](Self::run_to_end) of a program that has nothing to complain of.
    #[track_caller]
    pub(crate) fn finish(mut self, kernel: &mut Kernel) -> Vec<u8> {
        self.end_input();
        let (status, said) = self.run_to_end(kernel);
        assert!(status.success(), "{}: {status}: {}", self.name, self.noted());
        said
    }

    /// Sends it `TERM`.
    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is there");
    }

    /// Runs the kernel until it is as `done` says; it must not end before.
    pub(crate) fn run_until(&mut self, kernel: &mut Kernel, done: impl Fn(&Self) -> bool) {
        net::run_until(kernel, &self.name.clone(), || {
            if done(self) {
                return true;
            }
            let status = self.child.try_wait().expect("a child of ours");
            // It may have said it last.
            assert!(
                status.is_none() || done(self),
                "{} has ended ({status:?}) and said {:?}, {:?}",
                self.name,
                String::from_utf8_lossy(&self.said()),
                self.noted()
            );
            false
        });
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// A name that is nobody else's, with the `@` in front: it is in no file system, whatever it looks like.
pub(crate) fn abstract_name(like: &Path) -> String {
    format!("@{}", like.display())
}

/// Python with a `client` that is connected to `server`. The script finds further arguments in `sys.argv`
/// from 3 on.
pub(crate) fn python_client(
    family: &str,
    kind: &str,
    at: &Address,
    script: &str,
    args: &[&str],
) -> Program {
    let script = format!("client.connect(server)\n{script}");
    python_socket(family, kind, at, &script, args)
}

/// As [`python_client`], but not connected; bound to its first argument if it is of UNIX datagrams.
pub(crate) fn python_socket(
    family: &str,
    kind: &str,
    at: &Address,
    script: &str,
    args: &[&str],
) -> Program {
    let bind = if (family, kind) == ("UNIX", "DGRAM") { "client.bind(sys.argv[3])" } else { "" };
    let script = format!(
        "
import socket, struct, sys
host, port = sys.argv[1:3]
server = host.replace('@', '\\0', 1) if port == 'none' else (host, int(port))
client = socket.socket(socket.AF_{family}, socket.SOCK_{kind})
{bind}
{script}"
    );
    let (host, port) = match at.as_ip() {
        Some(at) => (at.ip().to_string(), at.port().to_string()),
        None => (at.to_string(), "none".to_owned()),
    };
    Program::start("python3", &[&["-c", &script, &host, &port], args].concat())
}

/// Python with a `listener`, bound to a free port of loopback or to the path, of
/// which the script says by `up()` which one it is.
pub(crate) fn python_server(family: &str, kind: &str, path: &str, script: &str) -> Program {
    let script = format!(
        "
import socket, struct, sys
loopback = dict(INET=('127.0.0.1', 0), INET6=('::1', 0))
listener = socket.socket(socket.AF_{family}, socket.SOCK_{kind})
listener.settimeout(60)
listener.bind(loopback.get('{family}', sys.argv[1].replace('@', '\\0', 1)))
def say(*what):
    print(*what, flush=True)
def up():
    say(0 if '{family}' == 'UNIX' else listener.getsockname()[1])
{script}"
    );
    Program::start("python3", &["-c", &script, path])
}
