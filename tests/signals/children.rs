//! Child processes that a session waits for.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;

use bytes::Bytes;
use reactor::{ChildError, Context, Exited, Kernel, SessionId, States};
use rustix::process::{Resource, Rlimit, Signal as System, getrlimit, setrlimit};
use testkit::children::{dead, herd, kill, shell, zombies};
use testkit::leak::Descriptors;
use testkit::net::run_until;
use testkit::story::{Stage, act};
use wheels::filter::Line;
use wheels::{Failure, Input, ReadWrite};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("p17_a_thousand_children_at_once_are_a_thousand_events_and_no_zombie", p17_at_once),
    ("p17_a_thousand_short_lives_are_a_thousand_events_and_no_zombie", p17_short_lives),
    ("p17_when_descriptors_run_out_the_signal_tells_of_the_rest", p17_out_of_descriptors),
    ("p17_a_child_that_exited_before_it_was_watched_is_told_of", p17_before),
    ("p17_one_that_exited_before_is_told_of_without_a_descriptor_too", p17_before_by_signal),
    ("p17_the_status_of_a_child_that_nobody_watches_is_not_taken", p17_not_ours),
    ("p18_an_exit_is_told_though_a_grandchild_holds_the_output", p18),
    ("an_event_says_how_the_child_ended", how_it_ended),
    ("a_status_that_somebody_else_took_is_none", taken_by_another),
    ("what_is_not_a_child_cannot_be_watched", not_a_child),
    ("several_sessions_are_told_of_one_child", several_sessions),
    ("a_watch_of_a_child_set_again_takes_the_place_of_the_first", set_again),
    ("a_watch_that_is_cleared_leaves_the_others_theirs", cleared),
    ("a_watch_goes_with_its_session_and_leaves_the_child_its_status", goes_with_session),
    ("an_exit_that_is_queued_is_told_though_the_watch_is_cleared", queued_and_cleared),
    ("rt23181_clearing_a_watch_that_is_not_set_is_harmless", rt23181),
    ("z_merijn_waiting_by_hand_works_beside_a_watch_of_chld", z_merijn),
];

/// How often a session was told of each child, and what.
type Told = Rc<RefCell<BTreeMap<u32, Vec<Option<ExitStatus>>>>>;

/// Starts a session that watches children and lives no longer than that.
fn watch_all(kernel: &mut Kernel, pids: Vec<u32>) -> Told {
    let told = Told::default();
    let heard = Rc::clone(&told);
    let states = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            for pid in &pids {
                cx.sig_child(*pid, "exited").unwrap();
            }
        })
        .on("exited", move |_: &mut (), cx: &mut Context<'_>, exited: Exited| {
            assert_eq!(cx.sender(), SessionId::KERNEL);
            heard.borrow_mut().entry(exited.pid).or_default().push(exited.status);
        });
    kernel.spawn(&states, ());
    told
}

/// Panics unless each child was told of once, and ended well, and nothing is left of it.
#[track_caller]
fn assert_each_once(told: &Told, pids: &[u32]) {
    let well = vec![Some(ExitStatus::from_raw(0))];
    let expected: BTreeMap<_, _> = pids.iter().map(|pid| (*pid, well.clone())).collect();
    assert_eq!(told.take(), expected);
    assert_eq!(zombies(), [""; 0]);
}

fn ids(children: &[Child]) -> Vec<u32> {
    children.iter().map(Child::id).collect()
}

fn p17_at_once() {
    for _ in 0..3 {
        let (writer, children) = herd(1000);
        let pids = ids(&children);
        let before = Descriptors::note();
        let mut kernel = Kernel::new().unwrap();
        let told = watch_all(&mut kernel, pids.clone());
        drop(writer);
        kernel.run().unwrap();
        assert_each_once(&told, &pids);
        assert_eq!(kernel.stats().posted, 1000);
        drop(kernel);
        assert_eq!(before.opened_since(), BTreeMap::new());
    }
}

