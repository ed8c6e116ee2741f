//! POE's scenarios of signals that need a process of their own kind, one test each, under their names.

use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reactor::{Context, Exited, Kernel, SessionId, Signal, States};
use rustix::process::Signal as System;

use crate::{Test, raise};

pub const TESTS: &[Test] = &[
    ("sbk_signal_init_a_handler_of_the_programs_own_still_runs", signal_init),
    ("ses_session_alrm_and_pipe_five_times_each", five_times_each),
    ("k_signals_rerun_eight_runs_of_which_one_ends_with_a_bad_exit", rerun),
];

/// Set before there is a kernel, and the kernel is not even run.
fn signal_init() {
    let fired = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(signal_hook::consts::SIGALRM, Arc::clone(&fired));
    let kernel = Kernel::new().unwrap();
    raise(System::ALARM);
    assert!(fired.load(Ordering::SeqCst));
    drop(kernel);
    assert!(signal_hook::low_level::unregister(handler.unwrap()));
}

#[derive(Default)]
struct Heard {
    rounds: u32,
    alarms: u32,
    pipes: u32,
}

fn five_times_each() {
    let states = States::new()
        .on_start(|_: &mut Heard, cx: &mut Context<'_>, ()| {
            cx.sig("ALRM", "alarm").unwrap();
            cx.sig("PIPE", "pipe").unwrap();
            cx.yield_("round", ());
        })
        .on("round", |heard: &mut Heard, cx: &mut Context<'_>, ()| {
            // Both of the last round have come, so that none is one with the next.
            assert_eq!((heard.alarms, heard.pipes), (heard.rounds, heard.rounds));
            if heard.rounds < 5 {
                heard.rounds += 1;
                raise(System::ALARM);
                raise(System::PIPE);
                cx.delay("wait", Duration::from_millis(1), ());
            }
        })
        .on("wait", |heard: &mut Heard, cx: &mut Context<'_>, ()| {
            let came = heard.alarms == heard.rounds && heard.pipes == heard.rounds;
            cx.delay(if came { "round" } else { "wait" }, Duration::from_millis(1), ());
        })
        .on("alarm", |heard: &mut Heard, _: &mut Context<'_>, signal: Signal| {
            assert_eq!(signal.name(), "ALRM");
            heard.alarms += 1;
        })
        .on("pipe", |heard: &mut Heard, _: &mut Context<'_>, signal: Signal| {
            assert_eq!(signal.name(), "PIPE");
            heard.pipes += 1;
        })
        .on_stop(|heard: &mut Heard, _: &mut Context<'_>, ()| {
            assert_eq!((heard.rounds, heard.alarms, heard.pipes), (5, 5, 5));
        });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, Heard::default());
    kernel.run().unwrap();
}

/// Runs a program, and fails in `_stop` if that ended badly and it minds.
struct Runner {
    code: i32,
    minds: bool,
    ended: Option<i32>,
}

fn rerun() {
    let runner = States::new()
        .try_on("_start", |runner: &mut Runner, cx: &mut Context<'_>, ()| {
            let child =
                Command::new("sh").args(["-c", &format!("exit {}", runner.code)]).spawn()?;
            cx.refcount_increment(cx.session(), "running")?;
            cx.sig_child(child.id(), "ended")?;
            Ok::<_, Box<dyn std::error::Error>>(())
        })
        .on("ended", |runner: &mut Runner, cx: &mut Context<'_>, exited: Exited| {
            runner.ended = exited.status.and_then(|status| status.code());
            assert_eq!(cx.refcount_decrement(cx.session(), "running"), Ok(0));
        })
        .try_on("_stop", |runner: &mut Runner, _: &mut Context<'_>, ()| {
            assert_eq!(runner.ended, Some(runner.code));
            let bad = runner.minds && runner.code != 0;
            if bad { Err("bad exit\n") } else { Ok(()) }
        });
    let (mut kernel, runner) = (Kernel::new().unwrap(), Rc::new(runner));
    for (minds, code) in
        [false, true].into_iter().flat_map(|minds| [0, 1, 0, 0].map(|code| (minds, code)))
    {
        let inner = Rc::clone(&runner);
        let outer = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.spawn(&inner, Runner { code, minds, ended: None });
        });
        kernel.spawn(&outer, ());
        let error = kernel.run().err().map(|error| error.to_string());
        let expected = (minds && code != 0).then(|| "bad exit\n".to_owned());
        assert_eq!(error, expected, "exit code {code}");
        assert_eq!(kernel.children(SessionId::KERNEL), []);
    }
}
