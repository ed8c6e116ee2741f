//! The queue as far as a program sees it: timers that are removed and moved (POE's `06_queues/array`), and what
//! is counted (the timers of `20_resources/events`).

use std::time::Duration;

use reactor::{Adjust, Context, NoSuchTimer, States, TimerId};
use testkit::story::Stage;

use crate::parts::Random;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn queue_array_timers_are_removed_by_id_and_only_by_their_owner() {
    let mut stage = Stage::new();
    let owner = stage.actor("a", |_, cx| {
        let now = cx.now();
        let mut set = |name, second: u32| cx.alarm_set(name, now + second * SECOND, ());
        let (_, c, e, b, d) = (set("a", 1), set("c", 3), set("e", 5), set("b", 2), set("d", 4));
        for (timer, name) in [(b, "b"), (c, "c"), (d, "d")] {
            assert_eq!(cx.alarm_remove(timer).unwrap().name(), name);
        }
        let session = cx.session();
        let stranger = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            assert_ne!(cx.session(), session);
            assert_eq!(cx.alarm_remove(e).unwrap_err(), NoSuchTimer);
            assert_eq!(cx.alarm_adjust(e, Adjust::Later(SECOND)), Err(NoSuchTimer));
            assert_eq!(cx.alarm_adjust(e, Adjust::Later(Duration::ZERO)), Err(NoSuchTimer));
            assert_eq!(cx.delay_adjust(e, SECOND), Err(NoSuchTimer));
            assert_eq!(cx.alarm_clear("e"), 0);
            assert!(cx.alarm_remove_all().is_empty());
        });
        cx.spawn(&stranger, ());
        assert_eq!(cx.alarm_remove(d).unwrap_err(), NoSuchTimer);
        assert_eq!(cx.alarm_adjust(d, Adjust::Later(SECOND)), Err(NoSuchTimer));
        assert_eq!(cx.delay_adjust(d, SECOND), Err(NoSuchTimer));
    });
    assert!(stage.kernel.why_alive(owner).unwrap().contains("2 timers"));
    stage.run();
    stage.assert(["a: a", "a: e", "a: _stop"]);
}

#[test]
fn queue_array_an_adjusted_timer_goes_behind_its_equals_and_one_adjusted_by_zero_stays() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let now = cx.now();
        let names = ["a", "b", "c", "d", "e", "f"];
        let timers = [10, 20, 30, 40, 50, 60].into_iter().zip(names);
        let timers: Vec<TimerId> =
            timers.map(|(second, name)| cx.alarm_set(name, now + second * SECOND, ())).collect();
        cx.alarm_adjust(timers[4], Adjust::Earlier(15 * SECOND)).unwrap();
        cx.alarm_adjust(timers[1], Adjust::Later(15 * SECOND)).unwrap();
        for timer in &timers {
            cx.alarm_adjust(*timer, Adjust::Later(Duration::ZERO)).unwrap();
            cx.alarm_adjust(*timer, Adjust::Earlier(Duration::ZERO)).unwrap();
        }
    });
    stage.run();
    stage.assert(["a: a", "a: c", "a: e", "a: b", "a: d", "a: f", "a: _stop"]);
}

