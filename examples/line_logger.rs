//! A sink of syslog: messages come as datagrams to a UNIX socket and by TCP, and each becomes a line of a
//! file, or of standard output: `auth.warning Nov 29 12:00:00 host su: ...`. `HUP` opens the file anew,
//! for whoever has moved it away. `RUST_LOG=info` shows how many messages came, and how many were dropped
//! because the output did not take them.
//!
//! ```text
//! cargo run --release -p examples --example line_logger -- /tmp/line_logger 127.0.0.1:7777 /tmp/messages
//! logger -u /tmp/line_logger -p auth.warning hello
//! logger -n 127.0.0.1 -P 7777 -T --octet-count and more
//! ```

use std::convert::Infallible;
use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use components::TcpServer;
use reactor::{Context, Kernel, Signal, WheelId};
use wheels::filter::{Filter, FilterError, Input, Line, Output};
use wheels::{
    Datagram, Descriptor, Established, Failure, Message, Operation, Put, ReadWrite, SocketFactory,
    SocketOptions,
};

/// The longest message, in bytes. A longer datagram is cut; a longer one on a stream ends the stream.
const LONGEST: usize = 8192;

/// How many unsent bytes the output may have. What comes then is dropped: a sink that waits for its disk
/// makes everybody wait who logs.
const MOST_UNSENT: usize = 1024 * 1024;

/// For clients to end when the program does.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Sink {
    path: PathBuf,
    /// None is standard output.
    file: Option<PathBuf>,
    output: Option<ReadWrite<Line>>,
    /// How many messages the output may still lose.
    unwritten: u64,
    factory: Option<SocketFactory>,
    mailbox: Option<Datagram>,
    came: u64,
    dropped: u64,
}

impl Sink {
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Box<dyn Error>> {
        cx.sig("HUP", "got_hup")?;
        self.open(cx)?;
        let factory = SocketFactory::datagram(self.path.clone());
        self.factory = Some(factory.build(cx, "got_mailbox", "got_mailbox_failure"));
        Ok(())
    }

    /// Opens the output. What was put to the one before is still written there.
    fn open(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        let output = match &self.file {
            None => Descriptor::stdout(),
            Some(path) => OpenOptions::new().append(true).create(true).open(path).map(Into::into),
        };
        let output = output.map_err(|error| format!("{}: {error}", self.name()))?;
        let output = ReadWrite::builder(output)
            .filter(Line::literal(b"\n"))
            .flushed_event("all_is_written")
            .build(cx, "never", "output_failed");
        output.shutdown_input(cx);
        self.unwritten = 0;
        if let Some(old) = self.output.replace(output) {
            old.shutdown(cx);
        }
        Ok(())
    }

    /// The file stays as it was if it cannot be opened again. There is but one standard output.
    fn got_hup(&mut self, cx: &mut Context<'_>) {
        cx.sig_handled();
        self.say_count();
        let opened = self.file.is_some().then(|| self.open(cx));
        if let Some(Err(error)) = opened {
            log::error!("{error}");
        }
    }

    fn all_is_written(&mut self, output: WheelId) {
        if self.is_output(output) {
            self.unwritten = 0;
        }
    }

    /// What comes is dropped until the file is opened again.
    fn output_failed(&mut self, failure: &Failure) {
        log::error!("{}: {failure}", self.name());
        if self.is_output(failure.wheel) {
            self.output = None;
            self.dropped += self.unwritten;
        }
    }

    /// Or else one that was replaced, and still writes.
    fn is_output(&self, wheel: WheelId) -> bool {
        self.output.as_ref().is_some_and(|output| output.id() == wheel)
    }

    fn got_mailbox(&mut self, cx: &mut Context<'_>, made: Established) -> io::Result<()> {
        examples::say_listening(made.socket.local_addr()?)?;
        let mailbox = Datagram::builder(made.socket).largest(LONGEST);
        self.mailbox = Some(mailbox.build(cx, "got_message", "got_mailbox_failure"));
        Ok(())
    }

    /// Of one message, and the others are received; or there is no socket.
    fn got_mailbox_failure(&self, failure: &Failure) -> Result<(), String> {
        log::warn!("{failure}");
        let is_there = self.mailbox.is_some().then_some(());
        is_there.ok_or_else(|| format!("{failure} ({})", self.path.display()))
    }

    fn client_failed(&mut self, failure: &Failure) {
        log::info!("wheel {} closes: {failure}", failure.wheel);
        if failure.operation == Operation::Decode {
            self.came += 1;
            self.dropped += 1;
        }
    }

    fn log(&mut self, cx: &mut Context<'_>, message: &[u8]) {
        let Some(line) = line_of(message) else { return };
        self.came += 1;
        let is_put = self.output.as_ref().is_some_and(|output| {
            let is_free = output.unsent(cx) < MOST_UNSENT;
            is_free && matches!(output.put(cx, line), Put::Queued | Put::High)
        });
        let count = if is_put { &mut self.unwritten } else { &mut self.dropped };
        *count += 1;
    }

    fn name(&self) -> String {
        let name = self.file.as_ref().map(|path| path.display().to_string());
        name.unwrap_or_else(|| String::from("standard output"))
    }

    fn say_count(&self) {
        log::info!("{} messages, {} of them dropped", self.came, self.dropped);
    }
}

