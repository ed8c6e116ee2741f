//! "Hello" over HTTP, with hyper on tokio's current-thread runtime, in its usual style. To be compared
//! with. Takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::io;

use bench::args::{announce, listen_address};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, World!")));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

fn main() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, run())
}

async fn run() -> io::Result<()> {
    let listener = TcpListener::bind(listen_address()).await?;
    announce(listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            let io = TokioIo::new(stream);
            // A client that breaks off is no news.
            let served = http1::Builder::new().serve_connection(io, service_fn(hello)).await;
            drop(served);
        });
    }
}
