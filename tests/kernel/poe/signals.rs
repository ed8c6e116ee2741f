//! Signals: `z_steinert_signal_integrity`, those of `20_resources`, and the classes and orders of POE's kernel,
//! 1.8.

use std::time::Duration;

use reactor::{SessionId, SignalError};

use crate::parts::{Family, Member, stay};

const QUARTER: Duration = Duration::from_millis(250);

#[test]
fn z_steinert_signal_integrity() {
    fn moo(member: &mut Member, cx: &mut reactor::Context<'_>) {
        member.at_signal(cx, "MOO", |member, cx, signal| {
            member.tell(signal.payload::<u32>().expect("it was sent with one"));
            cx.delay("no more", QUARTER, ());
        });
    }
    let mut family = Family::new();
    family.member("1", |member, cx| {
        moo(member, cx);
        member.spawn(cx, "2", moo);
    });
    family.kernel.signal(SessionId::KERNEL, "MOO", 99_u32).unwrap();
    family.story.take();
    family.run();
    family.assert([
        "2: MOO",
        "2: 99",
        "1: MOO",
        "1: 99",
        "2: no more",
        "1: no more",
        "2: _stop",
        "1: lose 2",
        "1: _stop",
    ]);
}

/// A session of each generation, the last of them in two branches.
fn generations(family: &mut Family, signal: &'static str) -> SessionId {
    let watch = move |member: &mut Member, cx: &mut reactor::Context<'_>| {
        stay(cx);
        member.at_signal(cx, signal, |_, _, _| {});
    };
    let top = family.member("top", move |member, cx| {
        watch(member, cx);
        for (parent, child) in [("left", "left leaf"), ("right", "right leaf")] {
            member.spawn(cx, parent, move |member, cx| {
                watch(member, cx);
                member.spawn(cx, child, watch);
            });
        }
    });
    family.member("beside", watch);
    family.story.take();
    top
}

#[test]
fn kernel_1_8_the_deepest_descendants_are_told_first() {
    let mut family = Family::new();
    let top = generations(&mut family, "USR1");
    family.kernel.signal(top, "USR1", ()).unwrap();
    family.turn();
    family.assert([
        "right leaf: USR1",
        "left leaf: USR1",
        "right: USR1",
        "left: USR1",
        "top: USR1",
    ]);
    // To everybody: by generation, then the youngest.
    family.kernel.signal(SessionId::KERNEL, "USR1", ()).unwrap();
    family.turn();
    family.assert([
        "right leaf: USR1",
        "left leaf: USR1",
        "right: USR1",
        "left: USR1",
        "beside: USR1",
        "top: USR1",
    ]);
    family.end();
}

#[test]
fn kernel_1_8_each_class_does_what_it_does() {
    const TERMINAL: [&str; 7] = ["QUIT", "INT", "KILL", "TERM", "HUP", "IDLE", "DIE"];
    const NONMASKABLE: [&str; 2] = ["ZOMBIE", "UIDESTROY"];
    const BENIGN: [&str; 6] = ["USR1", "CHLD", "PIPE", "ALRM", "WINCH", "MOO"];
    let lives = |name: &'static str, handles: bool| {
        let mut family = Family::new();
        let one = family.stays("one", move |member, cx| {
            // KILL cannot be watched; it can be sent.
            if name != "KILL" {
                member.at_signal(cx, name, move |_, cx, _| {
                    if handles {
                        cx.sig_handled();
                    }
                });
            }
        });
        family.stays("other", |_, _| {});
        family.kernel.signal(one, name, ()).unwrap();
        family.turn();
        let lives = family.kernel.has_session(one);
        assert_eq!(family.kernel.session_count(), 1 + usize::from(lives), "the other lives");
        family.end();
        lives
    };
    for name in TERMINAL {
        assert_eq!((lives(name, false), lives(name, true)), (false, name != "KILL"), "{name}");
    }
    for name in NONMASKABLE {
        assert_eq!((lives(name, false), lives(name, true)), (false, false), "{name}");
    }
    for name in BENIGN {
        assert_eq!((lives(name, false), lives(name, true)), (true, true), "{name}");
    }
}

