//! An IRC bot: sits in a channel, answers a few commands, and comes back when it was thrown out.
//!
//! ```text
//! cargo run --release -p examples --example irc_bot -- irc.libera.chat:6667 wheelbot '#wheels-test'
//! /join #wheels-test          in any client of IRC; then: !help
//! ```

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use components::{Reconnect, Server, TcpClient};
use reactor::{Kernel, Signal};
use wheels::Failure;
use wheels::filter::Line;

type Irc<'a> = Server<'a, Line>;

struct Bot {
    /// What we want to be called, and what we are called for now.
    nick: String,
    name: String,
    /// How many names were taken.
    taken: u32,
    channel: String,
    since: Instant,
    /// Who said something in the channel, when and what; the last few hundred of them.
    seen: HashMap<String, (Instant, String)>,
    /// What is to be said, as fast as the server lets us.
    lines: VecDeque<String>,
    /// Up to when we have used up our share: see [`Bot::say`].
    spent: Instant,
}

/// A line of the server: `:nick!user@host PRIVMSG #channel :what was said`.
struct Message<'a> {
    nick: &'a str,
    command: &'a str,
    params: Vec<&'a str>,
}

impl<'a> Message<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (prefix, rest) = match line.strip_prefix(':') {
            Some(prefixed) => prefixed.split_once(' ')?,
            None => ("", line),
        };
        let nick = prefix.split('!').next()?;
        let (words, last) =
            rest.split_once(" :").map_or((rest, None), |(words, last)| (words, Some(last)));
        let mut words = words.split_ascii_whitespace();
        let command = words.next()?;
        Some(Self { nick, command, params: words.chain(last).collect() })
    }
}

impl Bot {
    fn connected(&mut self, server: &mut Irc<'_>) {
        self.spent = server.cx().now();
        self.say(server, format!("NICK {}", self.name));
        self.say(server, format!("USER {} 0 * :a bot", self.nick));
    }

    fn got_line(&mut self, server: &mut Irc<'_>, line: Bytes) {
        let line = String::from_utf8_lossy(&line);
        let Some(Message { nick, command, params }) = Message::parse(&line) else { return };
        match (command, &params[..]) {
            // Whoever waits in the queue would be taken for dead.
            ("PING", [token, ..]) => drop(server.put(format!("PONG :{token}"))),
            // Welcome, by the name that the server knows us by.
            ("001", [name, ..]) => {
                self.name = (*name).to_owned();
                self.join(server, ());
            }
            // Somebody is called that, or the server does not like it.
            ("432" | "433" | "437", [..]) => {
                self.taken += 1;
                self.name = format!("{:.6}{}", self.nick, self.taken);
                self.say(server, format!("NICK {}", self.name));
            }
            ("NICK", [name, ..]) if nick == self.name => self.name = (*name).to_owned(),
            ("JOIN", [channel, ..]) if nick == self.name => {
                print(&format!("{nick} is in {channel}"));
            }
            ("KICK", [_, whom, ..]) if *whom == self.name => {
                server.delay("join", Duration::from_secs(5), ());
            }
            // It is full, or for others only.
            ("471" | "473" | "474" | "475", [.., why]) => {
                log::error!("{}: {why:?}", self.channel);
                server.delay("join", Duration::from_secs(60), ());
            }
            ("PRIVMSG", [to, text]) => self.heard(server, nick, to, text),
            ("ERROR", [why, ..]) => log::warn!("{why:?}"),
            _ => log::debug!("{line:?}"),
        }
    }

    fn join(&mut self, server: &mut Irc<'_>, (): ()) {
        self.say(server, format!("JOIN {}", self.channel));
    }

    fn heard(&mut self, server: &mut Irc<'_>, nick: &str, to: &str, text: &str) {
        print(&format!("{to} <{nick}> {text}"));
        let in_channel = to.eq_ignore_ascii_case(&self.channel);
        if let Some(answer) = self.answer(server.cx().now(), text) {
            // An answer by itself is a notice, which no bot answers: or two would talk for ever.
            let to = if in_channel { to } else { nick };
            self.say(server, format!("NOTICE {to} :{nick}: {answer}"));
        }
        if in_channel {
            self.remember(nick, text, server.cx().now());
        }
    }

