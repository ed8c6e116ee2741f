//! The sink of syslog: what comes in at both doors, and where it goes.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::folder::Folder;
use crate::program::{End, Program};

const USAGE: &str = "usage: line_logger [PATH [ADDR:PORT [FILE]]]\n";

struct Sink {
    program: Program,
    folder: Folder,
    address: String,
}

impl Sink {
    fn start(name: &str, file: Option<&str>) -> Self {
        Self::start_in(Folder::new(name), file)
    }

    fn start_in(folder: Folder, file: Option<&str>) -> Self {
        let path = folder.at("socket");
        let file = file.map(|file| folder.at(file));
        let mut arguments = vec![path.as_str(), "127.0.0.1:0"];
        arguments.extend(file.as_deref());
        let mut program =
            Program::start_logging("line_logger", &arguments, Stdio::null(), Some("info"));
        let mut places = [program.listening(), program.listening()];
        places.sort_by_key(|place| *place == path);
        let [address, socket] = places;
        assert_eq!(socket, path);
        Self { program, folder, address }
    }

    /// Sends by TCP, and returns when all of it has been taken.
    fn stream(&self, bytes: impl AsRef<[u8]>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(bytes.as_ref()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
    }

    fn send(&self, message: &[u8]) {
        let socket = UnixDatagram::unbound().unwrap();
        socket.send_to(message, self.folder.at("socket")).unwrap();
    }

    /// Ends it in order, and gives what its log says last of messages.
    fn count(self) -> String {
        self.end().0
    }

    fn end(self) -> (String, Folder) {
        let end = self.program.end_by(Signal::TERM);
        assert_eq!((end.code, end.stdout.as_str()), (Some(0), ""), "{}", end.stderr);
        assert!(!end.stderr.contains("the time to drain is up"), "{}", end.stderr);
        assert!(!fs::exists(self.folder.at("socket")).unwrap(), "its path goes with it");
        let mut counts = end.stderr.lines().filter_map(|line| line.split_once("line_logger] "));
        (counts.next_back().expect("a count at the end").1.to_owned(), self.folder)
    }
}

#[test]
fn messages_of_both_doors_become_lines() {
    let mut sink = Sink::start("both_doors", None);
    sink.send(b"<36>Nov 29 12:00:00 su: no\n\0");
    assert_eq!(sink.program.line(), "auth.warning Nov 29 12:00:00 su: no\n");
    // The two kinds of framing, on one stream; the last line has no end.
    sink.stream("<0>panic\n13 <191>two\nlines<15>1 - host\r\n\n3 <8>12 <9>again<14>last");
    assert_eq!(sink.program.line(), "kern.emerg panic\n");
    assert_eq!(sink.program.line(), "local7.debug two#012line\n");
    assert_eq!(sink.program.line(), "user.notice s<15>1 - host\n");
    assert_eq!(sink.program.line(), "user.emerg \n");
    assert_eq!(sink.program.line(), "user.alert again<14>\n");
    assert_eq!(sink.program.line(), "user.notice last\n");
    for (odd, line) in [
        (&b"<192>too high"[..], "user.notice <192>too high\n"),
        (b"<>none", "user.notice <>none\n"),
        (b"<+1>sign", "user.notice <+1>sign\n"),
        (b"<1", "user.notice <1\n"),
        (b"<12>\x1b[2J\x7f", "user.warning #033[2J#177\n"),
        (b"plain", "user.notice plain\n"),
    ] {
        sink.send(odd);
        assert_eq!(sink.program.line(), line);
    }
    assert_eq!(sink.count(), "13 messages, 0 of them dropped");
}

#[test]
fn a_message_that_is_too_long_does_no_harm() {
    let mut sink = Sink::start("too_long", None);
    let long = "x".repeat(9000);
    let mut patient = TcpStream::connect(&sink.address).unwrap();
    sink.stream(format!("{long}\nlost\n"));
    sink.stream(format!("9000 {long}"));
    sink.stream("123456789");
    sink.stream("12x4");
    // Half a message is none, and no fault.
    sink.stream("12 half");
    sink.send(long.as_bytes());
    assert_eq!(sink.program.line(), format!("user.notice {}\n", &long[..8192]));
    patient.write_all(b"still there\n").unwrap();
    assert_eq!(sink.program.line(), "user.notice still there\n");
    drop(patient);
    assert_eq!(sink.count(), "6 messages, 4 of them dropped");
}

#[test]
fn a_file_that_is_moved_away_is_opened_anew_and_no_message_is_lost() {
    let sink = Sink::start("hup", Some("log"));
    let (log, moved) = (sink.folder.at("log"), sink.folder.at("moved"));
    let message = |number: u32| format!("message {number}\n");
    sink.stream(message(0));
    fs::rename(&log, &moved).unwrap();
    sink.stream(message(1));
    sink.program.kill(Signal::HUP);
    let mut sent = 2;
    while !fs::exists(&log).unwrap() {
        sink.stream(message(sent));
        sent += 1;
    }
    sink.stream(message(sent));
    let (count, _folder) = sink.end();
    assert_eq!(count, format!("{} messages, 0 of them dropped", sent + 1));
    let [moved, log] = [moved, log].map(|path| fs::read_to_string(path).unwrap());
    assert!(moved.starts_with("user.notice message 0\nuser.notice message 1\n"), "{moved}");
    assert!(log.ends_with(&format!("user.notice message {sent}\n")), "{log}");
    let expected: String =
        (0..=sent).map(|number| "user.notice ".to_owned() + &message(number)).collect();
    assert_eq!(moved + &log, expected);
}

/// A pipe with a name, and its end to read from.
fn fifo(path: &str) -> BufReader<File> {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    // Opened for both, nobody has to wait for the other end.
    BufReader::new(OpenOptions::new().read(true).write(true).open(path).unwrap())
}

fn has_come(pipe: &BufReader<File>, seconds: i64) -> bool {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    poll(&mut [PollFd::new(pipe.get_ref(), PollFlags::IN)], Some(&time)).unwrap() == 1
}

/// The next line. There is no end of a pipe that is open for both.
fn read_line(pipe: &mut BufReader<File>) -> String {
    let mut line = String::new();
    while !line.ends_with('\n') {
        assert!(!pipe.buffer().is_empty() || has_come(pipe, 60), "waited in vain behind {line:?}");
        let mut byte = [0];
        pipe.read_exact(&mut byte).unwrap();
        line.push(byte[0].into());
    }
    line
}

#[test]
fn what_was_not_written_yet_is_still_written_where_it_was_to_go() {
    let folder = Folder::new("hup_pending");
    let (path, moved) = (folder.at("log"), folder.at("moved"));
    let mut old = fifo(&path);
    let sink = Sink::start_in(folder, Some("log"));
    let line = |number: usize| format!("{number:01000}\n");
    // More than the pipe takes.
    let mut sent = 300;
    sink.stream((0..sent).map(line).collect::<String>());
    fs::rename(&path, &moved).unwrap();
    let mut new = fifo(&path);
    sink.program.kill(Signal::HUP);
    while !has_come(&new, 0) {
        sink.stream(line(sent));
        sent += 1;
    }
    let first_of_new = read_line(&mut new);
    let said: Vec<String> =
        (0..sent).map(|number| format!("user.notice {}", line(number))).collect();
    let first = said.iter().position(|said| *said == first_of_new).expect("one of them");
    for said in &said[..first] {
        assert_eq!(read_line(&mut old), *said);
    }
    for said in &said[first + 1..] {
        assert_eq!(read_line(&mut new), *said);
    }
    assert_eq!(sink.count(), format!("{sent} messages, 0 of them dropped"));
}

#[test]
fn what_a_full_disk_does_not_take_is_counted() {
    let folder = Folder::new("full_disk");
    symlink("/dev/full", folder.at("log")).unwrap();
    let sink = Sink::start_in(folder, Some("log"));
    sink.stream("one\ntwo\n");
    sink.stream("three\n");
    assert_eq!(sink.count(), "3 messages, 3 of them dropped");
}

#[test]
fn an_output_that_is_not_read_holds_nobody_up() {
    let mut sink = Sink::start("not_read", None);
    let line = |number: usize| format!("{number:01000}");
    let sent = 3000;
    sink.stream((0..sent).map(|number| line(number) + "\n").collect::<String>());
    // There is no other standard output to begin with.
    sink.program.kill(Signal::HUP);
    // A mebibyte of lines is kept, besides what the pipe takes.
    let kept = 1024 * 1024 / 1013;
    for number in 0..kept {
        assert_eq!(sink.program.line(), format!("user.notice {}\n", line(number)));
    }
    sink.stream("end\n");
    let rest = std::iter::repeat_with(|| sink.program.line());
    let rest = rest.take_while(|line| line != "user.notice end\n");
    let more = rest.zip(kept..).inspect(|(said, number)| {
        assert_eq!(*said, format!("user.notice {}\n", line(*number)));
    });
    let dropped = sent - kept - more.count();
    assert!(dropped > 0, "a pipe does not take so much");
    assert_eq!(sink.count(), format!("{} messages, {dropped} of them dropped", sent + 1));
}

#[test]
fn a_client_that_stays_is_told_of_the_end() {
    let sink = Sink::start("stays", Some("log"));
    let mut client = TcpStream::connect(&sink.address).unwrap();
    client.write_all(b"<14>here I am\n").unwrap();
    sink.stream("<14>so am I\n");
    sink.program.kill(Signal::TERM);
    assert_eq!(client.read_to_end(&mut Vec::new()).unwrap(), 0);
    drop(client);
    let (count, folder) = sink.end();
    assert_eq!(count, "2 messages, 0 of them dropped");
    let mut lines: Vec<String> =
        fs::read_to_string(folder.at("log")).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["user.info here I am", "user.info so am I"]);
}

