//! A chat, line by line: the first line is a name, the others are for everybody else. `/who`,
//! `/nick NAME`, `/quit`. Its twin in Perl is `line_chat.pl`.

use std::error::Error;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Kernel, States, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

struct Chat {
    port: u16,
    listener: Option<SocketFactory>,
    clients: WheelMap<Client>,
}

struct Client {
    wheel: ReadWrite<Line>,
    nick: Option<String>,
    leaving: bool,
}

fn main() -> ExitCode {
    examples::main("port_line_chat [PORT]", examples::port, |port| {
        let mut kernel = Kernel::new()?;
        start(&mut kernel, port);
        kernel.run()
    })
}

pub(crate) fn start(kernel: &mut Kernel, port: u16) {
    let chat = States::new()
        .try_on("_start", Chat::start)
        .on("got_client", Chat::got_client)
        .on("got_listen_error", Chat::got_listen_error)
        .on("got_line", Chat::got_line)
        .on("got_flush", Chat::got_flush)
        .on("got_client_error", Chat::got_client_error)
        .on("got_signal", examples::got_signal);
    kernel.spawn(&chat, Chat { port, listener: None, clients: WheelMap::default() });
}

impl Chat {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let listener = SocketFactory::listen(("127.0.0.1", self.port));
        let listener = listener.build(cx, "got_client", "got_listen_error");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket)
            .filter(Line::new())
            .flushed_event("got_flush")
            .build(cx, "got_line", "got_client_error");
        wheel.put(cx, "your name?");
        self.clients.insert(wheel.id(), Client { wheel, nick: None, leaving: false });
    }

    fn got_listen_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
        self.listener = None;
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        let (id, line) = (line.wheel, line.item);
        let Some(client) = self.clients.get_mut(&id) else { return };
        let Some(nick) = client.nick.clone() else {
            if let Some(nick) = self.rename_client(cx, id, &line) {
                self.broadcast(cx, id, format!("* {nick} is here"));
            }
            return;
        };
        if let Some(new) = line.strip_prefix(b"/nick ") {
            if let Some(new) = self.rename_client(cx, id, new) {
                self.broadcast(cx, id, format!("* {nick} is now {new}"));
            }
        } else if line == "/who" {
            let mut all: Vec<&str> = self.clients.values().filter_map(Client::nick).collect();
            all.sort_unstable();
            let all = format!("* {}", all.join(" "));
            self.clients.get(&id).map(|client| client.wheel.put(cx, all));
        } else if line == "/quit" {
            client.leaving = true;
            client.wheel.put(cx, format!("bye, {nick}"));
        } else {
            self.broadcast(cx, id, [b"<", nick.as_bytes(), b"> ", &line].concat());
        }
    }

    fn got_flush(&mut self, cx: &mut Context<'_>, id: WheelId) {
        if self.clients.get(&id).is_some_and(|client| client.leaving) {
            self.leave(cx, id);
        }
    }

    fn got_client_error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        self.leave(cx, failure.wheel);
    }

    fn rename_client(&mut self, cx: &mut Context<'_>, id: WheelId, nick: &[u8]) -> Option<String> {
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let fits = (1..=16).contains(&nick.len()) && nick.iter().all(fits);
        let nick = String::from_utf8_lossy(nick).into_owned();
        let taken = self.clients.values().any(|client| client.nick() == Some(&nick));
        let client = self.clients.get_mut(&id)?;
        if !fits || taken {
            client.wheel.put(cx, "no, another name");
            return None;
        }
        client.wheel.put(cx, format!("hello, {nick}"));
        client.nick = Some(nick.clone());
        Some(nick)
    }

    fn broadcast(&self, cx: &mut Context<'_>, from: WheelId, line: impl Into<Bytes>) {
        let line = line.into();
        for (id, client) in self.clients.iter() {
            if id != from && client.nick.is_some() {
                client.wheel.put(cx, line.clone());
            }
        }
    }

    fn leave(&mut self, cx: &mut Context<'_>, id: WheelId) {
        let Some(client) = self.clients.remove(&id) else { return };
        if let Some(nick) = client.nick {
            self.broadcast(cx, id, format!("* {nick} is gone"));
        }
    }
}

impl Client {
    fn nick(&self) -> Option<&str> {
        self.nick.as_deref()
    }
}
