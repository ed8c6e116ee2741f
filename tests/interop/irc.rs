//! The bot of the examples, as a program, at ngircd: a server of IRC that people use.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use reactor::Kernel;
use testkit::net::{self, Reserved};
use testkit::unix::Folder;

use crate::program::Program;

const CHANNEL: &str = "#wheels";

/// ngircd on a port of its own, which it has again when it is started again.
struct Ircd {
    port: Reserved,
    folder: Folder,
    program: Option<Program>,
}

impl Ircd {
    fn start() -> Self {
        // Building it may take longer than ngircd waits for anybody.
        bot();
        let folder = Folder::new();
        let port = Reserved::new([127, 0, 0, 1]);
        let conf = format!(
            "[Global]\nName = irc.test\nAdminInfo1 = a test\nInfo = a test\nMotdPhrase = hello\n\
             Listen = 127.0.0.1\nPorts = {}\n\
             [Limits]\nMaxConnectionsIP = 50\nPingTimeout = 5\nPongTimeout = 5\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n",
            port.addr.port()
        );
        fs::write(folder.at("conf"), conf).expect("a file of ours");
        let mut ircd = Self { port, folder, program: None };
        ircd.restart();
        ircd
    }

    /// Ends at once, and is there again.
    fn restart(&mut self) {
        self.program = None;
        let conf = self.folder.at("conf");
        let conf = conf.to_str().expect("plain text");
        self.program = Some(Program::start("ngircd", &["-n", "-f", conf]));
        let addr = self.port.addr;
        wait("ngircd", || TcpStream::connect(addr).is_ok());
    }

    fn bot(&self) -> Program {
        Program::start(bot(), &[&self.port.addr.to_string(), "wheelbot", CHANNEL])
    }
}

/// Somebody in the channel, who hears everything that is said there.
struct Person {
    stream: TcpStream,
    lines: BufReader<TcpStream>,
    pings: usize,
}

impl Person {
    fn connect(addr: SocketAddr, nick: &str) -> Self {
        let stream = net::connect(addr);
        let lines = BufReader::new(stream.try_clone().expect("dup"));
        let mut person = Self { stream, lines, pings: 0 };
        person.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
        person.hear(" 001 ");
        person
    }

    fn join(addr: SocketAddr, nick: &str) -> Self {
        let mut person = Self::connect(addr, nick);
        person.send(&format!("JOIN {CHANNEL}"));
        person.hear(" 366 ");
        person
    }

    fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).expect("write");
    }

    fn say(&mut self, text: &str) {
        self.send(&format!("PRIVMSG {CHANNEL} :{text}"));
    }

    /// Hears lines until one has this in it. Nobody may be thrown out meanwhile.
    fn hear(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            let length =
                self.lines.read_line(&mut line).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(length > 0, "the server ended before {what}");
            if let Some(token) = line.strip_prefix("PING ") {
                self.send(&format!("PONG {}", token.trim_end()));
                self.pings += 1;
            }
            if line.contains(what) {
                return line.trim_end().to_owned();
            }
            assert!(!line.contains(" QUIT "), "before {what}: {line}");
        }
    }

    /// What the bot says next.
    fn answer(&mut self) -> String {
        let line = self.hear(" NOTICE ");
        let (who, text) = line.split_once(" NOTICE ").expect("as heard");
        assert!(who.starts_with(":wheel"), "{line}");
        text.to_owned()
    }
}

#[test]
fn the_bot_joins_answers_and_says_good_bye() {
    let ircd = Ircd::start();
    let mut ann = Person::join(ircd.port.addr, "ann");
    let mut bot = ircd.bot();
    assert!(ann.hear(" JOIN ").starts_with(":wheelbot!"));
    ann.say("hello, everybody");
    ann.say("!seen ann");
    assert!(ann.answer().starts_with("#wheels :ann: ann said "), "nothing was said to hello");
    ann.say("!seen bob");
    assert_eq!(ann.answer(), "#wheels :ann: I have not seen bob");
    ann.say("!help");
    assert_eq!(ann.answer(), "#wheels :ann: !echo TEXT, !seen NICK, !uptime");
    ann.send("PRIVMSG wheelbot :!echo between us");
    assert_eq!(ann.answer(), "ann :ann: between us");
    // A notice is not answered.
    ann.send("NOTICE wheelbot :!echo never");
    ann.say(&format!("!echo {}\u{e9}", "x".repeat(420)));
    assert!(ann.answer().ends_with("xxx"), "cut off, and within a line");
    bot.terminate();
    assert!(ann.hear(" QUIT ").contains("good bye"));
    let (status, said) = bot.run_to_end(&mut Kernel::new().expect("a kernel"));
    assert!(status.success(), "{status}: {}", bot.noted());
    let said = String::from_utf8(said).expect("plain text");
    assert!(said.starts_with("wheelbot is in #wheels\n#wheels <ann> hello, everybody\n"), "{said}");
}

