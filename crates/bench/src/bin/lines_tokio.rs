//! An echo server of lines on tokio's current-thread runtime, in its usual style.
//!
//! One task per connection, tokio-util's `LinesCodec` in a `Framed`. What has come is answered line by line
//! and flushed when no more has: as `forward` does. To be compared with; takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use bench::args::{announce, listen_address};
use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Framed, LinesCodec};

/// How long to leave the listener alone after it failed (mostly: out of descriptors).
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

fn main() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(listen_address()).await?;
    announce(listener.local_addr()?)?;
    loop {
        match listener.accept().await {
            // An error ends the connection, and it is the peer's affair.
            Ok((stream, _)) => drop(tokio::spawn(echo(stream))),
            Err(_) => tokio::time::sleep(ACCEPT_BACK_OFF).await,
        }
    }
}

async fn echo(stream: TcpStream) -> Result<(), tokio_util::codec::LinesCodecError> {
    stream.set_nodelay(true)?;
    let (sink, lines) = Framed::new(stream, LinesCodec::new_with_max_length(16_384)).split();
    lines.forward(sink).await
}
