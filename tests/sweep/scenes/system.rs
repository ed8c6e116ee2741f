//! Children, signals, time, descriptors that a session reads itself, and other threads.

use std::cell::RefCell;
use std::io::{PipeReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Child;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use reactor::{ChildError, Event, JobError, Kernel, SignalError, Watch};
use rustix::process::{Signal, getpid, kill_process};
use wheels::{Datagram, Operation, SocketFactory};

use crate::actor::{EXITED, FAILED, Heard, Held, MADE, SELECTED, SIGNAL, WORD};
use crate::stage::Stage;

pub(crate) fn child(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let child = testkit::children::shell("exit 3");
    let pid = child.id();
    stage.elsewhere.set(1);
    let (refused, exited) = (Rc::clone(&stage.elsewhere), Rc::clone(&stage.elsewhere));
    stage.actor(
        &mut kernel,
        "parent",
        move |actor, cx| {
            if let Err(error) = cx.sig_child(pid, &EXITED) {
                refused.set(0);
                match error {
                    reactor::ChildError::System(error) => actor.teller.tell_io(&"watch", &error),
                    other => actor.teller.tell(other),
                }
                actor.end(cx);
            }
        },
        move |actor, cx, _| {
            exited.set(0);
            actor.end(cx);
        },
    );
    stage.run(kernel);
    // Its status is taken by now, unless the watch was refused.
    let mut child = child;
    drop(child.wait());
}

pub(crate) fn signals(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    stage.actor(
        &mut kernel,
        "watcher",
        |actor, cx| match cx.sig("USR1", &SIGNAL) {
            Ok(()) => kill_process(getpid(), Signal::USR1).expect("this process"),
            Err(SignalError::System(error)) => {
                actor.teller.tell_io(&"watch", &error);
                actor.end(cx);
            }
            Err(other) => panic!("{other}"),
        },
        |actor, cx, _| {
            cx.sig_clear("USR1");
            actor.end(cx);
        },
    );
    stage.run(kernel);
}

pub(crate) fn timers(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let mut left = 3;
    stage.actor(
        &mut kernel,
        "sleeper",
        |_, cx| {
            for seconds in [3, 1, 2] {
                let time = Duration::from_secs(seconds);
                cx.delay_add(&WORD, time, format!("after {seconds} s"));
            }
        },
        move |actor, cx, _| {
            left -= 1;
            if left == 0 {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

/// On the system's clock: a virtual one has no notice of steps.
pub(crate) fn wall_alarms(stage: &Stage) {
    let kernel = Kernel::builder().build();
    let Ok(mut kernel) =
        kernel.inspect_err(|error| stage.teller("kernel").tell_io(&"build", error))
    else {
        return;
    };
    stage.actor(
        &mut kernel,
        "sleeper",
        |_, cx| {
            cx.alarm_at(&WORD, SystemTime::now(), "rings".into());
        },
        |actor, cx, _| actor.end(cx),
    );
    stage.run(kernel);
}

pub(crate) fn watches(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(b"ab").expect("a pipe has room");
    drop(writer);
    let watch: Rc<RefCell<Option<Watch<PipeReader>>>> = Rc::default();
    let place = Rc::clone(&watch);
    stage.actor(
        &mut kernel,
        "reader",
        move |actor, cx| match cx.select_read(reader, &SELECTED) {
            Ok(watch) => *place.borrow_mut() = Some(watch),
            Err(refused) => {
                actor.teller.tell_io(&"watch", &refused.error);
                actor.end(cx);
            }
        },
        move |actor, cx, heard| {
            let mut watch = watch.borrow_mut();
            let mut byte = [0];
            let count = match (&*watch, &heard) {
                (Some(watch), Heard::Selected(_)) => {
                    let mut pipe: &PipeReader = watch;
                    pipe.read(&mut byte).expect("a pipe")
                }
                _ => 0,
            };
            actor.teller.tell_bytes(&byte[..count]);
            if count == 0 {
                *watch = None;
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

pub(crate) fn remote_posts(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let elsewhere = Rc::clone(&stage.elsewhere);
    let starts = Rc::clone(&elsewhere);
    let mut left = 3;
    stage.actor(
        &mut kernel,
        "listener",
        move |actor, cx| match cx.remote() {
            Ok(remote) => {
                starts.set(1);
                let session = cx.session();
                let thread = std::thread::spawn(move || {
                    for word in ["one", "two", "three"] {
                        remote.post(session, &WORD, word.to_owned()).expect("there is room");
                    }
                });
                actor.luggage.push(Box::new(thread));
            }
            Err(error) => {
                actor.teller.tell_io(&"remote", &error);
                actor.end(cx);
            }
        },
        move |actor, cx, _| {
            left -= 1;
            if left == 0 {
                elsewhere.set(0);
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
}

const DONE: Event<Result<u32, JobError>> = Event::new("done");

pub(crate) fn jobs(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let elsewhere = Rc::clone(&stage.elsewhere);
    stage.actor(
        &mut kernel,
        "asks",
        move |actor, cx| {
            let done = Rc::clone(&elsewhere);
            let added = cx.state(
                DONE,
                move |actor: &mut crate::actor::Actor,
                      cx: &mut reactor::Context<'_>,
                      result: Result<u32, JobError>| {
                    done.set(0);
                    actor.teller.tell(format_args!("{result:?}"));
                    actor.end(cx);
                },
            );
            added.expect("the name is free");
            match cx.run_blocking(|| 42, &DONE) {
                Ok(job) => {
                    elsewhere.set(1);
                    actor.luggage.push(Box::new(job));
                }
                Err(reactor::JobRefused::System(_, error)) => {
                    actor.teller.tell_io(&"job", &error);
                    actor.end(cx);
                }
                Err(other) => panic!("{other}"),
            }
        },
        |_, _, _| {},
    );
    stage.run(kernel);
}

/// They are told one after another, in the order in which they happen to exit.
pub(crate) fn children(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let children: Vec<_> = (0..2).map(|_| testkit::children::shell("exit 0")).collect();
    let pids: Vec<_> = children.iter().map(Child::id).collect();
    let elsewhere = Rc::clone(&stage.elsewhere);
    let starts = Rc::clone(&elsewhere);
    stage.actor(
        &mut kernel,
        "parent",
        move |actor, cx| {
            for pid in pids {
                match cx.sig_child(pid, &EXITED) {
                    Ok(()) => starts.set(starts.get() + 1),
                    Err(ChildError::System(error)) => actor.teller.tell_io(&"watch", &error),
                    Err(other) => actor.teller.tell(other),
                }
            }
            if starts.get() == 0 {
                actor.end(cx);
            }
        },
        move |actor, cx, _| {
            elsewhere.set(elsewhere.get() - 1);
            if elsewhere.get() == 0 {
                actor.end(cx);
            }
        },
    );
    stage.run(kernel);
    for mut child in children {
        drop(child.wait());
    }
}

/// A server's listener goes to its successor, with the client who waits in it.
pub(crate) fn handover(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (here, there) = UnixDatagram::pair().expect("a pair");
    let Some(here) = stage.socket(here) else { return };
    let Some(there) = stage.socket(there) else { return };
    let guest = Rc::new(RefCell::new(None));
    let place = Rc::clone(&guest);
    stage.actor(
        &mut kernel,
        "leaves",
        move |actor, cx| {
            let factory = SocketFactory::listen("127.0.0.1:0").build(cx, &MADE, &FAILED);
            let Some(addr) = factory.local_addr(cx).and_then(|addr| addr.as_ip()) else {
                actor.held.insert(factory.id(), Held::Factory(factory));
                return;
            };
            *place.borrow_mut() = Some(TcpStream::connect(addr).expect("it listens"));
            let sockets = factory.into_sockets(cx).into_iter().map(OwnedFd::from);
            let wheel = actor.messages(cx, here);
            if let Some(wheel) = actor.datagram(wheel) {
                drop(wheel.send_fds(cx, "listeners", sockets));
            }
        },
        |actor, cx, heard| {
            if let Heard::Flushed | Heard::Failed(_) = heard {
                actor.end(cx);
            }
        },
    );
    stage.actor(
        &mut kernel,
        "comes",
        move |actor, cx| {
            actor.messages_with(cx, Datagram::builder(there).receive_fds());
        },
        |actor, cx, heard| match heard {
            Heard::Message(message) => {
                let factory = SocketFactory::builder().build_on(cx, message.fds, &MADE, &FAILED);
                actor.held.insert(factory.id(), Held::Factory(factory));
            }
            Heard::Made(_) => actor.end(cx),
            Heard::Failed(failure) if failure.operation == Operation::Accept => {}
            Heard::Failed(failure) if actor.datagram(failure.wheel).is_some() => {}
            Heard::Failed(_) => actor.end(cx),
            _ => {}
        },
    );
    stage.run(kernel);
    drop(guest);
}
