//! What was read of a message is not lost to a filter that takes over: POE loses it.

use filters::Filter;
use filters::http::{HttpClient, Httpd};

use super::kit::{Stream, accepted, get, told};

const HEAD: &str = "POST /a HTTP/1.1\r\nHost: b\r\nX: y\r\n";

#[test]
fn f57_a_successor_reads_the_same_request_wherever_it_takes_over() {
    let sized = format!("{HEAD}Content-Length: 10\r\n\r\n0123456789");
    let chunked = format!(
        "{HEAD}Transfer-Encoding: chunked\r\n\r\n4;x\r\n0123\r\n5\r\n45678\r\n1\r\n9\r\n0\r\nT: u\r\n\r\n"
    );
    for all in [sized, chunked] {
        for at in 0..all.len() {
            let (read, rest) = all.as_bytes().split_at(at);
            let mut first = Stream::new(Httpd::new());
            for byte in read.chunks(3) {
                assert!(first.read(byte).is_empty(), "{at}");
            }
            let mut second = Stream::new(Httpd::new());
            let offered = [first.filter.take_pending(), first.rest, rest.to_vec()].concat();
            let mut items = second.read(&offered);
            assert_eq!(items.len(), 1, "{at}: {}", String::from_utf8_lossy(&offered));
            let request = accepted(items.remove(0));
            assert_eq!(
                (request.body().as_ref(), request.headers()["x"].as_bytes()),
                (&b"0123456789"[..], &b"y"[..])
            );
            assert!(second.rest.is_empty(), "{at}");
        }
    }
}

#[test]
fn what_was_read_of_a_known_length_is_given_back_as_it_was() {
    let all = format!("{HEAD}Content-Length: 10\r\n\r\n01234");
    let mut stream = Stream::new(Httpd::new());
    assert!(stream.read(all.as_bytes()).is_empty());
    assert_eq!(stream.filter.take_pending(), all.as_bytes());
    assert_eq!(stream.filter.take_pending(), b"", "once");
}

#[test]
fn a_client_gives_back_what_it_has_of_a_response() {
    let all = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234";
    let mut stream = Stream::new(HttpClient::new());
    stream.put(get("/"));
    let items = stream.read(all.as_bytes());
    assert!(items.is_empty(), "{}", told(items));
    assert_eq!(stream.filter.take_pending(), all.as_bytes());
}
