//! A chat server on `TcpServer`. The room is all there is of the protocol of the example `chat_server`.
//! Takes `ADDR:PORT`.

#![forbid(unsafe_code)]

use std::io;

use bench::args::{announce, listen_address};
use bytes::Bytes;
use components::{Client, TcpServer};
use reactor::{Context, Kernel};
use wheels::filter::Line;
use wheels::{Address, Listening};

/// The nickname, once there is one.
type Guest = Option<Bytes>;

fn main() -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    TcpServer::with_clients(Line::new, |(), _| Guest::None)
        .listen(listen_address())
        .listening(|(), _: &mut Context<'_>, at: Listening| say(&at.local_addr))
        .client_connected(|(), client| drop(client.put(Bytes::from_static(b"* your nickname?"))))
        .client_input(got_line)
        .spawn(&mut kernel, ());
    kernel.run()
}

fn got_line((): &mut (), client: &mut Client<'_, Line, Guest>, line: Bytes) {
    let speaker = client.id();
    let guest = client.state();
    let Some(nick) = guest else {
        *guest = Some(line);
        return;
    };
    let said = Bytes::from([b"<", &nick[..], b"> ", &line[..]].concat());
    client.clients().put_each(said, |id, guest| id != speaker && guest.is_some());
}

fn say(address: &Address) {
    if let Some(address) = address.as_ip() {
        announce(address).expect("who started this server reads where it listens");
    }
}
