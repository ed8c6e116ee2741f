//! A chat server: nicknames, rooms, and no mercy for those who do not read.
//!
//! ```text
//! cargo run --release -p examples --example chat_server
//! nc 127.0.0.1 7777
//! ```
//!
//! Say who you are, and then anything: all others in your room see it as `<you> anything`. Lines that begin
//! with `* ` come from the server. `/join ROOM`, `/nick NAME`, `/rooms`, `/who` and `/quit` go to it. Start
//! `nc` once more, in another terminal, to have somebody to talk to. Ctrl-C ends the server, and everybody
//! gets what was said before.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use components::{Client, Clients, TcpServer};
use reactor::{Event, Kernel, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{Failure, Operation};

/// All that the guests have in common.
#[derive(Default)]
struct Chat {
    names: HashSet<Rc<str>>,
    /// There are no empty ones.
    rooms: BTreeMap<Rc<str>, Room>,
}

#[derive(Default)]
struct Room {
    members: WheelMap<()>,
    /// What was said since the last delivery, and by whom. `None` if nobody has spoken of late.
    said: Option<Vec<(WheelId, Bytes)>>,
}

/// A guest who has said their name. One who has not is in no room.
#[derive(Clone)]
struct Member {
    name: Rc<str>,
    room: Rc<str>,
}

type Guest<'a> = Client<'a, Line, Option<Member>>;
type Guests<'a> = Clients<'a, Line, Option<Member>>;

/// Whoever has not said their name by now never will.
const NAME_IS_DUE: Event<()> = Event::new("name_is_due");

/// What was said in this room is to be delivered.
const DELIVER: Event<Rc<str>> = Event::new("deliver");

/// What follows another line within this time goes with others in one piece. Nobody sees it, and in a
/// lively room of a thousand it halves the work: most of that is sending, by the piece.
const GATHER: Duration = Duration::from_millis(25);

impl Chat {
    fn connected(&mut self, guest: &mut Guest<'_>) {
        guest.put("* your nickname?");
        guest.delay(&NAME_IS_DUE, Duration::from_secs(60), ());
    }

    fn name_is_due(&mut self, guest: &mut Guest<'_>, (): ()) {
        guest.put("* come back when you know it");
        guest.shutdown();
    }

    fn got_line(&mut self, guest: &mut Guest<'_>, line: Bytes) {
        let Some(member) = guest.state().clone() else {
            return self.enter(guest, &line);
        };
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let (word, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match word {
            b"/join" => self.join(guest, member, rest),
            b"/nick" => self.rename(guest, member, rest),
            b"/rooms" => self.list_rooms(guest),
            b"/who" => self.list_members(guest, &member.room),
            b"/quit" => {
                guest.put("* good bye");
                guest.shutdown();
            }
            _ => self.say(guest, &member, &line),
        }
    }

    /// What everything is about, so it costs little: the line is made once, and copied once to each.
    fn say(&mut self, guest: &mut Guest<'_>, by: &Member, text: &[u8]) {
        // It goes to terminals, which obey control characters.
        if text.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            guest.put("* no control characters, please");
        } else if !text.is_empty() {
            self.tell(guest, &by.room, [b"<", by.name.as_bytes(), b"> ", text].concat().into());
        }
    }

    fn enter(&mut self, guest: &mut Guest<'_>, name: &[u8]) {
        let Some(name) = self.take_name(guest, name) else { return };
        guest.delay_clear(&NAME_IS_DUE);
        self.come(guest, Member { name, room: "lobby".into() });
    }

    fn join(&mut self, guest: &mut Guest<'_>, member: Member, room: &[u8]) {
        match proper_name(room) {
            None => drop(guest.put(format!("* a room has {PROPER_NAME}"))),
            Some(room) if room == member.room => drop(guest.put("* you are there")),
            Some(room) => {
                let name = Rc::clone(&member.name);
                self.go(guest, &member, "");
                self.come(guest, Member { name, room });
            }
        }
    }

    fn rename(&mut self, guest: &mut Guest<'_>, member: Member, name: &[u8]) {
        let Some(name) = self.take_name(guest, name) else { return };
        self.names.remove(&member.name);
        let text = format!("* {} is now {name}", member.name);
        guest.put(text.clone());
        self.tell(guest, &member.room, text.into());
        *guest.state() = Some(Member { name, ..member });
    }

    fn list_rooms(&self, guest: &mut Guest<'_>) {
        for (name, room) in &self.rooms {
            guest.put(format!("* {name}: {}", room.members.len()));
        }
    }

    fn list_members(&self, guest: &mut Guest<'_>, room: &str) {
        let mut names = Vec::new();
        for (id, ()) in self.rooms.get(room).into_iter().flat_map(|room| room.members.iter()) {
            let member = guest.clients().get(id).and_then(|mut other| other.state().clone());
            names.extend(member.map(|member| member.name));
        }
        names.sort_unstable();
        guest.put(format!("* {room}: {}", names.join(" ")));
    }

    /// The guest has ended, or cannot be served any more. What was said to them is sent, if it can be.
    fn failed(&mut self, guest: &mut Guest<'_>, failure: Failure) {
        let slow = matches!(failure.operation, Operation::OutputLimit | Operation::StallTimeout);
        if !failure.is_end() {
            log::info!("{}: {failure}", guest.peer());
            guest.put(format!("* {failure}"));
        }
        self.leave(guest, if slow { ": too slow" } else { "" });
    }

    fn leave(&mut self, guest: &mut Guest<'_>, why: &str) {
        let Some(member) = guest.state().take() else { return };
        self.names.remove(&member.name);
        self.go(guest, &member, why);
    }

    /// Into a room.
    fn come(&mut self, guest: &mut Guest<'_>, member: Member) {
        guest.put(format!("* {}, you are in {}", member.name, member.room));
        self.deliver(&mut guest.clients(), &member.room);
        self.rooms.entry(Rc::clone(&member.room)).or_default().members.insert(guest.id(), ());
        self.tell(guest, &member.room, format!("* {} has joined", member.name).into());
        *guest.state() = Some(member);
    }

    /// Out of a room.
    fn go(&mut self, guest: &mut Guest<'_>, member: &Member, why: &str) {
        self.deliver(&mut guest.clients(), &member.room);
        let Some(room) = self.rooms.get_mut(&member.room) else { return };
        room.members.remove(&guest.id());
        if room.members.is_empty() {
            self.rooms.remove(&member.room);
        } else if !guest.clients().is_draining() {
            self.tell(guest, &member.room, format!("* {} has left{why}", member.name).into());
        }
    }

    /// To all others in the room: at once, unless somebody has spoken just before.
    fn tell(&mut self, guest: &mut Guest<'_>, name: &Rc<str>, text: Bytes) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        let line = (guest.id(), text);
        if let Some(said) = &mut room.said {
            said.push(line);
        } else {
            room.said = Some(Vec::new());
            room.put_to_others(&mut guest.clients(), &[line]);
            guest.cx().delay_set(&DELIVER, GATHER, Rc::clone(name));
        }
    }

    /// The time has come for what was said meanwhile.
    fn deliver_due(&mut self, guests: &mut Guests<'_>, name: Rc<str>) {
        let Some(room) = self.rooms.get_mut(&name) else { return };
        if room.said.as_ref().is_none_or(Vec::is_empty) {
            room.said = None;
            return;
        }
        self.deliver(guests, &name);
        guests.cx().delay_set(&DELIVER, GATHER, name);
    }

    fn deliver(&mut self, guests: &mut Guests<'_>, name: &str) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        let said = room.said.as_mut().map(std::mem::take).unwrap_or_default();
        room.put_to_others(guests, &said);
    }

    fn draining(&mut self, guest: &mut Guest<'_>) {
        if let Some(member) = guest.state().clone() {
            self.deliver(&mut guest.clients(), &member.room);
        }
        guest.put("* the server ends");
    }

    /// Makes a name somebody's, or says why not.
    fn take_name(&mut self, guest: &mut Guest<'_>, name: &[u8]) -> Option<Rc<str>> {
        let Some(name) = proper_name(name) else {
            guest.put(format!("* a name has {PROPER_NAME}: your nickname?"));
            return None;
        };
        if !self.names.insert(Rc::clone(&name)) {
            guest.put(format!("* {name} is taken: your nickname?"));
            return None;
        }
        Some(name)
    }
}

impl Room {
    /// Nobody hears themselves. Who has too much unread by now fails, and we are told.
    fn put_to_others(&self, guests: &mut Guests<'_>, said: &[(WheelId, Bytes)]) {
        let all = join(said.iter().map(|(_, line)| line));
        for (id, ()) in self.members.iter() {
            let has_spoken = said.iter().any(|(by, _)| *by == id);
            let others = said.iter().filter(|(by, _)| *by != id).map(|(_, line)| line);
            let text = if has_spoken { join(others) } else { all.clone() };
            if let Some(text) = text {
                guests.put(id, text);
            }
        }
    }
}

/// As one item: the filter puts the last ending. `None` of nothing.
fn join<'a>(mut lines: impl Iterator<Item = &'a Bytes>) -> Option<Bytes> {
    let first = lines.next()?;
    let Some(second) = lines.next() else { return Some(first.clone()) };
    let mut all = first.to_vec();
    for line in [second].into_iter().chain(lines) {
        all.extend_from_slice(b"\r\n");
        all.extend_from_slice(line);
    }
    Some(all.into())
}

