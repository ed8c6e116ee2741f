//! The longest heads and bodies.

use filters::http::{Httpd, Received};
use filters::{Filter, FilterError, Input};

use super::kit::{Stream, accepted, asked, response, served};

fn status(stream: &mut Stream<Httpd>, bytes: &[u8]) -> Option<u16> {
    let mut items = stream.read(bytes);
    assert!(items.len() <= 1);
    items.pop().map(|item| match item {
        Received::Request { .. } => 200,
        Received::Rejected(rejected) => rejected.response.status().as_u16(),
    })
}

#[test]
fn p15_a_head_without_end_is_refused_at_the_limit() {
    for (start, expected) in
        [("GET /", 414), ("GET / HTTP/1.1\r\nX: ", 431), ("GET / HTTP/1.1\r\n", 431)]
    {
        let mut stream = Stream::new(Httpd::new());
        assert_eq!(status(&mut stream, start.as_bytes()), None);
        let mut most = 0;
        let refused = loop {
            if let Some(status) = status(&mut stream, &[b'a'; 1024]) {
                break status;
            }
            most = most.max(stream.rest.len());
            assert!(most < 64 * 1024, "{start}");
        };
        assert_eq!((refused, stream.rest.len()), (expected, 0), "{start}");
        assert!(most > 62 * 1024);
    }
}

#[test]
fn a_head_of_just_the_limit_passes() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (limit, expected) in [(head.len(), 200), (head.len() - 1, 431)] {
        assert_eq!(status(&mut Stream::new(Httpd::new().max_head(limit)), head), Some(expected));
    }
}

#[test]
fn the_number_of_fields_is_limited_also_where_many_are_allowed() {
    let head = |fields: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields - 1)).into_bytes()
    };
    for most in [1, 100, 300] {
        let httpd = || Stream::new(Httpd::new().max_headers(most));
        assert_eq!(status(&mut httpd(), &head(most)), Some(200));
        assert_eq!(status(&mut httpd(), &head(most + 1)), Some(431));
    }
}

#[test]
fn a_chunked_body_is_refused_when_it_announces_too_much() {
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = Stream::new(Httpd::new().max_content(10));
    assert_eq!(status(&mut stream, format!("{head}6\r\nabcdef\r\n").as_bytes()), None);
    assert_eq!(status(&mut stream, b"5\r\n"), Some(413));
    let mut stream = Stream::new(Httpd::new().max_content(10));
    let body = "6\r\nabcdef\r\n4\r\nghij\r\n0\r\n\r\n";
    assert_eq!(
        accepted(stream.read(format!("{head}{body}").as_bytes()).remove(0)).body().len(),
        10
    );
}

#[test]
fn trailers_have_the_limits_of_a_head() {
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    for trailers in ["X: y\r\n".repeat(101) + "\r\n", "X: ".to_owned() + &"y".repeat(64 * 1024)] {
        let mut stream = Stream::new(Httpd::new());
        assert_eq!(status(&mut stream, format!("{head}{trailers}").as_bytes()), Some(431));
    }
}

#[test]
fn what_was_searched_is_not_searched_again() {
    // A long head that arrives byte by byte. Were each read searched from the start, this would look
    // at half a terabyte and not end today.
    let mut httpd = Httpd::new().max_head(usize::MAX);
    let mut all = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
    all.resize(1_000_000, b'a');
    all.extend_from_slice(b"\r\n\r\n");
    for end in 0..all.len() {
        assert!(httpd.decode(&mut Input::new(&all[..end])).unwrap().is_none());
    }
    assert!(matches!(httpd.decode(&mut Input::new(&all)), Ok(Some(Received::Request { .. }))));
}

#[test]
fn a_body_grows_with_what_comes_and_not_with_what_is_announced() {
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    let mut stream = Stream::new(Httpd::new());
    let mut grown = 0;
    let info = allocation_counter::measure(|| {
        assert!(stream.read(head.as_bytes()).is_empty());
        assert!(stream.read(&[b'x'; 1000]).is_empty());
        grown = stream.rest.len();
    });
    assert_eq!(grown, 0, "it is consumed as it comes");
    assert!(info.bytes_max < 64 * 1024, "{info:?}");
}

#[test]
fn a_request_shares_one_copy_of_its_head() {
    let head = |fields: usize| {
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "Accept: anything at all\r\n".repeat(fields))
    };
    let allocations = |fields| {
        let head = head(fields);
        let mut httpd = Httpd::new();
        let info = allocation_counter::measure(|| {
            let item = httpd.decode(&mut Input::new(head.as_bytes()));
            assert!(matches!(item, Ok(Some(Received::Request { .. }))));
        });
        info.count_total
    };
    // Repeated fields are kept in a list, which grows; none has an allocation of its own.
    let few = allocations(8);
    assert!(allocations(64) <= few + 5, "{few}, {}", allocations(64));
    assert!(allocations(0) <= 6, "{}", allocations(0));
}

#[test]
fn p15_what_is_left_to_another_filter_is_not_left_for_ever() {
    const TOO_LONG: Option<FilterError> = Some(FilterError::TooLong { limit: 65_536 });
    let connect = b"CONNECT b:1 HTTP/1.1\r\nHost: b\r\n\r\n";
    for answered in [false, true] {
        let mut stream = Stream::new(Httpd::new());
        assert_eq!(stream.read(connect).len(), 1);
        if answered {
            stream.put(response(200, ""));
        }
        assert!(stream.read(&[b'a'; 65_536]).is_empty() && stream.failed.is_none());
        assert!(stream.read(b"a").is_empty());
        assert_eq!(stream.failed, TOO_LONG, "answered: {answered}");
    }
    let mut stream = Stream::new(Httpd::streaming());
    assert_eq!(stream.read(connect).len(), 2);
    assert!(stream.read(&[b'a'; 65_537]).is_empty());
    assert_eq!(stream.failed, TOO_LONG);

    let mut stream = asked(&["CONNECT"]);
    assert_eq!(stream.read(b"HTTP/1.1 200 OK\r\n\r\n").len(), 1);
    assert!(stream.read(&[b'a'; 65_536]).is_empty() && stream.failed.is_none());
    assert!(stream.read(b"a").is_empty());
    assert_eq!(stream.failed, TOO_LONG);
}

/// The numbers that `docs/src/promises.md` gives, but for that of a head: see above.
#[test]
fn p15_a_mebibyte_of_body_a_hundred_fields_and_a_hundred_requests_are_the_most_by_default() {
    for (length, expected) in [(1 << 20, 200), ((1 << 20) + 1, 413)] {
        let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let put = [head.as_bytes(), &vec![b'x'; length]].concat();
        assert_eq!(status(&mut Stream::new(Httpd::new()), &put), Some(expected));
    }
    for (fields, expected) in [(99, 200), (100, 431)] {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(fields));
        assert_eq!(status(&mut Stream::new(Httpd::new()), head.as_bytes()), Some(expected));
    }
    let items = served("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(150).as_bytes());
    assert_eq!(items.len(), 101);
    let refused = |item: &Received<_>| matches!(item, Received::Rejected(_));
    assert_eq!(items.iter().position(refused), Some(100), "behind it nothing is read");
}
