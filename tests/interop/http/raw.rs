//! Clients that say exactly what they are told to: sockets, and netcat.

use std::io::Write;
use std::net::{Shutdown, SocketAddr};

use testkit::net::{self, Ending, Peer};

use super::gathered::Repeat;
use super::site::Site;
use crate::program::Program;

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// What a client gets that says this, and ends its output or does not.
#[track_caller]
fn ask(site: &mut Site, words: impl Into<Vec<u8>>, ends: bool) -> Ending {
    let (place, words) = (place(site), words.into());
    let peer = Peer::play(move || {
        let mut stream = net::connect(place);
        stream.write_all(&words).expect("write");
        if ends {
            stream.shutdown(Shutdown::Write).expect("shutdown");
        }
        net::read_to_end(&mut stream)
    });
    peer.run(&mut site.kernel)
}

fn place(site: &Site) -> SocketAddr {
    site.place().as_ip().expect("of IP")
}

#[test]
fn ten_requests_in_one_write_get_ten_answers_in_order() {
    let mut site = Site::serve(Repeat::new());
    let ten = 0..10;
    let requests: String = ten
        .clone()
        .map(|n| format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{n}"))
        .collect();
    let answers: String = ten.map(|n| answer(&format!("POST /{n} HTTP/1.1 1\n{n}"))).collect();
    assert_eq!(ask(&mut site, requests, true), Ending::Closed(answers.into()));
    site.end();
}

#[test]
fn more_requests_than_fit_in_any_buffer_get_all_their_answers() {
    let mut site = Site::serve(Repeat::new());
    let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let (count, place) = (100_000, place(&site));
    let peer = Peer::play(move || {
        let mut stream = net::connect(place);
        let mut writer = stream.try_clone().expect("a second one");
        let writer = Peer::play(move || {
            writer.write_all(request.repeat(count).as_bytes()).expect("write");
            writer.shutdown(Shutdown::Write).expect("shutdown");
        });
        let ending = net::read_to_end(&mut stream);
        writer.join();
        ending
    });
    let answers = answer("GET /a HTTP/1.1 0\n").repeat(count);
    assert!(peer.run(&mut site.kernel) == Ending::Closed(answers.into()));
    site.end();
}

#[test]
fn what_is_no_request_gets_400_behind_the_answers_before_it_and_the_end() {
    let mut site = Site::serve(Repeat::new());
    let words = "GET /a HTTP/1.1\r\nHost: a\r\n\r\nwhat?\r\n\r\nGET /b HTTP/1.1\r\n";
    let Ending::Closed(said) = ask(&mut site, words, false) else { panic!("a reset") };
    let said = String::from_utf8(said).unwrap();
    let rest = said.strip_prefix(&answer("GET /a HTTP/1.1 0\n")).expect("the first answer");
    assert!(rest.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{rest}");
    assert!(rest.contains("\r\nconnection: close\r\n"), "{rest}");
    assert_eq!(rest.matches("HTTP/1.1 ").count(), 1, "{rest}");
    site.end();
}

#[test]
fn a_client_that_is_refused_and_goes_on_sending_still_hears_why() {
    let mut site = Site::serve(Repeat::new());
    let words = [b"no\r\n\r\n".to_vec(), vec![b'x'; 3_000_000]].concat();
    let Ending::Closed(said) = ask(&mut site, words, true) else { panic!("a reset") };
    assert!(said.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    site.end();
}

#[test]
fn netcat_says_hello_and_is_turned_away() {
    let mut site = Site::serve(Repeat::new());
    let (ip, port) = (place(&site).ip().to_string(), place(&site).port().to_string());
    let mut netcat = Program::start("nc", &[&ip, &port]);
    netcat.say(b"HELO there\r\n");
    // It does not end with its input, but with the connection.
    let said = String::from_utf8(netcat.finish(&mut site.kernel)).unwrap();
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    site.end();
}

#[test]
fn requests_that_come_byte_by_byte_are_answered() {
    let mut site = Site::serve(Repeat::new());
    let place = place(&site);
    let peer = Peer::play(move || {
        let mut stream = net::connect(place);
        let words = "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                     3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nA: b\r\n\r\n";
        let body = answer("POST /slow HTTP/1.1 7\nabcdefg");
        for _ in 0..3 {
            net::dribble(&mut stream, words.as_bytes());
            assert_eq!(net::read_exact(&mut stream, body.len()), body.as_bytes());
        }
    });
    peer.run(&mut site.kernel);
    site.end();
}

#[test]
fn a_request_that_is_cut_off_gets_400() {
    let mut site = Site::serve(Repeat::new());
    for words in ["GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"] {
        let Ending::Closed(said) = ask(&mut site, words, true) else { panic!("a reset") };
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
    }
    site.end();
}