#[test]
fn kernel_1_8_one_that_handles_it_saves_all_whom_it_concerns() {
    for handler in ["top", "left", "right leaf"] {
        let mut family = Family::new();
        let top = generations(&mut family, "USR1");
        let all = [top].into_iter().chain(family.kernel.children(top)).collect::<Vec<_>>();
        let all = all.iter().flat_map(|id| [vec![*id], family.kernel.children(*id)].concat());
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        all.dedup();
        for id in all {
            family.act(id, move |member, cx| {
                let handles = member.name_of(cx.session()) == handler;
                member.at_signal(cx, "TERM", move |_, cx, _| {
                    if handles {
                        cx.sig_handled();
                    }
                });
            });
        }
        family.story.take();
        family.kernel.signal(top, "TERM", ()).unwrap();
        family.turn();
        let told = family.story.take();
        assert_eq!(told.len(), 5, "{told:?}");
        assert_eq!(family.kernel.session_count(), 6, "{handler}");
        family.end();
    }
}

#[test]
fn kernel_1_8_a_signal_to_an_alias_stops_that_session_and_its_descendants() {
    for name in ["KILL", "TERM"] {
        let mut family = Family::new();
        let top = generations(&mut family, "USR1");
        let left = family.kernel.children(top)[0];
        family.kernel.alias_set(left, "server").unwrap();
        family.kernel.signal("server", name, ()).unwrap();
        family.turn();
        family.assert([
            "left leaf: _stop",
            "left: lose left leaf",
            "left: _stop",
            "top: lose left",
        ]);
        assert_eq!(family.kernel.session_count(), 4);
        family.end();
    }
}

#[test]
fn kernel_1_8_a_terminal_signal_to_the_kernel_that_nobody_handles_ends_the_program() {
    let mut family = Family::new();
    family.stays("watches", |member, cx| member.at_signal(cx, "INT", |_, _, _| {}));
    family.stays("does not", |_, _| {});
    family.kernel.signal(SessionId::KERNEL, "INT", ()).unwrap();
    family.run();
    family.assert([
        "watches: _start",
        "does not: _start",
        "watches: INT",
        "does not: _stop",
        "watches: _stop",
    ]);
}

#[test]
fn kernel_1_8_signals_and_posts_are_one_queue() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| member.at_signal(cx, "MOO", |_, _, _| {}));
    family.kernel.post(a, "first", ()).unwrap();
    family.kernel.signal(a, "MOO", ()).unwrap();
    family.kernel.post(a, "last", ()).unwrap();
    family.turn();
    family.assert(["a: _start", "a: first", "a: MOO", "a: last"]);
    family.end();
}

#[test]
fn t20_resources_signals() {
    let mut family = Family::new();
    let a = family.stays("a", |member, cx| {
        member.at_signal(cx, "MOO", |_, _, _| {});
        cx.sig("BAA", "signal").unwrap();
    });
    let b = family.stays("b", |member, cx| member.at_signal(cx, "MOO", |_, _, _| {}));
    let everybody = SessionId::KERNEL;
    family.story.take();
    // A watch is no reason to live.
    family.turn();
    assert_eq!(family.kernel.why_alive(a).as_deref(), Some("1 timer"));
    family.kernel.signal(everybody, "MOO", ()).unwrap();
    family.kernel.signal(everybody, "BAA", ()).unwrap();
    family.turn();
    family.assert(["b: MOO", "a: MOO", "a: BAA"]);
    // One watch less, then a session less.
    family.act(b, |_, cx| assert!(cx.sig_clear("MOO")));
    family.kernel.signal(everybody, "MOO", ()).unwrap();
    family.turn();
    family.assert(["a: MOO"]);
    family.kernel.signal(a, "UIDESTROY", ()).unwrap();
    family.turn();
    family.assert(["a: _stop"]);
    family.kernel.signal(everybody, "MOO", ()).unwrap();
    family.turn();
    family.assert([]);
    // What the system does not let anybody watch is an error.
    family.act(b, |_, cx| {
        assert!(matches!(cx.sig("KILL", "never"), Err(SignalError::Unwatchable(_))));
    });
    family.end();
}
