//! The chat server.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Stdio;
use std::thread;

use rustix::process::Signal;

use crate::program::{End, Program, Server};

struct Guest {
    stream: BufReader<TcpStream>,
}

impl Guest {
    fn new(server: &Server) -> Self {
        let mut guest = Self { stream: BufReader::new(server.connect()) };
        assert_eq!(guest.hears(), "* your nickname?");
        guest
    }

    fn named(server: &Server, name: &str) -> Self {
        let mut guest = Self::new(server);
        guest.says(name);
        assert_eq!(guest.hears(), format!("* {name}, you are in lobby"));
        guest
    }

    fn says(&mut self, line: &str) {
        self.stream.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line, empty at the end.
    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    #[track_caller]
    fn is_told(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.hears(), *line);
        }
    }

    /// Asks and is answered, so that all it said before was heard.
    #[track_caller]
    fn asks(&mut self, question: &str, answer: &str) {
        self.says(question);
        assert_eq!(self.hears(), answer);
    }
}

fn start(per_address: &[&str]) -> Server {
    Server::start_program("chat_server", per_address, None)
}

#[test]
fn what_is_said_reaches_the_others_in_the_room_and_nobody_else() {
    let server = start(&[]);
    let mut alice = Guest::named(&server, "alice");
    let mut bob = Guest::named(&server, "bob");
    alice.is_told(&["* bob has joined"]);
    let mut carol = Guest::named(&server, "carol");
    alice.is_told(&["* carol has joined"]);
    bob.is_told(&["* carol has joined"]);
    carol.asks("/join quiet", "* carol, you are in quiet");
    alice.is_told(&["* carol has left"]);
    bob.is_told(&["* carol has left"]);
    alice.says("hello\r\n\nand  good\tbye ");
    bob.is_told(&["<alice> hello", "<alice> and  good\tbye"]);
    carol.asks("/who", "* quiet: carol");
    alice.asks("/who", "* lobby: alice bob");
    alice.asks("/rooms", "* lobby: 2");
    alice.is_told(&["* quiet: 1"]);
    drop((alice, bob, carol));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn what_is_said_in_quick_succession_comes_in_order_and_not_to_who_said_it() {
    let server = start(&[]);
    let mut alice = Guest::named(&server, "alice");
    let mut bob = Guest::named(&server, "bob");
    alice.is_told(&["* bob has joined"]);
    let mut carol = Guest::named(&server, "carol");
    alice.is_told(&["* carol has joined"]);
    bob.is_told(&["* carol has joined"]);
    for round in 0..20 {
        let lines = [format!("{round}"), format!("{round} again")];
        alice.says(&lines.join("\n"));
        bob.says(&lines.join("\n"));
        let of = |name: &str| lines.clone().map(|line| format!("<{name}> {line}"));
        let (of_alice, of_bob) = (of("alice"), of("bob"));
        bob.is_told(&of_alice.each_ref().map(String::as_str));
        alice.is_told(&of_bob.each_ref().map(String::as_str));
        let mut all = of_alice.iter().chain(&of_bob).cloned().collect::<Vec<_>>();
        let heard: Vec<_> = all.iter().map(|_| carol.hears()).collect();
        let place = |line: &String| heard.iter().position(|other| other == line);
        assert!(place(&of_alice[0]) < place(&of_alice[1]), "{heard:?}");
        assert!(place(&of_bob[0]) < place(&of_bob[1]), "{heard:?}");
        let mut sorted = heard.clone();
        (sorted.sort(), all.sort());
        assert_eq!(sorted, all);
    }
    // Who leaves is not told what is said afterwards, and all that was said before.
    alice.says("bye\n/quit");
    bob.is_told(&["<alice> bye", "* alice has left"]);
    carol.is_told(&["<alice> bye", "* alice has left"]);
    alice.is_told(&["* good bye", ""]);
    drop((alice, bob, carol));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn names_and_rooms_are_proper_and_names_are_one_persons() {
    let server = start(&[]);
    let mut alice = Guest::named(&server, "alice");
    let mut other = Guest::new(&server);
    for name in ["", "al ice", "al\x1bice", "123456789012345678901"] {
        let proper = "a name has 1 to 20 characters, and no spaces";
        other.asks(name, &format!("* {proper}: your nickname?"));
    }
    other.asks("alice", "* alice is taken: your nickname?");
    other.asks("élise678901234567890", "* élise678901234567890, you are in lobby");
    alice.is_told(&["* élise678901234567890 has joined"]);
    other.asks("/nick alice", "* alice is taken: your nickname?");
    other.asks("/nick bob", "* élise678901234567890 is now bob");
    alice.is_told(&["* élise678901234567890 is now bob"]);
    other.asks("/join", "* a room has 1 to 20 characters, and no spaces");
    other.asks("/join lobby", "* you are there");
    other.asks("\x1b[2J", "* no control characters, please");
    other.says("hello");
    alice.is_told(&["<bob> hello"]);
    other.asks("/quit", "* good bye");
    other.is_told(&[""]);
    alice.is_told(&["* bob has left"]);
    // The name is free again.
    Guest::named(&server, "bob");
    drop((alice, other));
    assert_eq!(server.end(Signal::INT), End::silent(0));
}

#[test]
fn who_hangs_up_or_breaks_off_has_left() {
    let server = start(&[]);
    let mut alice = Guest::named(&server, "alice");
    let mut bob = Guest::named(&server, "bob");
    bob.stream.get_mut().write_all(b"my last wor").unwrap();
    bob.stream.get_mut().shutdown(Shutdown::Write).unwrap();
    bob.is_told(&[""]);
    alice.is_told(&["* bob has joined", "<bob> my last wor", "* bob has left"]);
    let mut carol = Guest::named(&server, "carol");
    carol.says(&"long".repeat(1000));
    carol.is_told(&["* decode: record exceeds 1024 bytes", ""]);
    alice.is_told(&["* carol has joined", "* carol has left"]);
    drop((alice, bob, carol));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn who_does_not_read_is_dropped_and_the_room_is_told() {
    let server = start(&[]);
    let slow = Guest::named(&server, "slow");
    let mut alice = Guest::named(&server, "alice");
    let mut speaker = alice.stream.get_ref().try_clone().unwrap();
    let line = [&[b'x'; 1000][..], b"\n"].concat();
    thread::scope(|scope| {
        let told = scope.spawn(move || alice.hears());
        // The system keeps some MiB for a reader.
        for _ in 0..100_000 {
            if told.is_finished() {
                break;
            }
            speaker.write_all(&line).unwrap();
        }
        assert_eq!(told.join().unwrap(), "* slow has left: too slow");
    });
    drop(slow);
    Guest::named(&server, "slow");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn the_end_of_the_server_waits_until_everybody_has_what_was_said() {
    let server = start(&[]);
    let mut alice = Guest::named(&server, "alice");
    let mut bob = Guest::named(&server, "bob");
    for number in 0..1000 {
        alice.says(&format!("{number}"));
    }
    alice.is_told(&["* bob has joined"]);
    alice.asks("/who", "* lobby: alice bob");
    server.program.kill(Signal::TERM);
    for number in 0..1000 {
        assert_eq!(bob.hears(), format!("<alice> {number}"));
    }
    bob.is_told(&["* the server ends", ""]);
    alice.is_told(&["* the server ends", ""]);
    drop((alice, bob));
    assert_eq!(server.program.end(), End::silent(0));
}

#[test]
fn so_many_guests_come_from_one_address_and_no_more() {
    let server = start(&["2"]);
    let alice = Guest::named(&server, "alice");
    let mut bob = Guest::named(&server, "bob");
    let mut third = BufReader::new(server.connect());
    // Closed as it came, or reset.
    assert_eq!(third.read_line(&mut String::new()).unwrap_or(0), 0);
    drop(alice);
    bob.is_told(&["* alice has left"]);
    Guest::named(&server, "carol");
    drop(bob);
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn bad_arguments_of_the_chat_server_are_answered_with_its_usage() {
    for arguments in [&["7777"][..], &["127.0.0.1:0", "many"], &["127.0.0.1:0", "1", "more"]] {
        let end = Program::start("chat_server", arguments, Stdio::null()).end();
        let usage = "usage: chat_server [ADDR:PORT [PER_ADDRESS]]\n";
        assert_eq!(end, End::complained(2, usage), "{arguments:?}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start("chat_server", &[&address], Stdio::null()).end();
    assert_eq!(end, End::complained(1, format!("bind: Address already in use ({address})\n")));
}
