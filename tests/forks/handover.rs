//! What a child has of its parent's kernel, and what it has not.

use std::fs;
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Exited, Forked, Kernel, Signal, States};
use rustix::process::Signal as System;
use testkit::children::{descriptors_of, herd, kill, signal_set};
use testkit::leak::Descriptors;
use testkit::story::{Stage, act};
use wheels::filter::Line;
use wheels::{Failure, Input, ReadWrite};

use crate::{Test, fork};

pub const TESTS: &[Test] = &[
    ("both_go_on_after_the_handler_and_after_run", both_go_on),
    ("a_kernel_forks_outside_of_its_loop_too", outside),
    ("the_child_has_the_sessions_the_timers_and_the_queue", has_all),
    ("the_child_has_another_id", another_id),
    ("the_child_has_no_children_and_its_sessions_are_not_held_for_them", no_children),
    ("a_signal_of_one_is_not_heard_by_the_other", signals_apart),
    ("a_signal_that_came_before_is_the_parents_alone", came_before),
    ("the_child_blocks_no_signal", no_mask),
    ("a_wheel_that_is_always_ready_is_so_in_the_child", always_ready),
    ("a_hundred_forks_leave_nothing_in_the_parent", hundred),
    ("a_child_forks_a_child", grandchild),
];

/// A parent that waits for its child and insists that it ended well.
fn wait_for(cx: &mut Context<'_>, child: u32) {
    cx.sig_child(child, "ended").expect("it is our child");
}

fn ended_well<S>(_: &mut S, _: &mut Context<'_>, child: Exited) {
    assert!(child.status.is_some_and(|status| status.success()), "{child:?}");
}

/// A session of which one half waits for the other.
fn family(child: impl Fn(&mut Context<'_>) + 'static) -> States<()> {
    States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| match fork(cx) {
            Some(pid) => wait_for(cx, pid),
            None => child(cx),
        })
        .on("ended", ended_well)
}

fn both_go_on() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let parent = std::process::id();
    let mut stage = Stage::new();
    stage.actor("a", move |actor, cx| {
        let us = fork(cx).inspect(|child| wait_for(cx, *child)).map_or("child", |_| "parent");
        actor.tell(us);
        cx.yield_("act", act(|actor, _| actor.tell("later")));
    });
    stage.run();
    let told = stage.story.take();
    if std::process::id() == parent {
        drop(writer);
        assert_eq!(told, ["a: parent", "a: later", "a: ended", "a: _stop"]);
        let mut childs = String::new();
        reader.read_to_string(&mut childs).unwrap();
        assert_eq!(childs, r#"["a: child", "a: later", "a: _stop"]"#);
    } else {
        write!(&writer, "{told:?}").unwrap();
    }
}

fn outside() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.delay("tick", Duration::from_millis(1), ())
        })
        .on("tick", |_: &mut (), _: &mut Context<'_>, ()| {});
    kernel.spawn(&states, ());
    let forked = kernel.fork().unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, 1);
    if let Forked::Parent { child } = forked {
        let wait = States::new()
            .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| wait_for(cx, child))
            .on("ended", ended_well);
        kernel.spawn(&wait, ());
        kernel.run().unwrap();
    }
}

fn has_all() {
    let parent = std::process::id();
    let mut stage = Stage::new();
    stage.actor("b", |_, cx| cx.delay("timer", Duration::from_secs(3600), ()));
    stage.actor("a", |_, cx| {
        cx.yield_("queued", ());
        cx.yield_("act", act(|_, cx| fork(cx).into_iter().for_each(|child| wait_for(cx, child))));
        cx.yield_("behind", ());
    });
    stage.run();
    let told = stage.story.take();
    if std::process::id() == parent {
        let ended = told.iter().filter(|line| *line == "a: ended").count();
        assert_eq!((told.len(), ended), (6, 1), "{told:?}");
    } else {
        assert_eq!(told, ["a: queued", "a: behind", "a: _stop", "b: timer", "b: _stop"]);
    }
}

fn another_id() {
    let mut kernel = Kernel::new().unwrap();
    let other = Kernel::new().unwrap().id();
    let before = kernel.id();
    assert_ne!(other, before);
    let pid = |id: &str| id.rsplit('-').nth(1).map(|pid| u32::from_str_radix(pid, 16).unwrap());
    assert_eq!(pid(&before), Some(std::process::id()));
    let states = family(move |cx| {
        assert_ne!(cx.kernel_id(), before);
        assert_eq!(pid(&cx.kernel_id()), Some(std::process::id()));
    });
    let first = kernel.id();
    let us = std::process::id();
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert_eq!(std::process::id() == us, kernel.id() == first, "the parent keeps its own");
}

