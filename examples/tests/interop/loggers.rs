//! The sink of syslog, and who logs there: util-linux's logger, netcat, Python.

use std::process::Stdio;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::foreign;
use crate::program::{End, Program};

struct Sink {
    program: Program,
    folder: Folder,
    port: String,
}

impl Sink {
    fn start(name: &str) -> Self {
        let folder = Folder::new(name);
        let arguments = [&folder.at("socket"), "127.0.0.1:0"];
        let mut program = Program::start("line_logger", &arguments, Stdio::null());
        let places = [program.listening(), program.listening()];
        let port = places.iter().find_map(|place| place.strip_prefix("127.0.0.1:"));
        let port = port.expect("one of the two").to_owned();
        Self { program, folder, port }
    }

    /// Runs logger, which has nothing to say, and gives the line that comes of it.
    fn logged(&mut self, arguments: &[&str]) -> String {
        assert_eq!(foreign::run("logger", arguments), "");
        self.program.line()
    }

    fn end(self) {
        assert_eq!(self.program.end_by(Signal::TERM), End::silent(0));
    }
}

#[test]
fn logger_logs_to_the_socket_in_its_formats() {
    let mut sink = Sink::start("logger_unix");
    let socket = sink.folder.at("socket");
    let line = sink.logged(&["-u", &socket, "-p", "auth.warning", "-t", "door", "who is there"]);
    assert!(line.starts_with("auth.warning "), "{line}");
    assert!(line.ends_with(" door: who is there\n"), "{line}");
    let arguments = ["--rfc5424=notq", "-u", &socket, "-p", "local0.debug", "-t", "door", "again"];
    let line = sink.logged(&arguments);
    assert!(line.starts_with("local0.debug 2"), "a year: {line}");
    assert!(line.ends_with(" door - - - again\n"), "{line}");
    sink.end();
}

#[test]
fn logger_logs_by_tcp_in_both_framings() {
    let mut sink = Sink::start("logger_tcp");
    let port = sink.port.clone();
    for framing in [&[][..], &["--octet-count"]] {
        for format in ["--rfc3164", "--rfc5424"] {
            let to = ["-n", "127.0.0.1", "-P", &port, "-T", "-p", "mail.err", format];
            let line = sink.logged(&[&to, framing, &["a message"]].concat());
            assert!(line.starts_with("mail.err "), "{framing:?}, {format}: {line}");
            assert!(line.ends_with(" a message\n"), "{framing:?}, {format}: {line}");
        }
    }
    sink.end();
}

#[test]
fn logger_sends_a_file_line_by_line() {
    let mut sink = Sink::start("logger_file");
    let file = sink.folder.at("file");
    let lines = (0..1000).map(|number| format!("<{}>line {number}\n", number % 192));
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let port = sink.port.clone();
    let to = ["-n", "127.0.0.1", "-P", &port, "-T", "--rfc3164", "--octet-count"];
    assert_eq!(foreign::run("logger", &[&to[..], &["--prio-prefix", "-f", &file]].concat()), "");
    for number in 0..1000 {
        let line = sink.program.line();
        assert!(line.ends_with(&format!(": line {number}\n")), "{line}");
        let severity = line.split_once('.').expect("facility.severity").1;
        let names = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
        assert!(severity.starts_with(names[number % 8]), "{number}: {line}");
    }
    sink.end();
}

#[test]
fn netcat_sends_lines() {
    let mut sink = Sink::start("netcat");
    let input = sink.folder.at("input");
    std::fs::write(&input, "<14>one\n<11>two\nthree").unwrap();
    let input = std::fs::File::open(input).unwrap();
    let end = foreign::start_with("nc", &["-N", "127.0.0.1", &sink.port], input.into()).end();
    assert_eq!(end, End::silent(0));
    for line in ["user.info one\n", "user.err two\n", "user.notice three\n"] {
        assert_eq!(sink.program.line(), line);
    }
    sink.end();
}

#[test]
fn pythons_handler_logs_to_both_doors() {
    let mut sink = Sink::start("python");
    let script = "
import logging, logging.handlers, socket, sys
log = logging.getLogger()
path, port = sys.argv[1:]
unix = logging.handlers.SysLogHandler(path, logging.handlers.SysLogHandler.LOG_CRON)
log.addHandler(unix)
log.warning('by %s', 'datagram')
log.removeHandler(unix)
tcp = logging.handlers.SysLogHandler(('127.0.0.1', int(port)), socktype=socket.SOCK_STREAM)
tcp.append_nul = False
tcp.setFormatter(logging.Formatter('%(message)s\\n'))
log.addHandler(tcp)
log.critical('by stream')
";
    let arguments = ["-c", script, &sink.folder.at("socket"), &sink.port];
    assert_eq!(foreign::run("python3", &arguments), "");
    let mut lines = [sink.program.line(), sink.program.line()];
    lines.sort();
    assert_eq!(lines, ["cron.warning by datagram\n", "user.crit by stream\n"]);
    sink.end();
}