fn proper_name(text: &[u8]) -> Option<Rc<str>> {
    let text = str::from_utf8(text).ok()?;
    let improper = |c: char| c.is_whitespace() || c.is_control();
    ((1..=20).contains(&text.chars().count()) && !text.contains(improper)).then(|| text.into())
}

const PROPER_NAME: &str = "1 to 20 characters, and no spaces";

fn serve(settings: (SocketAddr, usize)) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, settings);
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, (address, per_address): (SocketAddr, usize)) {
    TcpServer::with_clients(|| Line::new().max_length(1024), |_: &mut Chat, _| None)
        .listen(address)
        .concurrency(50_000)
        .per_address(per_address)
        .listening(|_, _, up| examples::listening(&up))
        .error(move |_, _, failure| examples::not_listening(&failure, address))
        .client_connected(Chat::connected)
        .on_client(&NAME_IS_DUE, Chat::name_is_due)
        .client_input(Chat::got_line)
        .on(&DELIVER, Chat::deliver_due)
        .client_draining(Chat::draining)
        .client_error(Chat::failed)
        .client_disconnected(|chat, guest| chat.leave(guest, ""))
        // Whoever is silent and hears nothing is not there any more.
        .idle_timeout(Duration::from_secs(60 * 60))
        .lifetime(None)
        // Some thousand lines.
        .most_unsent(256 * 1024)
        .stall_timeout(Duration::from_secs(30))
        .linger(Duration::from_secs(1))
        .drain_on_signals(Duration::from_secs(5))
        .spawn(kernel, Chat::default());
}

fn main() -> ExitCode {
    examples::main(
        "chat_server [ADDR:PORT [PER_ADDRESS]]",
        |arguments| match arguments {
            [] => Some((([127, 0, 0, 1], 7777).into(), usize::MAX)),
            [address] => Some((address.parse().ok()?, usize::MAX)),
            [address, most] => Some((address.parse().ok()?, most.parse().ok()?)),
            _ => None,
        },
        serve,
    )
}
