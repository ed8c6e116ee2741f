//! POE's scenarios of signals and child processes, each under its name there.

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use reactor::{Context, Event, Exited, Kernel, SessionId, Signal, States};
use rustix::process::Signal as System;
use testkit::children::{all, kill};

use crate::{Test, fork};

pub const TESTS: &[Test] = &[
    ("k_sig_child_two_sessions_are_told_of_eight_children_each", k_sig_child),
    ("k_signals_eight_children_killed_are_signalled_and_told", k_signals_children),
    ("k_signals_a_session_sends_its_own_process_usr1_and_pipe", k_signals_own),
    ("z_rt39872_two_children_end_one_after_the_other", z_rt39872),
    ("rt47966_sixty_children_told_to_exit_together_are_sixty_events", rt47966),
    ("kjeldahl_stop_start_a_child_stops_all_and_runs_again", kjeldahl),
];

const LONG: Duration = Duration::from_secs(3600);
const CATCH: Event<u32> = Event::new("catch");
const EXITED: Event<Exited> = Event::new("exited");

/// A session's note of what it was told: of each child once, or it panics.
#[derive(Default)]
struct Notes {
    children: Vec<u32>,
    ended: BTreeMap<u32, Option<ExitStatus>>,
    signals: u32,
}

impl Notes {
    fn exited(&mut self, _: &mut Context<'_>, exited: Exited) {
        let twice = self.ended.insert(exited.pid, exited.status);
        assert_eq!(twice, None, "told twice of {}", exited.pid);
    }

    /// `CHLD`: of a child that is known it comes with what `sig_child` tells, of the system without.
    fn signal(&mut self, _: &mut Context<'_>, signal: Signal) {
        if let Some(exited) = signal.payload::<Exited>() {
            assert!(self.ended.contains_key(&exited.pid), "told before `sig_child`");
            self.signals += 1;
        }
    }

    fn assert_all_ended(&self, count: usize, status: ExitStatus) {
        assert_eq!(self.ended.len(), count);
        assert!(self.ended.values().all(|ended| *ended == Some(status)), "{:?}", self.ended);
    }

    /// Forks children that do nothing until a signal ends them; says whether this is the parent.
    fn fork_children(&mut self, cx: &mut Context<'_>, count: usize) -> bool {
        for _ in 0..count {
            let Some(child) = fork(cx) else {
                self.children.clear();
                cx.delay("never", LONG, ());
                return false;
            };
            self.children.push(child);
        }
        true
    }
}

fn killed_by(signal: System) -> ExitStatus {
    ExitStatus::from_raw(signal.as_raw())
}

fn k_sig_child() {
    let us = std::process::id();
    let mut kernel = Kernel::new().unwrap();
    let catcher = States::new()
        .on_start(|_: &mut Notes, cx: &mut Context<'_>, ()| cx.sig("CHLD", "chld").unwrap())
        .on(&CATCH, move |_: &mut Notes, cx: &mut Context<'_>, pid: u32| {
            // It is in the queue of the children that were forked after it, too.
            if std::process::id() == us {
                cx.sig_child(pid, &EXITED).unwrap();
            }
        })
        .on(&EXITED, Notes::exited)
        .on("chld", Notes::signal)
        .on_stop(move |notes: &mut Notes, _: &mut Context<'_>, ()| {
            if std::process::id() == us {
                notes.assert_all_ended(8, killed_by(System::INT));
                assert_eq!(notes.signals, 8);
            }
        });
    let catcher = kernel.spawn(&catcher, Notes::default());
    let forker = States::new()
        .on_start(move |notes: &mut Notes, cx: &mut Context<'_>, ()| {
            if notes.fork_children(cx, 8) {
                for child in &notes.children {
                    cx.sig_child(*child, &EXITED).unwrap();
                    cx.post(catcher, &CATCH, *child).unwrap();
                }
                cx.yield_("kill", ());
            }
        })
        .on("kill", |notes: &mut Notes, _: &mut Context<'_>, ()| {
            notes.children.iter().for_each(|child| kill(*child, System::INT));
        })
        .on(&EXITED, Notes::exited)
        .on_stop(|notes: &mut Notes, _: &mut Context<'_>, ()| {
            notes.assert_all_ended(8, killed_by(System::INT));
        });
    kernel.spawn(&forker, Notes::default());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
    assert_eq!(all(), [""; 0]);
}

/// A watch of `CHLD` tells that some child ended. Which did, and that it is not left a zombie, is for
/// those who watch that child: POE's kernel waits for every child of the process, ours for none that is
/// not its own.
fn k_signals_children() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|notes: &mut Notes, cx: &mut Context<'_>, ()| {
            cx.sig("CHLD", "chld").unwrap();
            if notes.fork_children(cx, 8) {
                notes.children.iter().for_each(|child| kill(*child, System::INT));
                cx.delay("never", LONG, ());
            }
        })
        .on("chld", |notes: &mut Notes, cx: &mut Context<'_>, _: Signal| {
            notes.signals += 1;
            if notes.signals == 1 {
                for child in &notes.children {
                    cx.sig_child(*child, &EXITED).unwrap();
                }
            }
        })
        .on(&EXITED, |notes: &mut Notes, cx: &mut Context<'_>, exited: Exited| {
            notes.exited(cx, exited);
            if notes.ended.len() == 8 {
                cx.stop();
            }
        })
        .on_stop(|notes: &mut Notes, _: &mut Context<'_>, ()| {
            notes.assert_all_ended(8, killed_by(System::INT));
            // The system's own, which do not count children, and those of known children.
            assert!((1..=16).contains(&notes.signals), "{}", notes.signals);
        });
    kernel.spawn(&states, Notes::default());
    kernel.run().unwrap();
    assert_eq!(all(), [""; 0]);
}

