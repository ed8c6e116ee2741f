//! What the log says of the kernel's work, by target (POE: `TRACE_*`).

use std::collections::BTreeSet;
use std::time::Duration;

use reactor::{Clock, Context, Kernel, Signal, States};
use testkit::logs;

use crate::parts::made;

#[test]
fn each_kind_of_work_is_traced_under_a_target_of_its_own() {
    let states = States::new()
        .on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
            cx.alias_set("me").unwrap();
            cx.sig("MOO", "moo").unwrap();
            cx.signal(cx.session(), "MOO", ()).unwrap();
            let event = cx.symbol("never");
            drop(cx.add_wheel(|_| made(event, |_| None)));
            cx.yield_("set", ());
        })
        .on("set", |_: &mut (), cx: &mut Context<'_>, ()| {
            cx.delay("tick", Duration::from_secs(1), ());
        })
        .on("tick", |_: &mut (), _: &mut Context<'_>, ()| {})
        .on("moo", |_: &mut (), _: &mut Context<'_>, _: Signal| {});
    let (_, lines) = logs::capture(|| {
        let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
        kernel.spawn(&states, ());
        kernel.run().unwrap();
    });
    let targets: BTreeSet<&str> = lines.iter().map(|line| &*line.target).collect();
    for target in ["events", "sessions", "timers", "signals", "wheels", "refs"] {
        assert!(targets.contains(&*format!("reactor::{target}")), "{target} is not in {targets:?}");
    }
}
