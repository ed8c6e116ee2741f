//! HTTP, for servers and for clients, gathered and streamed.

use std::fmt::Debug;

use bytes::Bytes;
use filters::http::{HttpClient, Httpd, Piece, Received};
use filters::{Filter, FilterError, Output};
use http::{Request, Response};

use super::watch::{BYTE_BY_BYTE, Bounds, Watch};
use super::{Case, reads, sent};

pub fn check(case: &[u8]) {
    let mut case = Case(case);
    let side = case.below(4);
    let head = case.pick(&[120, 30, 65_536]);
    let content = case.limit().min(65_536);
    let fields = case.pick(&[100, 4, 0]);
    let memory = 4 * (head + content) + ENOUGH_FOR_FIELDS;
    // A head, a body, and what is behind it or a line with the size of a chunk.
    let bounds = Bounds { kept: 2 * head + content + A_CHUNK, memory };
    match side {
        0 => {
            let server = Httpd::new().max_head(head).max_content(content).max_headers(fields);
            let requests = served(server, bounds, &mut case, |item| match item {
                Received::Request { item, last } => Told::whole(&(item.clone(), last), Some(item)),
                Received::Rejected(rejected) => Told::whole(&rejected, None),
            });
            requests.into_iter().for_each(request_comes_back);
        }
        1 => {
            let server = Httpd::streaming().max_head(head).max_headers(fields);
            served(server, bounds, &mut case, |item| match item {
                Received::Request { item, last } => Told::<()>::piece(item, last),
                Received::Rejected(rejected) => Told::whole(&rejected, None),
            });
        }
        2 => {
            let client = HttpClient::new().max_head(head).max_content(content).max_headers(fields);
            let responses =
                asked(client, bounds, &mut case, |item| Told::whole(&item, Some(item.clone())));
            responses.into_iter().for_each(response_comes_back);
        }
        _ => {
            let client = HttpClient::streaming().max_head(head).max_headers(fields);
            asked(client, bounds, &mut case, |item| Told::<()>::piece(item, false));
        }
    }
}

/// An item as text, and whole if it is one.
#[derive(Debug, Clone)]
struct Told<T> {
    text: String,
    /// It ends a message, which a server may answer.
    ends: bool,
    message: Option<T>,
}

impl<T> Told<T> {
    fn whole(item: &impl Debug, message: Option<T>) -> Self {
        Self { text: format!("{item:?}\n"), ends: message.is_some(), message }
    }

    /// How a body is cut into pieces means nothing.
    fn piece<H: Debug>(piece: Piece<H>, last: bool) -> Self {
        let ends = matches!(piece, Piece::End(_));
        let text = match piece {
            Piece::Head(head) => format!("{head:?} {last}\n"),
            Piece::Data(data) => {
                assert!(!data.is_empty(), "a piece of nothing");
                data.iter().map(|byte| format!("{byte:02x}")).collect()
            }
            Piece::End(trailers) => format!("\n{trailers:?}\n"),
        };
        Self { text, ends, message: None }
    }
}

/// A server that answers at once, or never.
fn served<M, T: Debug + 'static, F>(
    server: Httpd<M>,
    bounds: Bounds,
    case: &mut Case<'_>,
    tell: fn(<Httpd<M> as Filter>::Item) -> Told<T>,
) -> Vec<T>
where
    Httpd<M>: Filter<Out = F>,
    F: From<Response<Bytes>> + 'static,
    M: 'static,
{
    let server = server.max_pipelined(usize::from(case.below(4)) + 1);
    let status = case.pick(&[None, Some(200), Some(101), Some(204), Some(100), Some(999)]);
    no_cut_shows(
        || server.clone().map_input(tell),
        bounds,
        case,
        |filter| {
            let mut out = Output::new();
            if let Some(status) = status {
                let answer = Response::builder().status(status).body(Bytes::from_static(b"answer"));
                let before = out.len();
                let put = filter.encode(answer.expect("a status").into(), &mut out);
                assert!(put.is_ok() || out.len() == before, "refused, and yet put");
            }
        },
    )
}

/// A client that has asked a few things.
fn asked<M, T: Debug + 'static, F>(
    client: HttpClient<M>,
    bounds: Bounds,
    case: &mut Case<'_>,
    tell: fn(<HttpClient<M> as Filter>::Item) -> Told<T>,
) -> Vec<T>
where
    HttpClient<M>: Filter<Out = F>,
    F: From<Request<Bytes>> + 'static,
    M: 'static,
{
    let methods: Vec<_> =
        (0..case.below(4)).map(|_| case.pick(&["GET", "HEAD", "CONNECT", "PUT"])).collect();
    let make = || {
        let mut client = client.clone().map_input(tell);
        for method in &methods {
            let request = Request::builder().method(*method).uri("http://a:1/").body(Bytes::new());
            let request = request.expect("a request");
            client.encode(request.into(), &mut Output::new()).expect("it can be asked");
        }
        client
    };
    let tunnel = methods.contains(&"CONNECT");
    let kept = if tunnel { bounds.kept.max(A_READ) } else { bounds.kept };
    no_cut_shows(make, Bounds { kept, ..bounds }, case, |_| {})
}

