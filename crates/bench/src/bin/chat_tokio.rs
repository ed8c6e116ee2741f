//! A chat server on tokio's current-thread runtime, in its usual style. To be compared with; takes
//! `ADDR:PORT`.
//!
//! One task per client, which waits for a line of its client and for a line of its room, whichever comes
//! first. A room is a `broadcast` channel; a client that falls a thousand lines behind is let go. The
//! protocol is that of the example `chat_server`.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bench::args::{announce, listen_address};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

/// How long to leave the listener alone after it failed (mostly: out of descriptors).
const ACCEPT_BACK_OFF: Duration = Duration::from_millis(50);

/// How many lines a client may be behind.
const BEHIND: usize = 1_024;

const MOST_LINE: usize = 16_384;

fn main() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(listen_address()).await?;
    announce(listener.local_addr()?)?;
    let rooms = Rooms::default();
    for id in 0_u64.. {
        match listener.accept().await {
            // An error ends the connection, and it is the peer's affair.
            Ok((stream, _)) => drop(tokio::spawn(chat(stream, id, rooms.clone()))),
            Err(_) => tokio::time::sleep(ACCEPT_BACK_OFF).await,
        }
    }
    Ok(())
}

async fn chat(mut stream: TcpStream, id: u64, rooms: Rooms) -> Result<(), LinesCodecError> {
    stream.set_nodelay(true)?;
    let (input, mut output) = stream.split();
    let mut lines = FramedRead::new(input, LinesCodec::new_with_max_length(MOST_LINE));
    output.write_all(b"* your nickname?\n").await?;
    let Some(nick) = lines.next().await.transpose()? else {
        return Ok(());
    };
    let mut room = rooms.enter("lobby", id, nick);
    loop {
        tokio::select! {
            line = lines.next() => match line.transpose()? {
                Some(line) => if room.heard(&line, &mut output).await? {
                    return Ok(());
                },
                None => return Ok(()),
            },
            said = room.said.recv() => match said {
                Ok(said) if said.by != id => output.write_all(&said.line).await?,
                Ok(_) => {}
                Err(RecvError::Lagged(_) | RecvError::Closed) => return Ok(()),
            },
        }
    }
}

#[derive(Debug, Clone)]
struct Said {
    by: u64,
    line: Bytes,
}

#[derive(Debug, Clone, Default)]
struct Rooms(Arc<Mutex<BTreeMap<String, Room>>>);

#[derive(Debug)]
struct Room {
    say: broadcast::Sender<Said>,
    nicks: BTreeSet<(String, u64)>,
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, name: &str, id: u64, nick: String) -> Member {
        let mut rooms = self.lock();
        let room = rooms.entry(name.to_owned()).or_insert_with(|| Room {
            say: broadcast::Sender::new(BEHIND),
            nicks: BTreeSet::new(),
        });
        let (say, said) = (room.say.clone(), room.say.subscribe());
        room.nicks.insert((nick.clone(), id));
        drop(rooms);
        let member = Member { rooms: self.clone(), name: name.to_owned(), id, nick, say, said };
        member.say(format!("* {} is here\n", member.nick));
        member
    }
}

/// A client in a room. Leaves it when dropped.
#[derive(Debug)]
struct Member {
    rooms: Rooms,
    name: String,
    id: u64,
    nick: String,
    say: broadcast::Sender<Said>,
    said: broadcast::Receiver<Said>,
}

impl Member {
    /// Does what the client's line says; returns whether that was good-bye.
    async fn heard(&mut self, line: &str, output: &mut WriteHalf<'_>) -> io::Result<bool> {
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        match command {
            "/join" if !rest.is_empty() => {
                *self = self.rooms.enter(rest, self.id, self.nick.clone());
            }
            "/nick" if !rest.is_empty() => {
                let mut rooms = self.rooms.lock();
                if let Some(room) = rooms.get_mut(&self.name) {
                    room.nicks.remove(&(std::mem::take(&mut self.nick), self.id));
                    rest.clone_into(&mut self.nick);
                    room.nicks.insert((self.nick.clone(), self.id));
                }
            }
            "/rooms" => {
                let rooms = self.rooms.lock().keys().cloned().collect::<Vec<_>>().join(" ");
                output.write_all(format!("* rooms: {rooms}\n").as_bytes()).await?;
            }
            "/who" => {
                let who = self.who();
                output.write_all(format!("* here: {who}\n").as_bytes()).await?;
            }
            "/quit" => return Ok(true),
            _ => self.say(format!("<{}> {line}\n", self.nick)),
        }
        Ok(false)
    }

    fn who(&self) -> String {
        let rooms = self.rooms.lock();
        let nicks = rooms.get(&self.name).into_iter().flat_map(|room| &room.nicks);
        nicks.map(|(nick, _)| nick.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn say(&self, line: String) {
        // Nobody may be there to hear it.
        let _heard = self.say.send(Said { by: self.id, line: line.into() });
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get_mut(&self.name) else { return };
        room.nicks.remove(&(std::mem::take(&mut self.nick), self.id));
        if room.nicks.is_empty() {
            rooms.remove(&self.name);
        }
    }
}
