//! Each port of a POE program beside the program: the same clients say the same to both, and what they,
//! the standard output and the standard error hear must be the same, byte for byte.
//!
//! `scripts` are what the clients say, and what they expect: see `script.rs`. It needs Perl with POE, which
//! `.ci/run` installs, and the examples built: `cargo test -p examples --features interop`.

#[expect(dead_code, reason = "the other tests start echo servers")]
#[path = "../program/mod.rs"]
mod program;
mod script;
mod stage;

use std::ffi::OsStr;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use program::{End, Program, Server};
use rustix::process::Signal;
use script::{Language, Script};
use stage::Stage;

macro_rules! twins {
    ($($test:ident: $twin:ident, $example:literal;)*) => {
        const TWINS: &[(&str, &str)] = &[$((stringify!($twin), $example)),*];

        $(#[test]
        fn $test() {
            let script = include_str!(concat!("scripts/", stringify!($twin), ".txt"));
            compare(stringify!($twin), $example, &Script::parse(script));
        })*
    };
}

twins! {
    line_chat_says_what_its_twin_says: line_chat, "port_line_chat";
    monitor_says_what_its_twin_says: monitor, "port_monitor";
    proxy_says_what_its_twin_says: proxy, "port_proxy";
    rot13_server_says_what_its_twin_says: rot13_server, "rot13_server";
    tcp_client_says_what_its_twin_says: tcp_client, "port_tcp_client";
    tcp_server_says_what_its_twin_says: tcp_server, "port_tcp_server";
    udp_ping_says_what_its_twin_says: udp_ping, "port_udp_ping";
    workers_says_what_its_twin_says: workers, "port_workers";
}

#[test]
fn of_a_port_that_is_taken_twins_say_the_same() {
    let stream = TcpListener::bind("127.0.0.1:0").unwrap();
    let mailbox = UdpSocket::bind("127.0.0.1:0").unwrap();
    // A client takes none.
    for (name, example) in TWINS.iter().filter(|(name, _)| *name != "tcp_client") {
        let taken = if *name == "udp_ping" { mailbox.local_addr() } else { stream.local_addr() };
        let port = taken.unwrap().port().to_string();
        let perl = perl(name, &[&port]).end();
        let rust = Program::start(example, &[&port], Stdio::null()).end();
        assert!(perl.stderr.contains("Address already in use"), "{name}: {perl:?}");
        assert_eq!(perl, rust, "{name}: left: Perl, right: Rust");
    }
}

#[test]
fn netcat_hears_the_same_of_both_servers_of_poes_manual() {
    let perl = Server::listening(perl("rot13_server", &["0"]));
    let rust = Server::listening(Program::start("rot13_server", &["0"], Stdio::null()));
    for server in [perl, rust] {
        let port = server.address.port().to_string();
        let mut command = Command::new("nc");
        command.args(["-N", "127.0.0.1", &port]).stdin(Stdio::piped());
        let mut netcat = Program::run(command);
        let mut stdin = netcat.stdin();
        stdin.write_all(b"Hello, netcat!\n").unwrap();
        assert_eq!(netcat.line(), "Uryyb, argpng!\r\n");
        stdin.write_all(b"twice\ntwice\n").unwrap();
        assert_eq!([netcat.line(), netcat.line()], ["gjvpr\r\n", "gjvpr\r\n"]);
        drop(stdin);
        assert_eq!(netcat.end(), End::silent(0));
        assert_eq!(server.end(Signal::TERM), End::silent(0));
    }
}

#[test]
fn every_handler_has_its_twin_in_the_same_order() {
    for (name, _) in TWINS {
        let perl = names_after("\nsub ", &folder().join(name).with_extension("pl"));
        let beside = folder().join(name).with_extension("rs");
        let above = folder().with_file_name(name).with_extension("rs");
        let rust = if beside.exists() { beside } else { above };
        // What Perl does in a line may need a function of its own.
        let mut rust = names_after("    fn ", &rust); // methods
        rust.retain(|function| perl.contains(function));
        assert!(perl.len() >= 3, "{name}: {perl:?}");
        assert_eq!(perl, rust, "{name}: left: Perl, right: Rust");
    }
}

#[test]
fn no_program_in_perl_is_warned_of() {
    let programs = std::fs::read_dir(folder()).unwrap();
    let programs = programs.map(|entry| entry.unwrap().path());
    let programs: Vec<PathBuf> =
        programs.filter(|path| path.extension() == Some("pl".as_ref())).collect();
    assert_eq!(programs.len(), TWINS.len(), "{programs:?}");
    for path in programs {
        let said = Command::new("perl").arg("-wc").arg(&path).output().unwrap();
        let noted = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(noted, format!("{} syntax OK\n", path.display()));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("\nuse warnings;\nuse strict;\n"), "{}", path.display());
    }
}

/// Plays the script with both, and compares.
fn compare(name: &str, example: &str, script: &Script) {
    let start = |arguments: &[String]| perl(name, arguments);
    let perl = Stage::play(script, Language::Perl, start);
    let start = |arguments: &[String]| Program::start(example, arguments, Stdio::null());
    let rust = Stage::play(script, Language::Rust, start);
    assert!(perl.lines().count() > 5, "next to nothing was said: {perl}");
    assert_eq!(perl, rust, "left: Perl, right: Rust");
}

fn perl<A: AsRef<OsStr>>(name: &str, arguments: &[A]) -> Program {
    let mut command = Command::new("perl");
    command.arg(folder().join(name).with_extension("pl")).args(arguments);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    Program::run(command)
}

/// The words that follow such a word in a file.
fn names_after(word: &str, path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let names = text.split(word).skip(1);
    let end = |rest: &str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    names.map(|rest| rest[..end(rest).unwrap_or(rest.len())].to_owned()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ports")
}