fn p17_short_lives() {
    // Some of them have exited before they are watched.
    let children: Vec<Child> = (0..1000).map(|_| Command::new("true").spawn().unwrap()).collect();
    let pids = ids(&children);
    let mut kernel = Kernel::new().unwrap();
    let told = watch_all(&mut kernel, pids.clone());
    kernel.run().unwrap();
    assert_each_once(&told, &pids);
}

/// The process's limit of descriptors, lowered until this is dropped.
struct Lowered(Rlimit);

impl Lowered {
    /// From now on so many descriptors more can be opened.
    fn to_room_for(count: u64) -> Self {
        let free = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
        let before = getrlimit(Resource::Nofile);
        let current = Some(u64::try_from(free).unwrap() + count);
        setrlimit(Resource::Nofile, Rlimit { current, ..before }).unwrap();
        Self(before)
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).unwrap();
    }
}

fn p17_out_of_descriptors() {
    let (writer, children) = herd(300);
    let pids = ids(&children);
    let mut kernel = Kernel::new().unwrap();
    let before = Descriptors::note();
    let lowered = Lowered::to_room_for(100);
    let told = watch_all(&mut kernel, pids.clone());
    assert!(std::fs::File::open("/dev/null").is_err(), "all descriptors are in use");
    drop(writer);
    kernel.run().unwrap();
    drop(lowered);
    assert_each_once(&told, &pids);
    // The pipe of the signals stays the kernel's.
    assert_eq!(before.opened_since().len(), 2);
}

fn p17_before() {
    let pids = ids(&[dead(shell("exit 7"))]);
    let mut kernel = Kernel::new().unwrap();
    let told = watch_all(&mut kernel, pids.clone());
    kernel.run().unwrap();
    let expected = vec![Some(ExitStatus::from_raw(7 << 8))];
    assert_eq!(told.take(), BTreeMap::from([(pids[0], expected)]));
}

fn p17_before_by_signal() {
    let (writer, children) = herd(1);
    let mut kernel = Kernel::new().unwrap();
    let first = watch_all(&mut kernel, ids(&children));
    let pids = ids(&[dead(shell("exit 0"))]);
    let lowered = Lowered::to_room_for(0);
    let second = watch_all(&mut kernel, pids.clone());
    while second.borrow().is_empty() {
        kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
    }
    assert!(first.borrow().is_empty());
    drop(lowered);
    assert_each_once(&second, &pids);
    drop(writer);
    kernel.run().unwrap();
    assert_each_once(&first, &ids(&children));
}

fn p17_not_ours() {
    let mut theirs = dead(shell("exit 3"));
    let (writer, children) = herd(2);
    let pids = ids(&children);
    let mut kernel = Kernel::new().unwrap();
    let by_descriptor = watch_all(&mut kernel, vec![pids[0]]);
    let lowered = Lowered::to_room_for(0);
    let by_signal = watch_all(&mut kernel, vec![pids[1]]);
    drop(writer);
    kernel.run().unwrap();
    drop(lowered);
    assert_eq!(zombies().len(), 1);
    assert_eq!(theirs.wait().unwrap().code(), Some(3));
    assert_each_once(&by_descriptor, &pids[..1]);
    assert_each_once(&by_signal, &pids[1..]);
}

