//! The proxy, between curl and Python's web server, and between netcat and socat.

use std::fs::{self, File};
use std::process::Stdio;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::foreign;
use crate::program::{End, Server};

#[test]
fn curl_takes_from_a_python_behind_the_proxy() {
    let folder = Folder::new("proxy_python");
    let bytes: Vec<u8> = (0..2 << 20).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.at("long"), &bytes).unwrap();
    let script = "
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
handler.log_message = handler.func.log_message = lambda *arguments: None
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print('listening on 127.0.0.1:%d' % server.server_port, flush=True)
server.serve_forever()
";
    let mut python = foreign::start("python3", &["-c", script, &folder.at("")]);
    let upstream = python.listening();
    let proxy = Server::start_program("tcp_proxy", &[&upstream], None);
    let url = format!("http://{}/long", proxy.address);
    let copies = ["one", "two", "three", "four", "five"].map(|copy| folder.at(copy));
    let start = |copy: &String| foreign::start("curl", &["-sSf", "-o", copy, &url]);
    for curl in copies.each_ref().map(start) {
        assert_eq!(curl.end(), End::silent(0));
    }
    for copy in copies {
        assert!(fs::read(copy).unwrap() == bytes, "what came is what is there");
    }
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
    assert_eq!(python.end_by(Signal::KILL).code, None);
}

/// Netcat says that no more comes, and socat's program answers only then.
#[test]
fn netcat_is_answered_by_a_program_behind_the_proxy_when_it_has_said_all() {
    let folder = Folder::new("proxy_socat");
    let lines: String = (0..100_000).rev().map(|number| format!("{number:06}\n")).collect();
    fs::write(folder.at("lines"), &lines).unwrap();
    let path = folder.at("sort");
    let listen = format!("UNIX-LISTEN:{path},fork");
    let socat = foreign::start("socat", &[&*listen, "EXEC:sort"]);
    while fs::metadata(&path).is_err() {}
    let proxy = Server::start_program("tcp_proxy", &[&path], None);
    let port = proxy.address.port().to_string();
    let input = File::open(folder.at("lines")).unwrap();
    let end = foreign::start_with("nc", &["-N", "127.0.0.1", &port], input.into()).end();
    assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
    assert!(end.stdout.lines().eq(lines.lines().rev()), "{} bytes came", end.stdout.len());
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
    drop(socat.end_by(Signal::TERM));
}

#[test]
fn netcat_hears_nothing_if_there_is_nobody_behind_the_proxy() {
    let folder = Folder::new("proxy_nobody");
    let proxy = Server::start_program("tcp_proxy", &[&folder.at("nobody")], None);
    let port = proxy.address.port().to_string();
    let end = foreign::start_with("nc", &["-N", "127.0.0.1", &port], Stdio::null()).end();
    assert_eq!(end, End::silent(0));
    assert_eq!(proxy.end(Signal::TERM), End::silent(0));
}