#[test]
fn the_bot_takes_another_name_if_somebody_has_its_own() {
    let ircd = Ircd::start();
    let _other = Person::connect(ircd.port.addr, "wheelbot");
    let _another = Person::connect(ircd.port.addr, "wheelb1");
    let mut ann = Person::join(ircd.port.addr, "ann");
    let _bot = ircd.bot();
    assert!(ann.hear(" JOIN ").starts_with(":wheelb2!"));
    ann.say("!echo hello");
    assert_eq!(ann.answer(), "#wheels :ann: hello");
}

#[test]
fn the_bot_says_much_in_its_own_time_and_in_order() {
    let ircd = Ircd::start();
    let mut ann = Person::join(ircd.port.addr, "ann");
    let began = Instant::now();
    let _bot = ircd.bot();
    ann.hear(" JOIN ");
    for n in 0..8 {
        ann.say(&format!("!echo {n}"));
    }
    for n in 0..8 {
        assert_eq!(ann.answer(), format!("#wheels :ann: {n}"));
    }
    // Eleven lines cost 22 seconds, of which it may be ten ahead when it says the last: no sooner than this.
    assert!(began.elapsed() >= Duration::from_secs(10));
}

#[test]
fn the_bot_answers_the_server_that_asks_whether_it_is_there() {
    let ircd = Ircd::start();
    let mut ann = Person::join(ircd.port.addr, "ann");
    let bot = ircd.bot();
    ann.hear(" JOIN ");
    // Who does not answer within five seconds is gone when the next is asked.
    while ann.pings < 3 {
        ann.hear("PING ");
    }
    ann.say("!echo still here");
    assert_eq!(ann.answer(), "#wheels :ann: still here");
    assert_eq!(bot.noted(), "");
}

#[test]
fn the_bot_comes_back_to_the_channel_and_to_the_server() {
    let mut ircd = Ircd::start();
    let mut ann = Person::join(ircd.port.addr, "ann");
    let bot = ircd.bot();
    ann.hear(" JOIN ");
    ann.send(&format!("KICK {CHANNEL} wheelbot :enough"));
    assert!(ann.hear(" JOIN ").starts_with(":wheelbot!"));
    for round in 0..2 {
        ircd.restart();
        let mut ann = Person::join(ircd.port.addr, "ann");
        // It may have been there before Ann was.
        wait("the bot", || {
            ann.send(&format!("NAMES {CHANNEL}"));
            ann.hear(" 353 ").contains("wheelbot")
        });
        ann.say(&format!("!echo {round}"));
        assert_eq!(ann.answer(), format!("#wheels :ann: {round}"));
    }
    let said = String::from_utf8_lossy(&bot.said()).into_owned();
    assert_eq!(said.matches("wheelbot is in #wheels\n").count(), 4, "{said}");
}

/// The bot, built as it is to be tested: Cargo does not know that this needs it.
fn bot() -> &'static str {
    static BOT: OnceLock<PathBuf> = OnceLock::new();
    let path = BOT.get_or_init(|| {
        let ours = std::env::current_exe().expect("the path of this");
        let folder = ours.ancestors().nth(2).expect("the folder of the profile");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "-p", "examples", "--example", "irc_bot"]);
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the bot is not built");
        folder.join("examples/irc_bot")
    });
    path.to_str().expect("plain text")
}

/// Waits until it is so, with patience.
fn wait(what: &str, done: impl FnMut() -> bool) {
    // Its turns are the pauses.
    net::run_until(&mut Kernel::new().expect("a kernel"), what, done);
}