/// The exit and the end of the output are two events: the one comes while the other is far away.
#[expect(clippy::zombie_processes, reason = "the kernel reaps it")]
fn p18() {
    let told: Rc<RefCell<Vec<String>>> = Rc::default();
    let note = |what: &'static str| {
        let told = Rc::clone(&told);
        move || told.borrow_mut().push(what.to_owned())
    };
    let (exited, ended) = (note("exited"), note("ended"));
    let lines = Rc::clone(&told);
    let states = States::new()
        .on_start(|output: &mut Option<ReadWrite<Line>>, cx: &mut Context<'_>, ()| {
            let mut shell = with_heir();
            cx.sig_child(shell.id(), "exited").unwrap();
            let stdout = shell.stdout.take().expect("it is piped");
            let builder = ReadWrite::builder(stdout).filter(Line::literal(b"\n"));
            *output = Some(builder.build(cx, "line", "failed"));
        })
        .on("exited", move |_: &mut Option<_>, _: &mut Context<'_>, it: Exited| {
            assert!(it.status.is_some_and(|status| status.success()), "{it:?}");
            exited();
        })
        .on("line", move |_: &mut Option<_>, _: &mut Context<'_>, line: Input<Bytes>| {
            lines.borrow_mut().push(String::from_utf8(line.item.to_vec()).unwrap());
        })
        .on("failed", move |_: &mut Option<_>, _: &mut Context<'_>, failure: Failure| {
            assert!(failure.is_end(), "{failure}");
            ended();
        });
    let mut kernel = Kernel::new().unwrap();
    kernel.spawn(&states, None);
    run_until(&mut kernel, "what it said and its exit", || told.borrow().len() == 2);
    let mut before = told.take();
    before.sort_unstable_by_key(|line| line == "exited");
    assert_eq!(before[1], "exited");
    kill(before[0].parse().expect("a number"), System::KILL);
    kernel.run().unwrap();
    assert_eq!(told.take(), ["ended"]);
}

/// A shell that says the number of another process, which has its output too, and exits.
fn with_heir() -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 1000 & echo $!"]).stdout(Stdio::piped());
    shell.spawn().expect("sh")
}

fn how_it_ended() {
    let asleep = "exec sleep 1000";
    let children = [shell("exit 0"), shell("exit 255"), shell(asleep), shell("kill -USR1 $$")];
    kill(children[2].id(), System::KILL);
    let mut kernel = Kernel::new().unwrap();
    let told = watch_all(&mut kernel, ids(&children));
    kernel.run().unwrap();
    let told = told.take();
    let how = |child: &Child| match told[&child.id()][..] {
        [Some(status)] => (status.code(), status.signal()),
        _ => panic!("{told:?}"),
    };
    let (kill, usr1) = (System::KILL.as_raw(), System::USR1.as_raw());
    let expected = [(Some(0), None), (Some(255), None), (None, Some(kill)), (None, Some(usr1))];
    assert_eq!(children.each_ref().map(how), expected);
}

fn taken_by_another() {
    let (writer, mut children) = herd(1);
    let pid = children[0].id();
    let mut kernel = Kernel::new().unwrap();
    let told = watch_all(&mut kernel, vec![pid]);
    drop(writer);
    assert!(children[0].wait().unwrap().success());
    kernel.run().unwrap();
    assert_eq!(told.take(), BTreeMap::from([(pid, vec![None])]));
}

fn not_a_child() {
    let mut gone = shell("exit 0");
    gone.wait().unwrap();
    let mut stage = Stage::new();
    let before = Descriptors::note();
    stage.actor("a", move |_, cx| {
        for pid in [0, 1, std::process::id(), gone.id(), 1 << 31, u32::MAX] {
            let refused = cx.sig_child(pid, "never").unwrap_err();
            assert!(matches!(refused, ChildError::NotAChild), "{pid}: {refused}");
            assert!(!cx.sig_child_clear(pid));
        }
    });
    stage.run();
    assert_eq!(stage.kernel.stats().failures, 0);
    before.assert_same();
    stage.assert(["a: _stop"]);
}

fn several_sessions() {
    let (writer, children) = herd(1);
    let pid = children[0].id();
    let mut stage = Stage::new();
    for name in ["a", "b", "c"] {
        let session = stage.actor(name, move |_, cx| cx.sig_child(pid, "exited").unwrap());
        stage.turn();
        assert_eq!(stage.kernel.why_alive(session).as_deref(), Some("1 child process"));
    }
    stage.assert([]);
    drop(writer);
    stage.run();
    let told = stage.story.take();
    assert_eq!(told[..3], ["a: exited", "b: exited", "c: exited"]);
    assert_eq!(told.len(), 6);
    assert_eq!(zombies(), [""; 0]);
}