fn no_children() {
    let us = std::process::id();
    let (writer, mut children) = herd(2);
    let [first, second] = [children[0].id(), children[1].id()];
    let mut stage = Stage::new();
    stage.actor("b", move |_, cx| cx.sig_child(first, "exited").unwrap());
    let a = stage.actor("a", move |_, cx| {
        cx.sig_child(first, "exited").unwrap();
        cx.sig_child(second, "exited").unwrap();
    });
    stage.turn();
    stage.act(a, move |_, cx| match fork(cx) {
        Some(pid) => wait_for(cx, pid),
        None => {
            assert!(!cx.sig_child_clear(first) && !cx.sig_child_clear(second));
            assert!(matches!(cx.sig_child(first, "no"), Err(reactor::ChildError::NotAChild)));
        }
    });
    if std::process::id() != us {
        assert!(!descriptors_of(std::process::id()).contains(&"anon_inode:[pidfd]".to_owned()));
        stage.run();
        let mut told = stage.story.take();
        told.sort();
        assert_eq!(told, ["a: _stop", "b: _stop"]);
        return;
    }
    assert_eq!(stage.kernel.why_alive(a).as_deref(), Some("3 child processes"));
    drop(writer);
    stage.run();
    let told = stage.story.take();
    assert_eq!(told.iter().filter(|line| line.ends_with("exited")).count(), 3, "{told:?}");
    children.iter_mut().for_each(|child| assert!(child.try_wait().is_err(), "it was reaped"));
}

fn heard(count: u32) -> States<u32> {
    States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            cx.delay("never", Duration::from_secs(3600), ());
        })
        .on("usr1", move |heard: &mut u32, cx: &mut Context<'_>, _: Signal| {
            *heard += 1;
            if *heard == count {
                cx.stop();
            }
        })
}

fn signals_apart() {
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&heard(10), 0);
    let us = std::process::id();
    match kernel.fork().unwrap() {
        Forked::Child => {
            for _ in 0..10 {
                kill(std::process::id(), System::USR1);
                kernel.run_one_turn(Duration::ZERO).unwrap();
            }
            assert_eq!(kernel.session_count(), 0, "it heard all");
            assert_ne!(us, std::process::id());
        }
        Forked::Parent { child } => {
            wait_by_hand(child);
            let before = kernel.stats();
            kernel.run_one_turn(Duration::ZERO).unwrap();
            assert_eq!(kernel.stats().notices, before.notices, "not even woken");
            kill(us, System::USR1);
            kernel.run_one_turn(Duration::ZERO).unwrap();
            assert_eq!(kernel.stats().notices, before.notices + 1);
            kernel.stop();
        }
    }
}

/// Waits for a child without the kernel, and insists that it ended well.
pub fn wait_by_hand(child: u32) {
    let pid = rustix::process::Pid::from_raw(child.try_into().unwrap());
    let waited = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
    let status = ExitStatus::from_raw(waited.expect("it waits").1.as_raw());
    assert!(status.success(), "{status}");
}

fn came_before() {
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&heard(1), 0);
    kill(std::process::id(), System::USR1);
    let forked = kernel.fork().unwrap();
    kernel.run_one_turn(Duration::ZERO).unwrap();
    match forked {
        Forked::Child => {
            assert_eq!(kernel.session_count(), 1, "it did not hear it");
            kernel.stop();
        }
        Forked::Parent { child } => {
            assert_eq!(kernel.session_count(), 0, "it heard it");
            wait_by_hand(child);
        }
    }
}

fn no_mask() {
    let mut kernel = Kernel::new().unwrap();
    let blocked = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        signal_set(&status, "SigBlk")
    };
    let before = blocked();
    let forked = kernel.fork().unwrap();
    assert_eq!(blocked(), before);
    if let Forked::Parent { child } = forked {
        wait_by_hand(child);
    }
}

/// Reads a file to its end, in the child alone.
#[derive(Default)]
struct Reader {
    wheel: Option<ReadWrite<Line>>,
    lines: u32,
}

fn always_ready() {
    const LINES: u32 = 100_000;
    let fd = rustix::fs::memfd_create("lines", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut file = fs::File::from(fd);
    file.write_all(&b"line\n".repeat(LINES as usize)).unwrap();
    file.rewind().unwrap();
    let us = std::process::id();
    let states = States::new()
        .on("read", |reader: &mut Reader, cx: &mut Context<'_>, file: OwnedFd| {
            let wheel = ReadWrite::builder(file).filter(Line::literal(b"\n"));
            reader.wheel = Some(wheel.build(cx, "line", "failed"));
            if let Some(child) = fork(cx) {
                reader.wheel = None;
                wait_for(cx, child);
            }
        })
        .on("line", move |reader: &mut Reader, _: &mut Context<'_>, _: Input<Bytes>| {
            assert_ne!(std::process::id(), us, "the parent dropped its wheel");
            reader.lines += 1;
        })
        .on("failed", |reader: &mut Reader, _: &mut Context<'_>, _: Failure| {
            assert_eq!(reader.lines, LINES);
            reader.wheel = None;
        })
        .on("ended", ended_well);
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, Reader::default());
    kernel.post(session, "read", OwnedFd::from(file)).unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}

fn hundred() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.sig("USR1", "never").unwrap();
        cx.sig("USR2", "never").unwrap();
        cx.delay("end", Duration::from_secs(3600), ());
    });
    let before = Descriptors::note();
    for _ in 0..100 {
        match stage.kernel.fork().unwrap() {
            Forked::Parent { child } => wait_by_hand(child),
            Forked::Child => {
                // As many as in the parent, and one poll among them.
                let open = descriptors_of(std::process::id());
                let polls = open.iter().filter(|target| target.contains("eventpoll")).count();
                assert_eq!((open.len() - 1, polls), (before.count(), 1));
                stage.kernel.stop();
                return;
            }
        }
    }
    before.assert_same();
    stage.kernel.stop();
}

fn grandchild() {
    let states = family(|cx| {
        if let Some(child) = fork(cx) {
            wait_for(cx, child);
        }
    });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, ());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}
