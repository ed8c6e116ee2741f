//! Streams: lines, much at once, ends of every kind.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Kernel, WheelId};
use testkit::unix::Folder;
use wheels::filter::Line;
use wheels::{Operation, ReadWrite, Socket, SocketFactory};

use crate::actor::{Actor, Heard, Held, WORD};
use crate::stage::Stage;

/// An actor that gives back what comes by one connection, and ends with it.
fn echo(stage: &Stage, kernel: &mut Kernel) -> Option<SocketAddr> {
    let place = Rc::new(Cell::new(None));
    let told = Rc::clone(&place);
    stage.actor(
        kernel,
        "echo",
        move |actor, cx| told.set(actor.factory(cx, SocketFactory::listen("127.0.0.1:0"))),
        |actor, cx, heard| match heard {
            Heard::Made(made) => {
                actor.close_factory();
                actor.lines(cx, made.socket);
            }
            Heard::Line(wheel, line) => actor.put(cx, wheel, line),
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                // The listener may be out of descriptors, and will have some again.
                if failure.operation != wheels::Operation::Accept {
                    actor.end_if_done(cx);
                }
            }
            _ => {}
        },
    );
    place.get()
}

pub(crate) fn echo_lines(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    if let Some(addr) = echo(stage, &mut kernel) {
        let mut lines = ["one", "two", "three"].into_iter();
        stage.actor(
            &mut kernel,
            "talker",
            move |actor, cx| {
                actor.factory(cx, SocketFactory::connect(addr));
            },
            move |actor, cx, heard| match heard {
                Heard::Made(made) => {
                    actor.close_factory();
                    let wheel = actor.lines(cx, made.socket);
                    actor.put(cx, wheel, "zero");
                }
                Heard::Line(wheel, _) => match lines.next() {
                    Some(line) => actor.put(cx, wheel, line),
                    None => actor.shutdown_output(cx, wheel),
                },
                Heard::Failed(failure) => {
                    actor.part(cx, &failure);
                    actor.end(cx);
                }
                _ => {}
            },
        );
    }
    stage.run(kernel);
}

/// A pair, each end of it an actor's.
fn pair(stage: &Stage) -> Option<(Socket, Socket)> {
    let (one, other) = UnixStream::pair().expect("a pair");
    Some((stage.socket(one)?, stage.socket(other)?))
}

/// More than a socket holds.
pub(crate) fn echo_much(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    let text = vec![b'x'; 40_000];
    stage.actor(
        &mut kernel,
        "echo",
        move |actor, cx| {
            let long = Line::new().max_length(1 << 20);
            actor.lines_with(cx, ReadWrite::builder(other).filter(long));
        },
        |actor, cx, heard| match heard {
            Heard::Line(wheel, line) => actor.put(cx, wheel, line),
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                actor.end(cx);
            }
            _ => {}
        },
    );
    let mut heard_of = 0;
    stage.actor(
        &mut kernel,
        "talker",
        move |actor, cx| {
            let long = Line::new().max_length(1 << 20);
            let wheel = actor.lines_with(cx, ReadWrite::builder(one).filter(long));
            (0..8).for_each(|_| actor.put(cx, wheel, text.clone()));
        },
        move |actor, cx, heard| match heard {
            Heard::Line(wheel, _) => {
                heard_of += 1;
                if heard_of == 8 {
                    actor.shutdown_output(cx, wheel);
                }
            }
            Heard::Failed(_) => actor.end(cx),
            _ => {}
        },
    );
    stage.run(kernel);
}