fn set_again() {
    let (writer, children) = herd(1);
    let pid = children[0].id();
    let mut stage = Stage::new();
    stage.actor("a", move |_, cx| {
        cx.sig_child(pid, "first").unwrap();
        cx.sig_child(pid, "second").unwrap();
    });
    drop(writer);
    stage.run();
    stage.assert(["a: second", "a: _stop"]);
}

fn cleared() {
    let (writer, children) = herd(1);
    let pid = children[0].id();
    let mut stage = Stage::new();
    stage.actor("a", move |_, cx| cx.sig_child(pid, "exited").unwrap());
    let b = stage.actor("b", move |_, cx| {
        cx.sig_child(pid, "exited").unwrap();
        cx.yield_("act", act(|_, _| {}));
    });
    stage.act(b, move |_, cx| {
        assert!(cx.sig_child_clear(pid));
        assert!(!cx.sig_child_clear(pid));
    });
    stage.turn();
    stage.assert(["b: _stop"]);
    drop(writer);
    stage.run();
    stage.assert(["a: exited", "a: _stop"]);
}

fn goes_with_session() {
    for with_another in [false, true] {
        let (writer, mut children) = herd(1);
        let pid = children[0].id();
        let mut stage = Stage::new();
        let before = Descriptors::note();
        stage.actor("a", move |_, cx| cx.sig_child(pid, "exited").unwrap());
        if with_another {
            stage.actor("b", move |_, cx| cx.sig_child(pid, "exited").unwrap());
        }
        stage.kernel.stop();
        stage.run();
        assert_eq!(before.opened_since().len(), 2, "the pipe of the signals stays");
        drop(writer);
        assert!(children[0].wait().unwrap().success(), "its status was left");
        assert!(stage.story.take().iter().all(|line| line.ends_with("_stop")));
    }
}

fn queued_and_cleared() {
    let (writer, children) = herd(1);
    let pid = children[0].id();
    let mut stage = Stage::new();
    let states = States::new()
        .on_start(move |_: &mut Option<SessionId>, cx: &mut Context<'_>, ()| {
            cx.sig_child(pid, "exited").unwrap();
        })
        .on("other", |other: &mut Option<SessionId>, _: &mut Context<'_>, id: SessionId| {
            *other = Some(id);
        })
        .on("exited", |other: &mut Option<SessionId>, cx: &mut Context<'_>, exited: Exited| {
            let clear = act(move |_, cx| assert!(!cx.sig_child_clear(exited.pid), "it was told"));
            let cleared: Result<(), _> = cx.call(other.take().unwrap(), "act", clear);
            cleared.unwrap();
        });
    let first = stage.kernel.spawn(&states, None);
    let second = stage.actor("b", move |_, cx| cx.sig_child(pid, "exited").unwrap());
    stage.kernel.post(first, "other", second).unwrap();
    drop(writer);
    stage.run();
    stage.assert(["b: exited", "b: _stop"]);
    assert_eq!(stage.kernel.stats().failures, 0);
}

fn rt23181() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| assert!(!cx.sig_child_clear(12)));
    stage.run();
    stage.assert(["a: _stop"]);
}

fn z_merijn() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let system = || Command::new("true").status().unwrap().success();
        assert!(system());
        cx.sig("CHLD", "chld").unwrap();
        assert!(system());
    });
    // Its session had nothing to live for: the watch went with it.
    stage.run();
    assert!(Command::new("true").status().unwrap().success());
    // The signal of the second came while it was watched. (POE's begins to come when the handler that
    // asked for it has returned.)
    stage.assert(["a: chld", "a: _stop"]);
}