/// A message as a line: the names of its facility and severity, and the rest as it is, but for control
/// characters, which are shown as rsyslog shows them: a message is one line, whatever it contains.
fn line_of(message: &[u8]) -> Option<Vec<u8>> {
    // What senders end their messages with is none of it.
    let last = message.iter().rposition(|byte| !matches!(byte, 0 | b'\r' | b'\n'))?;
    let message = &message[..=last];
    // One without is the user's notice (RFC 3164, 4.3.3).
    let (priority, rest) = priority(message).unwrap_or((13, message));
    // A version in front is that of RFC 5424.
    let rest = rest.strip_prefix(b"1 ").unwrap_or(rest);
    let (facility, severity) = (FACILITIES[priority / 8], SEVERITIES[priority % 8]);
    let mut line = format!("{facility}.{severity} ").into_bytes();
    for byte in rest {
        match byte {
            0..32 | 127 => line.extend(format!("#{byte:03o}").into_bytes()),
            _ => line.push(*byte),
        }
    }
    Some(line)
}

/// The number in `<34>`, eight times the facility and the severity; and what is behind it.
fn priority(message: &[u8]) -> Option<(usize, &[u8])> {
    let end = message.iter().take(5).position(|byte| *byte == b'>')?;
    let digits = str::from_utf8(message[..end].strip_prefix(b"<")?).ok()?;
    let priority = digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok());
    let priority = priority?.filter(|priority| priority / 8 < FACILITIES.len())?;
    Some((priority, &message[end + 1..]))
}

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

const SEVERITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Messages on a stream (RFC 6587): each behind its length and a space, or each a line.
struct Framed {
    lines: Line,
}

impl Filter for Framed {
    type Item = Bytes;
    /// Nobody is answered.
    type Out = Infallible;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let bytes = input.as_slice();
        if !matches!(bytes.first(), Some(b'1'..=b'9')) {
            return self.lines.decode(input);
        }
        let Some(space) = bytes.iter().position(|byte| !byte.is_ascii_digit()) else {
            let is_long = bytes.len() > LONGEST.to_string().len();
            return if is_long { Err(FilterError::TooLong { limit: LONGEST }) } else { Ok(None) };
        };
        if bytes[space] != b' ' {
            let what = "no space after a length".into();
            return Err(FilterError::Malformed { at: space, what });
        }
        let length = str::from_utf8(&bytes[..space]).ok().and_then(|length| length.parse().ok());
        let length = length.filter(|length| *length <= LONGEST);
        let length = length.ok_or(FilterError::TooLong { limit: LONGEST })?;
        if bytes.len() - space - 1 < length {
            return Ok(None);
        }
        input.skip(space + 1);
        Ok(Some(input.take(length)))
    }

    /// The last line may have no end; half a message that says how long it is is none.
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let is_line = !matches!(input.as_slice().first(), Some(b'1'..=b'9'));
        if is_line { self.lines.finish(input) } else { Ok(None) }
    }

    fn encode(&mut self, item: Infallible, _: &mut Output) -> Result<(), FilterError> {
        match item {}
    }
}

fn run((path, address, file): (PathBuf, SocketAddr, Option<PathBuf>)) -> io::Result<()> {
    let sink = Sink { path, file, ..Sink::default() };
    let options = SocketOptions::new().dead_peer_timeout(Duration::from_secs(300));
    let mut kernel = Kernel::new()?;
    TcpServer::new(|| Framed { lines: Line::literal(b"\n").max_length(LONGEST) })
        .listener(SocketFactory::listen(address).options(options))
        .concurrency(1000)
        .idle_timeout(None)
        .lifetime(None)
        .linger(GRACE)
        .drain_on_signals(GRACE)
        .started(Sink::start)
        .listening(|_, _, up| examples::say_listening(up.local_addr))
        .error(move |_, _, failure| examples::not_listening(&failure, address))
        .client_input(|sink, client, message: Bytes| sink.log(client.cx(), &message))
        .client_error(|sink, _, failure| sink.client_failed(&failure))
        .try_on("got_mailbox", |sink, clients, made| sink.got_mailbox(clients.cx(), made))
        .try_on("got_mailbox_failure", |sink, _, failure| sink.got_mailbox_failure(&failure))
        .on("got_message", |sink, clients, message: Message| {
            sink.log(clients.cx(), &message.payload);
        })
        .on("output_failed", |sink, _, failure| sink.output_failed(&failure))
        .on("all_is_written", |sink, _, output| sink.all_is_written(output))
        .on("got_hup", |sink, clients, _: Signal| sink.got_hup(clients.cx()))
        .draining(|sink, _| sink.mailbox = None)
        .stopped(|sink, _| sink.say_count())
        .spawn(&mut kernel, sink);
    kernel.run()
}

fn main() -> ExitCode {
    examples::main(
        "line_logger [PATH [ADDR:PORT [FILE]]]",
        |arguments| {
            let [path, address, file] = [0, 1, 2].map(|at| arguments.get(at));
            let path = path.map_or("/tmp/line_logger", String::as_str);
            let address = address.map_or("127.0.0.1:7777", String::as_str).parse().ok()?;
            (arguments.len() <= 3).then(|| (path.into(), address, file.map(PathBuf::from)))
        },
        run,
    )
}