/// Asserts that no cut shows, whether the peer goes on or ends. Returns what came whole.
fn no_cut_shows<F, T>(
    make: impl Fn() -> F,
    bounds: Bounds,
    case: &mut Case<'_>,
    answer: impl Fn(&mut F),
) -> Vec<T>
where
    F: Filter<Item = Told<T>>,
    T: Debug + 'static,
{
    let sizes = case.cuts();
    let stream = case.0;
    let kept = if may_hand_over(stream) { bounds.kept.max(A_READ) } else { bounds.kept };
    let bounds = Bounds { kept, ..bounds };
    let run = |reads: &[&[u8]], ends: bool| {
        let mut watch = Watch::new(make(), bounds);
        let mut items = Vec::new();
        let failed = flow(&mut watch, reads, ends, &answer, &mut items).err();
        let left = if failed.is_none() { watch.left() } else { Vec::new() };
        let text: String = items.iter().map(|told| told.text.as_str()).collect();
        (items, (text, failed, Bytes::from(left)))
    };
    let mut messages = Vec::new();
    for ends in [false, true] {
        let (items, whole) = run(&[stream], ends);
        assert_eq!(run(&reads(stream, &sizes), ends).1, whole, "cut into {sizes:?}");
        if stream.len() <= BYTE_BY_BYTE {
            let bytes: Vec<_> = stream.chunks(1).collect();
            assert_eq!(run(&bytes, ends).1, whole, "byte by byte");
        }
        messages = items.into_iter().filter_map(|told| told.message).collect();
    }
    messages
}

/// Whether something may be left to another filter.
fn may_hand_over(stream: &[u8]) -> bool {
    let text = stream.to_ascii_lowercase();
    let says = |word: &[u8]| text.windows(word.len()).any(|it| it == word);
    says(b"connect") || says(b"upgrade") || says(b"101")
}

fn flow<F, T>(
    watch: &mut Watch<F>,
    reads: &[&[u8]],
    ends: bool,
    answer: &impl Fn(&mut F),
    items: &mut Vec<Told<T>>,
) -> Result<(), FilterError>
where
    F: Filter<Item = Told<T>>,
    T: Debug + 'static,
{
    for read in reads {
        watch.offer(read);
        while let Some(item) = watch.decode()? {
            if item.ends {
                answer(&mut watch.filter);
            }
            items.push(item);
            say(&mut watch.filter);
        }
        say(&mut watch.filter);
    }
    while ends && let Some(item) = watch.finish()? {
        items.push(item);
    }
    Ok(())
}

/// What the framing has to say, it says once.
fn say(filter: &mut impl Filter) {
    if filter.has_answer() {
        filter.answer(&mut Output::new());
        assert!(!filter.has_answer(), "it is said once");
    }
}

/// A request that came can be sent, unless it was chunked; then it comes as it did.
fn request_comes_back(request: Request<Bytes>) {
    let mut out = Output::new();
    if HttpClient::new().encode(request.clone(), &mut out).is_err() {
        assert!(out.is_empty(), "refused, and yet put");
        return;
    }
    let came = came(Httpd::new(), &sent(&mut out), false);
    let Ok([Received::Request { item, .. }]) = came.as_deref() else {
        panic!("{request:?} comes as {came:?}");
    };
    assert_eq!(item.method(), request.method());
    assert_eq!(item.body(), request.body());
    assert_eq!(item.version(), request.version());
    let fields = |request: &Request<Bytes>| {
        let mut fields = request.headers().clone();
        fields.remove("content-length");
        fields.remove("host");
        fields
    };
    assert_eq!(fields(item), fields(&request));
}

/// And so can a response.
fn response_comes_back(response: Response<Bytes>) {
    let mut server = Httpd::new();
    let asking = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(came_of(&mut server, asking, false).map(|items| items.len()), Ok(1));
    let mut out = Output::new();
    if server.encode(response.clone(), &mut out).is_err() {
        assert!(out.is_empty(), "refused, and yet put");
        return;
    }
    let mut client = HttpClient::new();
    let request = Request::get("http://a/").body(Bytes::new()).expect("a request");
    client.encode(request, &mut Output::new()).expect("it can be asked");
    let came = came(client, &sent(&mut out), true);
    let Ok([item]) = came.as_deref() else { panic!("{response:?} comes as {came:?}") };
    assert_eq!(item.status(), response.status());
    if !matches!(response.status().as_u16(), 204 | 304) {
        assert_eq!(item.body(), response.body());
    }
}

fn came<F: Filter<Item: Debug>>(
    mut filter: F,
    stream: &[u8],
    ends: bool,
) -> Result<Vec<F::Item>, FilterError> {
    came_of(&mut filter, stream, ends)
}

fn came_of<F: Filter>(
    filter: &mut F,
    stream: &[u8],
    ends: bool,
) -> Result<Vec<F::Item>, FilterError> {
    let mut input = filters::Input::new(stream);
    let mut items = Vec::new();
    while let Some(item) = filter.decode(&mut input)? {
        items.push(item);
    }
    while ends && let Some(item) = filter.finish(&mut input)? {
        items.push(item);
    }
    Ok(items)
}

/// What may be left to another filter.
const A_READ: usize = 65_536;

/// The line with the size of a chunk, and with what else may be said there.
const A_CHUNK: usize = 1024;

/// Room is made for all the fields that a head may have.
const ENOUGH_FOR_FIELDS: usize = 65_536;
