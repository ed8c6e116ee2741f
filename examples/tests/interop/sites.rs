//! The crawler on a site that Python serves.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::foreign;
use crate::program::{End, Program};

/// Python's server of a folder, whose pages are those it makes of folders.
fn serve(folder: &Folder, protocol: &str) -> (Program, String) {
    let script = "
import functools, http.server, sys
handler = http.server.SimpleHTTPRequestHandler
handler.protocol_version = sys.argv[2]
handler = functools.partial(handler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
print('http://127.0.0.1:%d' % server.server_port, flush=True)
server.serve_forever()
";
    let arguments = ["-c", script, &folder.at(""), protocol];
    let mut server = foreign::start("python3", &arguments);
    let url = server.line().trim_end().to_owned();
    (server, url)
}

fn crawl(arguments: &[&str]) -> End {
    Program::start("web_crawler", arguments, Stdio::null()).end()
}

/// Folders and files, and what the crawler says of each file.
fn tree(folder: &Folder) -> BTreeMap<String, String> {
    let mut expected = BTreeMap::new();
    for (place, encoded) in [("", ""), ("a/", "a/"), ("a/b c/", "a/b%20c/"), ("z&<\u{e9}>/", "")] {
        fs::create_dir_all(folder.at(place)).unwrap();
        for number in 0..10_usize {
            let text = "x".repeat(number * 1000);
            fs::write(folder.at(&format!("{place}{number}.txt")), &text).unwrap();
            let encoded = if place.starts_with('z') { "z%26%3C%C3%A9%3E/" } else { encoded };
            expected.insert(format!("/{encoded}{number}.txt"), format!("200 {}", text.len()));
        }
    }
    expected
}

#[test]
fn a_tree_of_files_is_crawled_whatever_the_server_does_with_its_connections() {
    for (protocol, connections) in [("HTTP/1.0", 44..=44), ("HTTP/1.1", 4..=16)] {
        let folder = Folder::new("sites");
        let expected = tree(&folder);
        let (server, url) = serve(&folder, protocol);
        let end = crawl(&["--connections", "4", &format!("{url}/")]);
        assert_eq!((end.code, end.stderr.as_str()), (Some(0), ""));
        let mut lines: Vec<&str> = end.stdout.lines().collect();
        let count = lines.pop().unwrap();
        assert!(count.starts_with("44 pages, "), "{count}");
        let made = count.split_once(" 0 failed, ").and_then(|(_, made)| made.split_once(' '));
        let made: u32 = made.expect("no failure").0.parse().unwrap();
        assert!(connections.contains(&made), "{protocol}: {made} connections");
        let found = lines.iter().filter_map(|line| {
            let (told, url_of_it) = line.rsplit_once(' ')?;
            let path = url_of_it.strip_prefix(&url).expect("of this site");
            (!path.ends_with('/')).then(|| (path.to_owned(), told.to_owned()))
        });
        assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
        let log = server.end_by(Signal::KILL).stderr;
        assert_eq!(log.matches("\"GET ").count(), 44, "each page was asked for once: {log}");
    }
}

#[test]
fn a_crawler_that_is_interrupted_says_how_far_it_came() {
    let script = "
import socket
listener = socket.create_server(('127.0.0.1', 0))
print('http://127.0.0.1:%d' % listener.getsockname()[1], flush=True)
client = listener.accept()[0]
client.recv(1000)
print('asked', flush=True)
client.recv(1000)
";
    let mut server = foreign::start("python3", &["-c", script]);
    let crawler = Program::start("web_crawler", &[server.line().trim_end()], Stdio::null());
    assert_eq!(server.line(), "asked\n");
    let end = crawler.end_by(Signal::INT);
    assert_eq!(end, End::printed("0 pages, 0 bytes, 0 failed, 1 connections\n"));
    assert_eq!(server.end(), End::silent(0));
}
