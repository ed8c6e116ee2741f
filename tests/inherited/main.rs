//! Listeners that came with the process.
//!
//! A shell is the activator: it has sockets as its standard input and output, moves them to 3 and 4, and
//! becomes this program again, which plays the part that its argument names. A part says nothing and exits
//! with 0, or it panics.

mod parts;

use std::env;
use std::io::{Read, pipe};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic;
use std::process::{Command, ExitCode, Stdio};

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("p63_two_listeners_by_their_names_are_listened_on_and_never_unlinked", two_listeners),
    ("p63_one_without_a_name_is_unknown", one_without_a_name),
    ("p63_none_is_none", none),
    ("p63_what_is_for_another_process_is_left_alone", for_another),
    ("p63_one_that_is_not_open_has_all_refused", not_open),
    ("p63_one_that_the_program_opened_itself_has_all_refused", own),
    ("p63_what_is_not_as_the_protocol_says_is_refused", malformed),
    ("p63_a_second_thread_has_all_refused", second_thread),
    ("p63_children_hear_nothing_of_it_and_a_second_call_neither", once),
    ("p63_what_does_not_listen_is_a_failure_of_listen", not_listening),
];

fn main() -> ExitCode {
    let chosen = env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Some(part) = chosen.as_deref().and_then(|chosen| chosen.strip_prefix("part:")) {
        parts::play(part);
        return ExitCode::SUCCESS;
    }
    let is_chosen = |name: &str| chosen.as_ref().is_none_or(|part| name.contains(&**part));
    let tests: Vec<_> = TESTS.iter().filter(|(name, _)| is_chosen(name)).collect();
    println!("\nrunning {} tests", tests.len());
    let mut failures = 0;
    for (name, test) in &tests {
        let passed = panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failures += usize::from(!passed);
    }
    println!(
        "\ntest result: {}. {} passed; {failures} failed; 0 ignored; 0 measured; {} filtered out\n",
        if failures == 0 { "ok" } else { "FAILED" },
        tests.len() - failures,
        TESTS.len() - tests.len(),
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A process to be, with nothing at 3 and 4 yet.
struct Activation {
    command: Command,
}

impl Activation {
    fn of(part: &str) -> Self {
        let mut command = Command::new("sh");
        let script = r#"
            [ -n "$THIRD" ] && exec 3<&0 || exec 3<&-
            [ -n "$FOURTH" ] && exec 4<&1 || exec 4<&-
            export LISTEN_PID="${OTHER_PID-$$}"
            exec "$0" "$1" </dev/null >&2"#;
        let program = env::current_exe().expect("this program");
        command.args(["-c", script]).arg(program).arg(format!("part:{part}"));
        command.stdin(Stdio::null());
        for name in ["THIRD", "FOURTH", "OTHER_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            command.env_remove(name);
        }
        Self { command }
    }

    fn third(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.command.env("THIRD", "yes").stdin(fd.into());
        self
    }

    fn fourth(mut self, fd: impl Into<OwnedFd>) -> Self {
        self.command.env("FOURTH", "yes").stdout(fd.into());
        self
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    #[track_caller]
    fn succeeds(mut self) {
        assert!(self.command.status().expect("a shell").success());
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn two_listeners() {
    let path = env::temp_dir().join(format!("inherited-{}", std::process::id()));
    let (web, local) = (listener(), UnixListener::bind(&path).expect("a free path"));
    let mut clients: [Box<dyn Read>; 2] = [
        Box::new(TcpStream::connect(web.local_addr().expect("bound")).expect("it listens")),
        Box::new(UnixStream::connect(&path).expect("it listens")),
    ];
    let activation = Activation::of("listen").third(web).fourth(local);
    activation.with("LISTEN_FDS", "2").with("LISTEN_FDNAMES", "web:local").succeeds();
    for client in &mut clients {
        let mut text = String::new();
        client.read_to_string(&mut text).expect("an orderly end");
        assert_eq!(text, "welcome");
    }
    assert!(path.exists());
    std::fs::remove_file(path).expect("it exists");
}

fn one_without_a_name() {
    Activation::of("unknown").third(listener()).with("LISTEN_FDS", "1").succeeds();
}

fn none() {
    Activation::of("none").third(listener()).succeeds();
    Activation::of("none").third(listener()).with("LISTEN_FDS", "0").succeeds();
    let without_names = Activation::of("none").third(listener()).with("LISTEN_FDS", "0");
    without_names.with("LISTEN_FDNAMES", "").succeeds();
}

fn for_another() {
    let activation = Activation::of("for_another").third(listener()).with("LISTEN_FDS", "1");
    activation.with("OTHER_PID", "1").succeeds();
}

fn not_open() {
    Activation::of("not_open").third(listener()).with("LISTEN_FDS", "100000000").succeeds();
    Activation::of("not_open").third(listener()).with("LISTEN_FDS", "2147483644").succeeds();
}

fn own() {
    Activation::of("own").with("LISTEN_FDS", "1").succeeds();
}

fn malformed() {
    for fds in ["", "-1", "two", "1 ", "2147483645", "99999999999999999999"] {
        Activation::of("malformed").third(listener()).with("LISTEN_FDS", fds).succeeds();
    }
    for names in ["", "a:b:c", "a"] {
        let activation = Activation::of("malformed").third(listener()).fourth(listener());
        activation.with("LISTEN_FDS", "2").with("LISTEN_FDNAMES", names).succeeds();
    }
    for pid in ["", "self", "-1"] {
        let activation = Activation::of("malformed").third(listener()).with("LISTEN_FDS", "1");
        activation.with("OTHER_PID", pid).succeeds();
    }
}

fn second_thread() {
    Activation::of("second_thread").third(listener()).with("LISTEN_FDS", "1").succeeds();
}

fn once() {
    let activation = Activation::of("once").third(listener()).with("LISTEN_FDS", "1");
    activation.with("LISTEN_FDNAMES", "web").succeeds();
}

fn not_listening() {
    let (reader, _writer) = pipe().expect("a pipe");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let tcp = TcpStream::connect(listener().local_addr().expect("bound"));
    let others: [(OwnedFd, &str); 3] = [
        (reader.into(), "ENOTSOCK"),
        (udp.into(), "EINVAL"),
        (tcp.expect("it listened").into(), "EINVAL"),
    ];
    for (other, expected) in others {
        let activation = Activation::of("not_listening").third(listener()).fourth(other);
        activation.with("LISTEN_FDS", "2").with("EXPECTED", expected).succeeds();
    }
}
