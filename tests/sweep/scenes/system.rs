//! Children, signals, time, descriptors that a session reads itself, and other threads.

use std::cell::RefCell;
use std::io::{PipeReader, Read, Write};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use reactor::{Event, JobError, Kernel, SignalError, Watch};
use rustix::process::{Signal, getpid, kill_process};
use testkit::children;

use crate::actor::{EXITED, Heard, SELECTED, SIGNAL, WORD};
use crate::stage::Stage;

pub(crate) fn child(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let child = children::shell("exit 3");
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
