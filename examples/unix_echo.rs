//! An echo server within the machine, on two UNIX sockets that are their owner's alone: a stream at PATH,
//! and datagrams at PATH.datagrams, where whoever has a name gets their messages back.
//!
//! ```text
//! cargo run --release -p examples --example unix_echo
//! echo hello | nc -N -U /tmp/unix_echo
//! ```

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, States, WheelMap};
use wheels::filter::Stream;
use wheels::{Datagram, Established, Failure, Input, Message, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const GOT_BYTES: Event<Input<Bytes>> = Event::new("got_bytes");
const GOT_MAILBOX: Event<Established> = Event::new("got_mailbox");
const GOT_MESSAGE: Event<Message> = Event::new("got_message");

struct Echo {
    path: PathBuf,
    factories: Vec<SocketFactory>,
    clients: WheelMap<ReadWrite<Stream>>,
    mailbox: Option<Datagram>,
}

impl Echo {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let streams = SocketFactory::unix_listen(&self.path).mode(0o600).build(
            cx,
            &GOT_CLIENT,
            "got_factory_failure",
        );
        let mut path = self.path.clone().into_os_string();
        path.push(".datagrams");
        let datagrams = SocketFactory::datagram(PathBuf::from(path)).mode(0o600).build(
            cx,
            &GOT_MAILBOX,
            "got_factory_failure",
        );
        for factory in [streams, datagrams] {
            factory.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
            self.factories.push(factory);
        }
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        log::info!("accepted: {:?}", client.credentials());
        let wheel = ReadWrite::builder(client.socket).filter(Stream).build(
            cx,
            &GOT_BYTES,
            "got_client_failure",
        );
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_bytes(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = self.clients.get(&input.wheel) {
            client.put(cx, input.item);
        }
    }

    fn got_client_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }

    fn got_mailbox(&mut self, cx: &mut Context<'_>, mailbox: Established) {
        let wheel = Datagram::builder(mailbox.socket);
        self.mailbox = Some(wheel.build(cx, &GOT_MESSAGE, "got_message_failure"));
    }

    fn got_message(&mut self, cx: &mut Context<'_>, message: Message) {
        if let Some(mailbox) = &self.mailbox {
            mailbox.send_to(cx, message.payload, message.from);
        }
    }

    /// Of one message: its sender has no name, or is gone.
    fn got_message_failure(&mut self, _: &mut Context<'_>, failure: Failure) {
        log::info!("{failure}");
    }

    fn got_factory_failure(
        &mut self,
        cx: &mut Context<'_>,
        failure: Failure,
    ) -> Result<(), String> {
        let factory = self.factories.iter().find(|factory| factory.id() == failure.wheel);
        if factory.and_then(|factory| factory.local_addr(cx)).is_none() {
            return Err(format!("{failure} ({})", self.path.display()));
        }
        log::warn!("{failure}"); // descriptors ran out, say: it goes on by itself
        Ok(())
    }
}

fn serve(path: PathBuf) -> io::Result<()> {
    let echo = States::new()
        .try_on("_start", Echo::start)
        .on(&GOT_CLIENT, Echo::got_client)
        .on(&GOT_BYTES, Echo::got_bytes)
        .on("got_client_failure", Echo::got_client_failure)
        .on(&GOT_MAILBOX, Echo::got_mailbox)
        .on(&GOT_MESSAGE, Echo::got_message)
        .on("got_message_failure", Echo::got_message_failure)
        .try_on("got_factory_failure", Echo::got_factory_failure)
        .on("got_signal", examples::got_signal);
    let (factories, clients) = (Vec::new(), WheelMap::default());
    let mut kernel = Kernel::new()?;
    kernel.spawn(&echo, Echo { path, factories, clients, mailbox: None });
    kernel.run()
}

fn main() -> ExitCode {
    examples::main(
        "unix_echo [PATH]",
        |arguments| match arguments {
            [] => Some("/tmp/unix_echo".into()),
            [path] => Some(path.into()),
            _ => None,
        },
        serve,
    )
}
