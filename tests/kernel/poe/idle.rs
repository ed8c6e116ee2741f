//! `IDLE` and `ZOMBIE`: how a program ends (POE's kernel, 1.11).

use std::time::Duration;

use reactor::Context;

use crate::parts::{Family, Member};

const SECOND: Duration = Duration::from_secs(1);

/// Lives by an alias, and does this each time the kernel is idle; it tells both signals.
fn idle(
    member: &mut Member,
    cx: &mut Context<'_>,
    alias: &str,
    mut does: impl FnMut(&mut Member, &mut Context<'_>, u32) + 'static,
) {
    cx.alias_set(alias).unwrap();
    let mut times = 0;
    member.at_signal(cx, "IDLE", move |member, cx, signal| {
        if signal.name() == "IDLE" {
            times += 1;
            does(member, cx, times);
        } else {
            cx.sig_handled();
        }
    });
    cx.sig("ZOMBIE", "signal").unwrap();
}

#[test]
fn kernel_1_11_idle_that_nobody_handles_ends_everybody() {
    let mut family = Family::new();
    family.member("a", |member, cx| idle(member, cx, "a", |_, _, _| {}));
    family.run();
    family.assert(["a: _start", "a: IDLE", "a: _stop"]);
}

#[test]
fn kernel_1_11_two_rescues_and_then_zombie() {
    let mut family = Family::new();
    family.member("a", |member, cx| {
        idle(member, cx, "a", |_, cx, times| {
            cx.sig_handled();
            if times <= 2 {
                cx.delay("work", SECOND, ());
            }
        });
    });
    family.run();
    family.assert([
        "a: _start",
        "a: IDLE",
        "a: work",
        "a: IDLE",
        "a: work",
        "a: IDLE",
        "a: ZOMBIE",
        "a: _stop",
    ]);
}

#[test]
fn kernel_1_11_the_order_of_stopping() {
    let mut family = Family::new();
    family.member("P1", |member, cx| {
        cx.alias_set("P1").unwrap();
        member.spawn(cx, "C1", |_, cx| cx.alias_set("C1").unwrap());
        member.spawn(cx, "C2", |_, cx| cx.alias_set("C2").unwrap());
    });
    family.member("P2", |_, cx| cx.alias_set("P2").unwrap());
    family.run();
    // There C2, C1, P2, P1: the leaves first. Here the youngest first, which is before its parent too.
    family.assert([
        "P1: _start",
        "C1: _start",
        "C2: _start",
        "P1: create C1",
        "P1: create C2",
        "P2: _start",
        "P2: _stop",
        "C2: _stop",
        "P1: lose C2",
        "C1: _stop",
        "P1: lose C1",
        "P1: _stop",
    ]);
}

#[test]
fn kernel_1_11_a_rescue_that_only_takes_a_reference_lives() {
    // F47: POE's test for ZOMBIE does not look at references.
    let mut family = Family::new();
    let a = family.member("a", |member, cx| {
        idle(member, cx, "a", |_, cx, _| {
            cx.sig_handled();
            cx.refcount_increment(cx.session(), "rescue").unwrap();
        });
    });
    for _ in 0..5 {
        family.turn();
    }
    family.assert(["a: _start", "a: IDLE"]);
    assert_eq!(family.kernel.why_alive(a).as_deref(), Some("1 alias, 1 named reference"));
    family.kernel.refcount_decrement(a, "rescue").unwrap();
    family.kernel.alias_remove(a, "a").unwrap();
    family.run();
    family.assert(["a: _stop"]);
}

#[test]
fn kernel_1_11_one_that_handles_idle_saves_those_who_do_not() {
    let mut family = Family::new();
    family.member("a", |member, cx| {
        idle(member, cx, "a", |_, cx, times| {
            if times == 1 {
                cx.sig_handled();
                cx.delay("work", SECOND, ());
            }
        });
    });
    family.member("b", |member, cx| idle(member, cx, "b", |_, _, _| {}));
    family.run();
    family.assert([
        "a: _start",
        "b: _start",
        "b: IDLE",
        "a: IDLE",
        "a: work",
        "b: IDLE",
        "a: IDLE",
        "b: _stop",
        "a: _stop",
    ]);
}

#[test]
fn kernel_1_11_a_rescue_may_be_a_new_session_a_post_or_a_signal() {
    for rescue in ["session", "post", "signal"] {
        let mut family = Family::new();
        family.member("a", move |member, cx| {
            idle(member, cx, "a", move |member, cx, times| {
                if times > 1 {
                    return;
                }
                cx.sig_handled();
                match rescue {
                    "session" => {
                        member.spawn(cx, "b", |_, cx| cx.yield_("rescued", ()));
                    }
                    "post" => cx.yield_("rescued", ()),
                    _ => cx.signal(cx.session(), "RESCUED", ()).unwrap(),
                }
            });
        });
        family.run();
        let told = family.story.take();
        let count = |what: &str| told.iter().filter(|line| *line == what).count();
        assert_eq!((count("a: IDLE"), count("a: ZOMBIE")), (2, 0), "{rescue}: {told:?}");
    }
}

#[test]
fn kernel_1_11_work_of_any_kind_keeps_idle_away() {
    let mut family = Family::new();
    family.member("a", |member, cx| idle(member, cx, "a", |_, _, _| {}));
    family.member("b", |_, cx| cx.delay("work", 10 * SECOND, ()));
    family.turn();
    family.turn();
    family.assert(["a: _start", "b: _start"]);
    family.run();
    family.assert(["b: work", "b: _stop", "a: IDLE", "a: _stop"]);
}