#[test]
fn a_sink_that_cannot_start_says_why() {
    let folder = Folder::new("cannot_start");
    let end = |arguments: [&str; 3]| Program::start("line_logger", &arguments, Stdio::null()).end();
    let (socket, file) = (folder.at("socket"), folder.at("file"));
    let nowhere = folder.at("no/where");
    let no_file = end([&socket, "127.0.0.1:0", &nowhere]);
    let why = format!("{nowhere}: No such file or directory (os error 2)\n");
    assert_eq!(no_file, End::complained(1, why));

    let no_path = end([&nowhere, "127.0.0.1:0", &file]);
    assert_eq!(
        (no_path.code, no_path.stderr),
        (Some(1), format!("bind: No such file or directory ({nowhere})\n"))
    );

    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let _taken = TcpListener::bind(&taken).unwrap();
    let no_port = end([&socket, &taken, &file]);
    let why = format!("bind: Address already in use ({taken})\n");
    assert_eq!((no_port.code, no_port.stderr), (Some(1), why));
    assert!(!fs::exists(&socket).unwrap());
}

#[test]
fn bad_arguments_of_the_sink_are_answered_with_its_usage() {
    let bad: [&[&str]; 2] = [&["/tmp/x", "7777"], &["/tmp/x", "127.0.0.1:0", "file", "more"]];
    for arguments in bad {
        let end = Program::start("line_logger", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, USAGE), "{arguments:?}");
    }
}