/// An actor that has one end of a stream of bytes.
fn end_of(
    stage: &Stage,
    kernel: &mut Kernel,
    name: &str,
    socket: Socket,
    says: &'static str,
    then: impl Fn(&mut Actor, &mut reactor::Context<'_>, WheelId) + 'static,
) {
    stage.actor(
        kernel,
        name,
        move |actor, cx| {
            let wheel = actor.bytes(cx, socket);
            actor.put(cx, wheel, says);
            then(actor, cx, wheel);
        },
        |actor, cx, heard| {
            if let Heard::Failed(failure) = heard {
                actor.part(cx, &failure);
                actor.end(cx);
            }
        },
    );
}

/// One says all it has to say, and then hears the answer to it.
pub(crate) fn half_close(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    end_of(stage, &mut kernel, "asks", one, "question", |actor, cx, wheel| {
        actor.shutdown_output(cx, wheel);
    });
    stage.actor(
        &mut kernel,
        "answers",
        move |actor, cx| {
            actor.bytes(cx, other);
        },
        |actor, cx, heard| {
            if let Heard::Failed(failure) = heard {
                actor.put(cx, failure.wheel, "answer");
                actor.part(cx, &failure);
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// One shuts down and reads no more, though more is on its way to it.
pub(crate) fn shutdown_with_unread_input(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    end_of(stage, &mut kernel, "leaves", one, "farewell", |actor, cx, wheel| {
        actor.shutdown(cx, wheel);
        actor.end(cx);
    });
    stage.actor(
        &mut kernel,
        "talks on",
        move |actor, cx| {
            let wheel = actor.bytes(cx, other);
            actor.put(cx, wheel, "what is not read");
            actor.is_unheard = true;
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

pub(crate) fn abort(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    let (mut left, mut sent) = ("something".len(), false);
    stage.actor(
        &mut kernel,
        "aborts",
        move |actor, cx| {
            let wheel = actor.bytes(cx, one);
            actor.put(cx, wheel, "all");
        },
        move |actor, cx, heard| {
            match heard {
                Heard::Bytes(bytes) => left -= bytes.len(),
                Heard::Flushed => sent = true,
                Heard::Failed(_) => actor.end(cx),
                _ => {}
            }
            if sent && left == 0 {
                actor.end(cx);
            }
        },
    );
    end_of(stage, &mut kernel, "is left", other, "something", |_, _, _| {});
    stage.run(kernel);
}

/// As a program that stands between two pipes: what comes in at one goes out at the other.
pub(crate) fn pipes_and_files(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let ((stdin, source), (sink, stdout)) =
        (std::io::pipe().expect("a pipe"), std::io::pipe().expect("a pipe"));
    stage.actor(
        &mut kernel,
        "filter",
        move |actor, cx| {
            let builder = ReadWrite::builder_of_two(stdin, stdout).filter(Line::new());
            actor.lines_with(cx, builder);
        },
        |actor, cx, heard| match heard {
            Heard::Line(wheel, line) => actor.put(cx, wheel, line),
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                actor.end(cx);
            }
            _ => {}
        },
    );
    stage.actor(
        &mut kernel,
        "before it",
        move |actor, cx| {
            let wheel = actor.bytes(cx, OwnedFd::from(source));
            actor.put(cx, wheel, "one\ntwo\nthree");
            actor.shutdown(cx, wheel);
            actor.end(cx);
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "behind it",
        move |actor, cx| {
            actor.bytes(cx, OwnedFd::from(sink));
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// Both ends of a proxy, and the proxy between them.
fn proxy(stage: &Stage, says: &'static [u8], by_lines: bool) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((client, near)) = pair(stage) else { return };
    let Some((far, server)) = pair(stage) else { return };
    let mut open = 2;
    stage.actor(
        &mut kernel,
        "proxy",
        move |actor, cx| {
            let sockets = [near, far];
            let wheels = sockets.map(|socket| {
                if by_lines { actor.lines(cx, socket) } else { actor.bytes(cx, socket) }
            });
            match wheels.map(|wheel| &actor.held[&wheel]) {
                [Held::Bytes(near), Held::Bytes(far)] => wheels::pipe(cx, near, far),
                [Held::Lines(near), Held::Lines(far)] => wheels::pipe(cx, near, far),
                _ => unreachable!("both are of one kind"),
            }
        },
        move |actor, cx, heard| {
            let Heard::Failed(failure) = heard else { return };
            // Why it broke is told by the other.
            if failure.operation == Operation::Pipe {
                return;
            }
            open -= 1;
            if failure.is_end() && open > 0 {
                return;
            }
            let wheels: Vec<_> = actor.held.keys().copied().collect();
            if failure.is_end() {
                wheels.into_iter().for_each(|wheel| actor.shutdown(cx, wheel));
            }
            actor.end(cx);
        },
    );
    stage.actor(
        &mut kernel,
        "client",
        move |actor, cx| {
            let wheel = actor.bytes(cx, client);
            actor.put(cx, wheel, says);
            actor.shutdown_output(cx, wheel);
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "server",
        move |actor, cx| {
            actor.bytes(cx, server);
        },
        move |actor, cx, heard| {
            if let Heard::Failed(failure) = heard {
                actor.put(cx, failure.wheel, says);
                actor.part(cx, &failure);
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// Enough to be passed by this process.
pub(crate) fn proxy_by_splice(stage: &Stage) {
    proxy(stage, &[b'x'; 100_000], false);
}

pub(crate) fn proxy_of_lines(stage: &Stage) {
    proxy(stage, b"one\ntwo\nthree\n", true);
}

/// A file is always ready, and so is the device that takes everything.
pub(crate) fn a_file(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let folder = Folder::new();
    std::fs::write(folder.at("file"), "one\ntwo\n").expect("our folder");
    let source = File::open(folder.at("file")).expect("written the line before");
    let sink = OpenOptions::new().write(true).open("/dev/null").expect("a device");
    stage.actor(
        &mut kernel,
        "reader",
        move |actor, cx| {
            let builder = ReadWrite::builder_of_two(source, sink).filter(Line::new());
            actor.lines_with(cx, builder);
        },
        |actor, cx, heard| match heard {
            Heard::Line(wheel, line) => actor.put(cx, wheel, line),
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                actor.end(cx);
            }
            _ => {}
        },
    );
    stage.run(kernel);
}

/// Nobody says anything, until one has had enough.
pub(crate) fn silence(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    stage.actor(
        &mut kernel,
        "waits",
        move |actor, cx| {
            let builder = ReadWrite::builder(one).filter(Line::new());
            actor.lines_with(cx, builder.idle_timeout(Duration::from_secs(5)));
        },
        |actor, cx, heard| {
            if let Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    end_of(stage, &mut kernel, "is silent", other, "", |_, _, _| {});
    stage.run(kernel);
}

/// One reads nothing until the other has much unsent.
pub(crate) fn pressure(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let Some((one, other)) = pair(stage) else { return };
    stage.actor(
        &mut kernel,
        "talks",
        move |actor, cx| {
            let wheel = actor.bytes(cx, one);
            (0..10).for_each(|_| actor.put(cx, wheel, vec![b'x'; 50_000]));
            actor.shutdown(cx, wheel);
            actor.end(cx);
        },
        |_, _, _| {},
    );
    stage.actor(
        &mut kernel,
        "reads late",
        move |actor, cx| {
            let wheel = actor.bytes(cx, other);
            if let Some(Held::Bytes(stream)) = actor.held.get(&wheel) {
                stream.pause_input(cx);
            }
            cx.delay(&WORD, Duration::from_secs(1), "reads".into());
        },
        |actor, cx, heard| match heard {
            Heard::Word => {
                for held in actor.held.values() {
                    if let Held::Bytes(stream) = held {
                        stream.resume_input(cx);
                    }
                }
            }
            Heard::Failed(failure) => {
                actor.part(cx, &failure);
                actor.end(cx);
            }
            _ => {}
        },
    );
    stage.run(kernel);
}