fn k_signals_own() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut [u32; 2], cx: &mut Context<'_>, ()| {
            cx.sig("USR1", "usr1").unwrap();
            cx.sig("PIPE", "pipe").unwrap();
            kill(std::process::id(), System::USR1);
            kill(std::process::id(), System::PIPE);
            cx.delay("end", Duration::from_millis(1), ());
        })
        .on("usr1", |[usr1, _]: &mut [u32; 2], _: &mut Context<'_>, _: Signal| *usr1 += 1)
        .on("pipe", |[_, pipe]: &mut [u32; 2], _: &mut Context<'_>, _: Signal| *pipe += 1)
        .on("end", |_: &mut [u32; 2], _: &mut Context<'_>, ()| {})
        .on_stop(|heard: &mut [u32; 2], _: &mut Context<'_>, ()| assert_eq!(*heard, [1, 1]));
    kernel.spawn(&states, [0, 0]);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}

struct Pair {
    ready: PipeReader,
    /// For the children.
    writer: Option<PipeWriter>,
    children: Vec<u32>,
    ended: Vec<u32>,
}

impl Pair {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for _ in 0..2 {
            let Some(child) = fork(cx) else {
                self.children.clear();
                cx.delay("never", LONG, ());
                return cx.yield_("in_child", ());
            };
            cx.sig_child(child, &EXITED).unwrap();
            self.children.push(child);
        }
        self.writer = None;
        cx.yield_("in_parent", ());
    }

    fn in_child(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.sig("USR1", "usr1").unwrap();
        self.writer.take().expect("one for each").write_all(b"!").unwrap();
    }

    fn in_parent(&mut self, _: &mut Context<'_>, (): ()) {
        let mut ready = [0; 2];
        self.ready.read_exact(&mut ready).unwrap();
        kill(self.children[0], System::USR1);
    }

    fn exited(&mut self, _: &mut Context<'_>, exited: Exited) {
        assert!(exited.status.is_some_and(|status| status.success()), "{exited:?}");
        self.ended.push(exited.pid);
        if let [_] = self.ended[..] {
            kill(self.children[1], System::USR1);
        }
    }
}

fn z_rt39872() {
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(Pair::start)
        .on("in_child", Pair::in_child)
        .on("in_parent", Pair::in_parent)
        .on("usr1", |_: &mut Pair, cx: &mut Context<'_>, _: Signal| cx.stop())
        .on(&EXITED, Pair::exited)
        .on_stop(|pair: &mut Pair, _: &mut Context<'_>, ()| assert_eq!(pair.ended, pair.children));
    let (ready, writer) = std::io::pipe().unwrap();
    let pair = Pair { ready, writer: Some(writer), children: Vec::new(), ended: Vec::new() };
    kernel.spawn(&states, pair);
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
    assert_eq!(all(), [""; 0]);
}

fn rt47966() {
    let us = std::process::id();
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|notes: &mut Notes, cx: &mut Context<'_>, ()| {
            // Told so before they are forked: whatever a child was doing when it came, it hears it.
            cx.sig("TERM", "term").unwrap();
            if notes.fork_children(cx, 60) {
                for child in &notes.children {
                    cx.sig_child(*child, &EXITED).unwrap();
                }
                notes.children.iter().for_each(|child| kill(*child, System::TERM));
            }
        })
        .on("term", |notes: &mut Notes, _: &mut Context<'_>, _: Signal| notes.signals += 1)
        .on(&EXITED, Notes::exited)
        .on_stop(move |notes: &mut Notes, cx: &mut Context<'_>, ()| {
            assert_eq!(cx.sender(), SessionId::KERNEL);
            if std::process::id() == us {
                notes.assert_all_ended(60, ExitStatus::from_raw(0));
            }
            assert_eq!(notes.signals, u32::from(std::process::id() != us));
        });
    kernel.spawn(&states, Notes::default());
    kernel.run().unwrap();
    assert_eq!(all(), [""; 0]);
}

fn kjeldahl() {
    let us = std::process::id();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut kernel = Kernel::new().unwrap();
    let states = States::new()
        .on_start(|_: &mut Notes, cx: &mut Context<'_>, ()| {
            cx.delay("guard", LONG, ());
            for _ in 0..3 {
                let Some(child) = fork(cx) else { return cx.stop() };
                cx.sig_child(child, &EXITED).unwrap();
            }
        })
        .on(&EXITED, |notes: &mut Notes, cx: &mut Context<'_>, exited: Exited| {
            notes.exited(cx, exited);
            if notes.ended.len() == 3 {
                notes.assert_all_ended(3, ExitStatus::from_raw(0));
                cx.stop();
            }
        });
    kernel.spawn(&states, Notes::default());
    kernel.run().unwrap();
    assert_eq!((kernel.stats().failures, kernel.stats().timers), (0, 0));
    if std::process::id() != us {
        let again = States::new()
            .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
                cx.delay("done", Duration::from_millis(10), ());
            })
            .on("done", move |_: &mut (), _: &mut Context<'_>, ()| {
                (&writer).write_all(b"DONE\n").unwrap();
            });
        kernel.spawn(&again, ());
        return kernel.run().unwrap();
    }
    drop(writer);
    let mut done = String::new();
    reader.read_to_string(&mut done).unwrap();
    assert_eq!(done, "DONE\n".repeat(3));
    assert_eq!(all(), [""; 0]);
}