    fn answer(&self, now: Instant, text: &str) -> Option<String> {
        let (command, argument) = text.split_once(' ').unwrap_or((text, ""));
        Some(match (command, argument.trim()) {
            ("!help", _) => "!echo TEXT, !seen NICK, !uptime".to_owned(),
            ("!echo", text) => text.to_owned(),
            ("!uptime", _) => format!("{:.0?}", now - self.since),
            ("!seen", "") => "whom?".to_owned(),
            ("!seen", whom) => match self.seen.get(&whom.to_lowercase()) {
                Some((when, said)) => format!("{whom} said {:.0?} ago: {said}", now - *when),
                None => format!("I have not seen {whom}"),
            },
            _ => return None,
        })
    }

    fn remember(&mut self, nick: &str, text: &str, now: Instant) {
        self.seen.insert(nick.to_lowercase(), (now, text.to_owned()));
        if self.seen.len() > MOST_SEEN {
            let oldest = self.seen.iter().min_by_key(|(_, (when, _))| *when);
            let oldest = oldest.map(|(nick, _)| nick.clone()).unwrap_or_default();
            self.seen.remove(&oldest);
        }
    }

    /// Says a line when the server allows it.
    ///
    /// A server throws out who talks too much. It counts as RFC 1459 has it (8.10): each line costs two
    /// seconds, a long one more, and nobody may be more than ten seconds ahead of the clock.
    fn say(&mut self, server: &mut Irc<'_>, mut line: String) {
        if self.lines.len() >= MOST_WAITING {
            return log::warn!("too much to say, left out: {line:?}");
        }
        // With its end, and the name that the server puts in front, a line has 512 bytes.
        let end = (0..=line.len().min(400)).rfind(|at| line.is_char_boundary(*at));
        line.truncate(end.unwrap_or(0));
        self.lines.push_back(line);
        self.say_more(server, ());
    }

    fn say_more(&mut self, server: &mut Irc<'_>, (): ()) {
        let now = server.cx().now();
        self.spent = self.spent.max(now);
        while self.spent < now + AHEAD {
            let Some(line) = self.lines.pop_front() else { return };
            self.spent += Duration::from_secs(2 + line.len() as u64 / 120);
            server.put(line);
        }
        server.delay("say_more", self.spent - (now + AHEAD), ());
    }

    fn not_connected(&mut self, _: &mut Irc<'_>, failure: Failure) {
        log::error!("{failure}; it is tried again");
    }

    fn disconnected(&mut self, server: &mut Irc<'_>) {
        self.lines.clear();
        self.name.clone_from(&self.nick);
        self.taken = 0;
        server.delay_clear("say_more");
        server.delay_clear("join");
    }

    /// Says good-bye to those in the channel as well; the second time, or if there is nobody, just ends.
    fn got_signal(&mut self, server: &mut Irc<'_>, signal: Signal) {
        log::info!("{signal}: good bye");
        if server.is_connected() {
            server.cx().sig_handled();
            server.put("QUIT :good bye");
            server.shutdown();
        }
    }
}

/// Prints what came from strangers: nothing of it is to move the cursor.
fn print(line: &str) {
    let plain: String = line.chars().filter(|c| !c.is_control()).collect();
    let mut stdout = io::stdout();
    if let Err(error) = writeln!(stdout, "{plain}").and_then(|()| stdout.flush()) {
        log::error!("standard output: {error}");
    }
}

fn run((server, nick, channel): (String, String, String)) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    let now = kernel.now();
    let bot = Bot {
        name: nick.clone(),
        nick,
        taken: 0,
        channel,
        since: now,
        seen: HashMap::new(),
        lines: VecDeque::new(),
        spent: now,
    };
    TcpClient::new(|| Line::new().max_length(8192))
        .connect(server)
        .reconnect(Reconnect::new())
        // A server asks every few minutes whether we are there. One that does not is not there itself.
        .idle_timeout(Duration::from_secs(600))
        .started(|_: &mut Bot, cx| examples::end_on_signals(cx))
        .connected(Bot::connected)
        .connect_error(Bot::not_connected)
        .server_input(Bot::got_line)
        .disconnected(Bot::disconnected)
        .on("say_more", Bot::say_more)
        .on("join", Bot::join)
        .on("got_signal", Bot::got_signal)
        .spawn(&mut kernel, bot);
    kernel.run()
}

fn main() -> ExitCode {
    examples::main(
        "irc_bot HOST:PORT NICK CHANNEL",
        |arguments| match arguments {
            [server, nick, channel] if channel.starts_with(['#', '&']) && server.contains(':') => {
                Some((server.clone(), nick.clone(), channel.clone()))
            }
            _ => None,
        },
        run,
    )
}

/// Nobody makes us remember without end, nor talk.
const MOST_SEEN: usize = 500;
const MOST_WAITING: usize = 50;

const AHEAD: Duration = Duration::from_secs(10);
