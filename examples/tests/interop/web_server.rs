//! The web server, and curl, wrk and Python as its clients.

use std::fs;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::foreign;
use crate::program::{End, Server};

const NAMES: [&str; 3] = ["index.html", "short.txt", "long.bin"];

/// A server of some files.
fn start(name: &str) -> (Folder, Server) {
    let folder = Folder::new(name);
    let long: Vec<u8> = (0..1 << 20).flat_map(u32::to_le_bytes).collect();
    for (name, bytes) in NAMES.into_iter().zip([&b"<p>hello"[..], b"hello\n", &long]) {
        fs::write(folder.at(name), bytes).unwrap();
    }
    let server = Server::start_program("http_server", &[&folder.at("")], None);
    (folder, server)
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}/{path}", server.address)
}

fn curl(arguments: &[&str]) -> String {
    foreign::run("curl", &[&["-sS"], arguments].concat())
}

#[test]
fn curl_fetches_files_on_one_connection() {
    let (folder, server) = start("web_curl");
    let copies = NAMES.map(|name| (url(&server, name), folder.at(&format!("copy_of_{name}"))));
    let asks = copies.iter().flat_map(|(url, copy)| [url.as_str(), "-o", copy.as_str()]);
    let said = "%{http_code} %{num_connects}\\n";
    let asks: Vec<&str> = ["-f", "-w", said].into_iter().chain(asks).collect();
    assert_eq!(curl(&asks), "200 1\n200 0\n200 0\n");
    for (name, (_, copy)) in NAMES.into_iter().zip(&copies) {
        assert!(fs::read(copy).unwrap() == fs::read(folder.at(name)).unwrap(), "{name}");
    }
    assert_eq!(curl(&["--http1.0", &url(&server, "")]), "<p>hello");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn curl_goes_on_where_it_was_cut_off_and_fetches_only_what_is_new() {
    let (folder, server) = start("web_resume");
    let (long, copy) = (folder.at("long.bin"), folder.at("copy"));
    let bytes = fs::read(&long).unwrap();
    fs::write(&copy, &bytes[..1_000_000]).unwrap();
    assert_eq!(curl(&["-f", "-C", "-", "-o", &copy, &url(&server, "long.bin")]), "");
    assert!(fs::read(&copy).unwrap() == bytes, "both parts together are the file");
    let known = ["-w", "%{http_code}", "-z", &long, &url(&server, "long.bin")];
    assert_eq!(curl(&known), "304");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn curl_posts_and_is_told_what_cannot_be() {
    let (folder, server) = start("web_post");
    let count = url(&server, "api/count");
    assert_eq!(curl(&["--data-binary", "a\nb\n", &count]), "{\"bytes\":4,\"lines\":2}\n");
    fs::write(folder.at("most"), vec![b'\n'; 1 << 20]).unwrap();
    let counted = "{\"bytes\":1048576,\"lines\":1048576}\n";
    let most = format!("@{}", folder.at("most"));
    // So long a body waits to be asked for.
    assert_eq!(curl(&["--expect100-timeout", "600", "--data-binary", &most, &count]), counted);
    let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &most, &count];
    assert_eq!(curl(&chunked), counted);
    let code = |arguments: &[&str]| {
        curl(&[&["-o", "/dev/null", "-w", "%{http_code}"], arguments].concat())
    };
    let too_long = format!("@{}", folder.at("long.bin"));
    assert_eq!(code(&["--data-binary", &too_long, &count]), "413");
    assert_eq!(code(&["-X", "DELETE", &count]), "405");
    assert_eq!(code(&["--path-as-is", &url(&server, "../../../../../etc/passwd")]), "404");
    assert_eq!(code(&[&url(&server, "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd")]), "404");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn wrk_finds_nothing_wrong() {
    let (_folder, server) = start("web_wrk");
    for path in ["short.txt", "api/status", "long.bin"] {
        let said =
            foreign::run("wrk", &["-t1", "-c20", "-d1", "--timeout", "60", &url(&server, path)]);
        assert!(said.contains("requests in"), "{said}");
        for wrong in ["Socket errors", "Non-2xx"] {
            assert!(!said.contains(wrong), "{said}");
        }
    }
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn python_keeps_its_connection() {
    let (_folder, server) = start("web_python");
    let script = "
import http.client, json, sys
server = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
def ask(*arguments, **fields):
    server.request(*arguments, **fields)
    answer = server.getresponse()
    return answer.status, answer.read()
assert ask('GET', '/short.txt') == (200, b'hello\\n')
sock = server.sock
assert ask('HEAD', '/long.bin') == (200, b'')
assert ask('GET', '/nothing')[0] == 404
assert ask('PUT', '/short.txt', body=b'x' * 1000)[0] == 405
body = (b'line\\n' for _ in range(1000))
status, said = ask('POST', '/api/count', body=body, encode_chunked=True)
assert (status, json.loads(said)) == (200, {'bytes': 5000, 'lines': 1000}), said
status, said = ask('GET', '/api/status')
assert json.loads(said)['requests'] == 6, said
assert server.sock is sock
";
    let port = server.address.port().to_string();
    assert_eq!(foreign::run("python3", &["-c", script, &port]), "");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}
