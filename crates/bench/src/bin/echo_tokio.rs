//! An echo server on tokio's current-thread runtime, in its usual style.
//!
//! One task per connection, a buffer of 4 KiB in each, `read` and `write_all`. To be compared
//! with; takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io;
use std::time::Duration;

use bench::args::{announce, listen_address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..n]).await?;
    }
}