#[test]
fn queue_array_a_thousand_timers_moved_back_and_forth_ring_in_order() {
    let mut stage = Stage::new();
    let mut random = Random::from_environment();
    stage.actor("a", move |_, cx| {
        let now = cx.now();
        let mut numbers: Vec<u32> = (1000..2000).collect();
        for place in (1..numbers.len()).rev() {
            numbers.swap(place, random.below(place as u64 + 1) as usize);
        }
        let timers: Vec<(u32, TimerId)> = numbers
            .into_iter()
            .map(|number| (number, cx.alarm_set(format!("{number}"), now + number * SECOND, ())))
            .collect();
        // The even first, then the odd.
        for (number, timer) in timers.iter().filter(|(number, _)| number % 2 == 0) {
            let due = cx.alarm_adjust(*timer, Adjust::Earlier(1000 * SECOND));
            assert_eq!(due, Ok(now + (number - 1000) * SECOND));
        }
        for (number, timer) in timers.iter().filter(|(number, _)| number % 2 == 1) {
            let due = cx.alarm_adjust(*timer, Adjust::Later(1000 * SECOND));
            assert_eq!(due, Ok(now + (number + 1000) * SECOND));
        }
        for (number, timer) in timers.iter().filter(|(number, _)| number % 4 == 0) {
            let due = cx.delay_adjust(*timer, *number * SECOND + SECOND / 2);
            assert_eq!(due, Ok(now + *number * SECOND + SECOND / 2));
        }
    });
    let mut expected: Vec<(u32, u32)> = (1000..2000)
        .map(|number| match number % 4 {
            0 => (2 * number + 1, number),
            2 => (2 * (number - 1000), number),
            _ => (2 * (number + 1000), number),
        })
        .collect();
    expected.sort_unstable();
    stage.run();
    let told = stage.story.take();
    let expected: Vec<String> = expected.iter().map(|(_, number)| format!("a: {number}")).collect();
    assert_eq!(told[..1000], expected);
}

#[test]
fn events_timers_are_removed_by_id_by_name_and_by_session() {
    let mut stage = Stage::new();
    let session = stage.actor("a", |_, cx| {
        let now = cx.now();
        let first = cx.delay_set("three", SECOND, ());
        cx.delay_set("three", 2 * SECOND, ());
        cx.delay_set("one", 4 * SECOND, ());
        cx.delay_set("three", 3 * SECOND, ());
        let removed = cx.alarm_remove(first).unwrap();
        assert_eq!((removed.name(), removed.due()), ("three", now + SECOND));
        assert_eq!(cx.alarm_remove(first).unwrap_err(), NoSuchTimer);
        assert_eq!(cx.alarm_clear("nothing"), 0);
        assert_eq!(cx.alarm_clear("three"), 2);
        assert_eq!(cx.alarm_clear("three"), 0);
    });
    assert_eq!(stage.kernel.why_alive(session).as_deref(), Some("1 queued event, 1 timer"));
    stage.act(session, |_, cx| {
        let removed = cx.alarm_remove_all();
        assert_eq!(removed.len(), 1);
        assert_eq!((removed[0].name(), removed[0].due()), ("one", cx.now() + 4 * SECOND));
    });
    assert_eq!(stage.kernel.why_alive(session).as_deref(), Some("1 queued event"));
    stage.run();
    stage.assert(["a: _stop"]);
}

#[test]
fn events_the_kernel_counts_what_waits_and_knows_what_is_next() {
    let mut stage = Stage::new();
    assert_eq!((stage.kernel.event_count(), stage.kernel.next_event_time()), (0, None));
    let now = stage.clock.now();
    let session = stage.actor("a", |_, cx| cx.delay("late", HOUR, ()));
    // That of the new session, which its maker may still give work.
    assert_eq!(stage.kernel.event_count(), 2);
    stage.turn();
    assert_eq!(stage.kernel.event_count(), 1);
    assert_eq!(stage.kernel.next_event_time(), Some(now + HOUR));
    stage.act(session, |_, cx| {
        for second in (1..1000_u32).rev() {
            cx.delay_set("filler", second * SECOND, ());
        }
    });
    assert_eq!(stage.kernel.event_count(), 1000);
    assert_eq!(stage.kernel.next_event_time(), Some(now + SECOND));
    stage.kernel.post(session, "posted", ()).unwrap();
    assert_eq!(stage.kernel.event_count(), 1001);
    assert_eq!(stage.kernel.next_event_time(), Some(now));
    stage.act(session, |_, cx| {
        let past = cx.now() - HOUR;
        cx.alarm("overdue", past, ());
        assert_eq!(cx.alarm_clear("filler"), 999);
    });
    assert_eq!(stage.kernel.next_event_time(), Some(now - HOUR));
    stage.run();
    stage.assert(["a: overdue", "a: posted", "a: late", "a: _stop"]);
    assert_eq!((stage.kernel.event_count(), stage.kernel.next_event_time()), (0, None));
}
