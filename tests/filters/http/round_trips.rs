//! What one end encodes, the other decodes to the same.

use bytes::Bytes;
use filters::http::{HttpClient, Httpd, Outgoing, Piece};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use proptest::prelude::*;
use proptest::sample::select;

use super::kit::{Stream, accepted};
use crate::feed::cases;

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn requests_arrive_as_they_were_sent(requests in prop::collection::vec(request(), 1..6)) {
        let mut client = Stream::new(HttpClient::new());
        let mut server = Stream::new(Httpd::new());
        let sent: Vec<u8> = requests.iter().flat_map(|request| client.put(request.clone())).collect();
        let got: Vec<_> = server.read(&sent).into_iter().map(accepted).collect();
        prop_assert_eq!(got.len(), requests.len());
        for (got, request) in got.iter().zip(&requests) {
            prop_assert_eq!(got.method(), request.method());
            prop_assert_eq!(got.uri(), request.uri());
            prop_assert_eq!(got.body(), request.body());
            prop_assert_eq!(got.version(), request.version());
            prop_assert_eq!(without_framing(got.headers()), without_framing(request.headers()));
        }
    }

    #[test]
    fn responses_arrive_as_they_were_sent(
        exchanges in prop::collection::vec((select(vec!["GET", "HEAD", "POST"]), response()), 1..6),
    ) {
        let mut client = Stream::new(HttpClient::new());
        let mut server = Stream::new(Httpd::new());
        for (method, _) in &exchanges {
            let request = Request::builder().method(*method).uri("http://a/").body(Bytes::new());
            let sent = client.put(request.unwrap());
            prop_assert_eq!(server.read(&sent).len(), 1);
        }
        let sent: Vec<u8> = exchanges.iter().flat_map(|(_, it)| server.put(it.clone())).collect();
        let got = client.read(&sent);
        prop_assert!(client.failed.is_none() && client.rest.is_empty());
        prop_assert_eq!(got.len(), exchanges.len());
        for (got, (method, response)) in got.iter().zip(&exchanges) {
            let bodiless = *method == "HEAD" || matches!(response.status().as_u16(), 204 | 304);
            prop_assert_eq!(got.status(), response.status());
            prop_assert_eq!(got.body(), if bodiless { &Bytes::new() } else { response.body() });
            prop_assert_eq!(without_framing(got.headers()), without_framing(response.headers()));
        }
    }

    #[test]
    fn pieces_arrive_as_they_were_sent(
        pieces in prop::collection::vec(body(), 0..6),
        trailers in fields(),
        sized in any::<bool>(),
    ) {
        let mut client = Stream::new(HttpClient::streaming());
        let mut server = Stream::new(Httpd::streaming());
        let content: Vec<u8> = pieces.concat();
        let mut head = Request::put("/a").body(()).unwrap();
        if sized {
            head.headers_mut().insert("content-length", content.len().into());
        }
        let mut sent = client.put(Outgoing::Head(head));
        for piece in pieces {
            sent.extend(client.put(Outgoing::Data(piece)));
        }
        sent.extend(client.put(Outgoing::End(trailers.clone())));
        let mut got = Vec::new();
        let mut end = None;
        for item in server.read(&sent) {
            prop_assert!(end.is_none());
            match accepted(item) {
                Piece::Head(head) => prop_assert_eq!(head.uri(), "/a"),
                Piece::Data(data) => got.extend_from_slice(&data),
                Piece::End(trailers) => end = Some(trailers),
            }
        }
        prop_assert_eq!(got, content);
        prop_assert_eq!(end.unwrap(), if sized { HeaderMap::new() } else { trailers });
    }
}

/// What the filters add is not part of what was sent.
fn without_framing(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove("content-length");
    headers.remove("host");
    headers
}

fn request() -> impl Strategy<Value = Request<Bytes>> {
    let method = select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "odD-1"]);
    let uri = "/{1,2}[a-z0-9%._~-]{0,20}(\\?[a-z=&/?]{0,10})?";
    (method, uri, fields(), body()).prop_map(|(method, uri, fields, body)| {
        let mut request = Request::builder().method(method).uri(uri).body(body).unwrap();
        *request.headers_mut() = fields;
        request
    })
}

fn response() -> impl Strategy<Value = Response<Bytes>> {
    (select(vec![200, 201, 204, 299, 304, 404, 500, 599, 999]), fields(), body()).prop_map(
        |(status, fields, body)| {
            let mut response = Response::builder().status(status).body(body).unwrap();
            *response.headers_mut() = fields;
            response
        },
    )
}

/// Fields that say nothing of the framing, some of them more than once.
fn fields() -> impl Strategy<Value = HeaderMap> {
    let name = select(vec!["accept", "x-a", "cookie", "set-cookie", "etag", "x-bb"]);
    prop::collection::vec((name, "([!-~]([ -~]{0,20}[!-~])?)?"), 0..8).prop_map(|fields| {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        }
        map
    })
}

fn body() -> impl Strategy<Value = Bytes> {
    let short = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![9 => short, 1 => Just(vec![b'x'; 10_000])].prop_map(Bytes::from)
}
