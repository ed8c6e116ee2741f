//! An echo server of lines on `TcpServer`, with what it does unless told otherwise.
//!
//! Takes `ADDR:PORT [--sessions]`. With `--sessions` each client has a session of its own.

#![forbid(unsafe_code)]

use std::io;

use bench::args::{announce, listen_address, takes};
use bytes::Bytes;
use components::{Client, TcpServer};
use reactor::{Context, Kernel};
use wheels::filter::Line;
use wheels::{Address, Listening};

fn main() -> io::Result<()> {
    let server = TcpServer::new(|| Line::literal(b"\n"))
        .listen(listen_address())
        .listening(|(), _: &mut Context<'_>, at: Listening| say(&at.local_addr))
        .client_input(|(), client: &mut Client<'_, Line>, line: Bytes| drop(client.put(line)));
    let server = if takes("--sessions") { server.session_per_client() } else { server };
    let mut kernel = Kernel::new()?;
    server.spawn(&mut kernel, ());
    kernel.run()
}

fn say(address: &Address) {
    if let Some(address) = address.as_ip() {
        announce(address).expect("who started this server reads where it listens");
    }
}
