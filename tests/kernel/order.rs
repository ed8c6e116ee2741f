//! The one order of everything that waits: due time, then who came first.

use std::time::Duration;

use testkit::story::{Stage, act};

const MS: Duration = Duration::from_millis(1);

#[test]
fn posts_are_delivered_in_the_order_they_were_made_whoever_gets_them() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, _| {});
    let b = stage.actor("b", |_, _| {});
    stage.act(a, move |_, cx| {
        cx.yield_("1", ());
        cx.post(b, "2", ()).unwrap();
        cx.post(b, "3", ()).unwrap();
        cx.yield_("4", ());
        cx.post(b, "5", ()).unwrap();
    });
    stage.run();
    assert_eq!(stage.story.take()[..5], ["a: 1", "b: 2", "b: 3", "a: 4", "b: 5"]);
}

#[test]
fn a_delay_of_zero_is_delivered_between_the_posts_made_around_it() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.yield_("y1", ());
        cx.delay("d0", Duration::ZERO, ());
        cx.yield_("y2", ());
    });
    stage.run();
    stage.assert(["a: y1", "a: d0", "a: y2", "a: _stop"]);
}

#[test]
fn timers_due_at_one_time_ring_in_the_order_they_were_set() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.delay("c", 3 * MS, ());
        cx.delay("b", 2 * MS, ());
        for name in ["b1", "b2", "b3", "b4", "b5"] {
            cx.delay(name, 2 * MS, ());
        }
        cx.delay("a", MS, ());
    });
    stage.run();
    stage.assert(["a: a", "a: b", "a: b1", "a: b2", "a: b3", "a: b4", "a: b5", "a: c", "a: _stop"]);
}

#[test]
fn an_overdue_timer_overtakes_what_was_posted_after_it_fell_due() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| cx.delay("due at 1", MS, ()));
    // Delivers what waits, and lets no time pass.
    stage.turn();
    stage.act(a, |_, cx| cx.yield_("posted at 0", ()));
    stage.clock.advance(2 * MS);
    stage.kernel.post(a, "posted at 2", ()).unwrap();
    stage.act(a, |_, cx| {
        cx.delay_set("set at 2, due at 2", Duration::ZERO, ());
    });
    stage.run();
    stage.assert([
        "a: posted at 0",
        "a: due at 1",
        "a: posted at 2",
        "a: set at 2, due at 2",
        "a: _stop",
    ]);
}

#[test]
fn what_a_handler_posts_waits_for_the_next_turn() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, _| {});
    stage.act(a, |_, cx| {
        let again = act(|_, cx| cx.yield_("posted by a handler", ()));
        cx.yield_("act", again);
        cx.yield_("posted before", ());
    });
    stage.turn();
    stage.assert(["a: posted before"]);
    stage.turn();
    stage.assert(["a: posted by a handler", "a: _stop"]);
}

#[test]
fn sessions_that_yield_to_themselves_take_turns() {
    let mut stage = Stage::new();
    for name in ["a", "b"] {
        stage.actor(name, |_, cx| cx.yield_("act", again(3)));
    }
    stage.run();
    assert_eq!(stage.story.take()[..6], ["a: 3", "b: 3", "a: 2", "b: 2", "a: 1", "b: 1"]);
}

/// Tells a count, and does it again with one less.
fn again(count: u32) -> testkit::story::Act {
    act(move |actor, cx| {
        actor.tell(count);
        if count > 1 {
            cx.yield_("act", again(count - 1));
        }
    })
}

#[test]
fn a_timer_set_due_by_a_handler_is_not_delivered_in_the_same_step() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, _| {});
    stage.act(a, |_, cx| {
        let set = act(|_, cx| {
            cx.delay_set("set due", Duration::ZERO, ());
        });
        cx.yield_("act", set);
        cx.delay_set("there before", Duration::ZERO, ());
    });
    stage.turn();
    stage.assert(["a: there before"]);
    stage.turn();
    stage.assert(["a: set due", "a: _stop"]);
}

#[test]
fn a_turn_delivers_a_bounded_number_of_events_and_the_next_goes_on() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        for number in 0..5_000 {
            cx.yield_(number.to_string(), ());
        }
    });
    let mut turns = 0;
    let mut told = Vec::new();
    while stage.kernel.session_count() > 0 {
        stage.turn();
        turns += 1;
        let now = stage.story.take();
        assert!(now.len() <= 1_024, "{} events in one turn", now.len());
        told.extend(now);
    }
    assert!(turns > 4, "5,000 events in {turns} turns");
    let mut expected: Vec<String> = (0..5_000).map(|number| format!("a: {number}")).collect();
    expected.push("a: _stop".into());
    assert_eq!(told, expected);
}
