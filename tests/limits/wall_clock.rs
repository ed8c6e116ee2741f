//! The descriptor that tells of a step of the wall clock: one for all, when it is to be had.

use std::time::{Duration, SystemTime};

use reactor::{Context, Kernel, SessionId, States};
use testkit::leak::Descriptors;
use testkit::logs;

use crate::nofile::{self, Lowered};

/// An alarm for a time that is past, and one that is far away.
fn set(kernel: &mut Kernel, session: SessionId) {
    let _: () = kernel.call(session, "set", ()).expect("the session is there");
}

fn kernel() -> (Kernel, SessionId) {
    let states = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| cx.delay("stay", Duration::MAX, ()))
        .on("set", |_: &mut u32, cx: &mut Context<'_>, ()| {
            let now = SystemTime::now();
            cx.alarm_at("ring", now, ());
            cx.alarm_at("never", now + Duration::from_secs(3600), ());
        })
        .on("ring", |rung: &mut u32, _: &mut Context<'_>, ()| *rung += 1)
        .on("rung", |rung: &mut u32, _: &mut Context<'_>, ()| *rung);
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&states, 0);
    (kernel, session)
}

pub(crate) fn alarms_by_the_wall_clock_have_one_descriptor_and_only_if_there_are_any() {
    let before = Descriptors::note();
    let (mut kernel, session) = kernel();
    let without = before.opened_since().len();
    set(&mut kernel, session);
    set(&mut kernel, session);
    let opened = before.opened_since();
    let timers = opened.values().filter(|target| target.contains("timerfd")).count();
    assert_eq!((timers, opened.len()), (1, without + 1), "{opened:?}");
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.call(session, "rung", ()), Ok(1_u32));
    drop(kernel);
    before.assert_same();
}

pub(crate) fn without_a_descriptor_alarms_by_the_wall_clock_ring_all_the_same() {
    let (mut kernel, session) = kernel();
    let limit = Lowered::to(64);
    let taken = nofile::take_all();
    let ((), logged) = logs::capture_warnings(|| set(&mut kernel, session));
    assert_eq!(logged.len(), 2, "{logged:?}");
    assert!(logged[0].text.contains("a step of the wall clock will go unnoticed"), "{logged:?}");
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.call(session, "rung", ()), Ok(1_u32));
    // With the next, it is there.
    drop((limit, taken));
    let ((), logged) = logs::capture_warnings(|| set(&mut kernel, session));
    assert_eq!(logged, []);
    kernel.run_one_turn(Duration::ZERO).unwrap();
    assert_eq!(kernel.call(session, "rung", ()), Ok(2_u32));
}
