//! What keeps a session alive, and that nothing else does.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::SessionId;
use testkit::story::{Act, Stage, act};

use crate::parts::made;

const SECOND: Duration = Duration::from_secs(1);

fn why(stage: &Stage, session: SessionId) -> String {
    stage.kernel.why_alive(session).expect("the session is alive")
}

#[test]
fn p66_a_session_that_has_nothing_to_live_for_is_stopped_in_the_turn_it_loses_the_last() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, _| {});
    assert_eq!(why(&stage, a), "1 queued event", "held for its maker");
    stage.turn();
    stage.assert(["a: _stop"]);
    assert_eq!(stage.kernel.why_alive(a), None);

    let b = stage.actor("b", |_, cx| cx.delay("last", SECOND, ()));
    stage.turn();
    assert_eq!(why(&stage, b), "1 timer");
    stage.kernel.run_one_turn(SECOND).unwrap();
    stage.turn();
    stage.assert(["b: last", "b: _stop"]);
    stage.run();
}

#[test]
fn p66_any_random_history_ends_with_stop_in_the_turn_that_empties_the_ledger() {
    let mut random = crate::parts::Random::from_environment();
    let mut stage = Stage::new();
    for round in 0..2_000 {
        let (posts, delays) = (random.below(4), random.below(4));
        let (removed, spawned) = (random.one_in(2), random.one_in(3));
        let session = stage.actor(round, move |actor, cx| {
            (0..posts).for_each(|_| cx.yield_("act", nothing()));
            let timers = (0..delays).map(|_| cx.delay_set("act", SECOND, nothing()));
            let timers: Vec<_> = timers.collect();
            let gone = timers.into_iter().filter(|_| removed);
            gone.for_each(|timer| drop(cx.alarm_remove(timer).expect("set above")));
            if spawned {
                actor.spawn(cx, "child", |_, _| ());
            }
        });
        let timers = if removed { 0 } else { delays };
        stage.turn();
        assert_eq!(stage.kernel.why_alive(session).is_some(), timers > 0);
        if timers > 0 {
            stage.kernel.run_one_turn(SECOND).unwrap();
            stage.turn();
        }
        assert_eq!(stage.kernel.why_alive(session), None, "round {round}");
        let told = stage.story.take();
        assert_eq!(told.last(), Some(&format!("{round}: _stop")));
    }
    stage.run();
}

fn nothing() -> Act {
    act(|_, _| ())
}

#[test]
fn a_new_session_is_held_until_its_maker_had_the_chance_to_give_it_work() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, cx| cx.delay("end", SECOND, ()));
    stage.turn();
    stage.act(a, |actor, cx| {
        let child = actor.spawn(cx, "child", |actor, _| actor.tell("_start"));
        let work = act(move |_, cx| cx.post(child, "work", ()).unwrap());
        // Not at once: this is delivered before the hold on the child ends, or right after.
        cx.yield_("act", act(|_, _| {}));
        work(actor, cx);
    });
    stage.turn();
    stage.assert(["child: _start", "child: work", "child: _stop"]);
    stage.run();
}

#[test]
fn start_comes_at_once_and_stop_when_all_is_done() {
    let mut stage = Stage::new();
    stage.actor("parent", |actor, cx| {
        actor.tell("before");
        actor.spawn(cx, "child", |actor, cx| {
            actor.tell("_start");
            cx.yield_("yielded", ());
        });
        actor.tell("after");
    });
    stage.story.tell("spawned");
    stage.run();
    stage.assert([
        "parent: before",
        "child: _start",
        "parent: after",
        "spawned",
        "child: yielded",
        "child: _stop",
        "parent: _stop",
    ]);
}

#[test]
fn why_alive_says_in_words_what_is_left() {
    let mut stage = Stage::new();
    let far = stage.actor("far", |_, cx| cx.delay("end", SECOND, ()));
    let a = stage.actor("a", move |actor, cx| {
        cx.yield_("1", ());
        cx.yield_("2", ());
        cx.post(far, "3", ()).unwrap();
        cx.delay_set("4", SECOND, ());
        cx.delay_set("4", SECOND, ());
        let event = cx.symbol("5");
        actor.held.push(Box::new(cx.add_wheel(|_| made(event, |_| None))));
        actor.spawn(cx, "child", |_, cx| cx.delay("end", SECOND, ()));
        actor.spawn(cx, "child", |_, cx| cx.delay("end", SECOND, ()));
    });
    let all = "3 queued events, 1 sent event, 2 timers, 1 wheel, 2 child sessions";
    assert_eq!(why(&stage, a), all);
    stage.turn();
    assert_eq!(why(&stage, a), "2 timers, 1 wheel, 2 child sessions");
    stage.kernel.run_one_turn(SECOND).unwrap();
    stage.turn();
    assert_eq!(why(&stage, a), "1 wheel");
    stage.act(a, |actor, _| actor.held.clear());
    assert_eq!(why(&stage, a), "nothing", "until the next turn");
    stage.run();
}

#[test]
fn an_event_on_its_way_keeps_its_sender_and_its_receiver_alive() {
    let mut stage = Stage::new();
    let far = stage.actor("far", |_, _| {});
    let a = stage.actor("a", move |_, cx| {
        // Behind more events than a turn delivers.
        for _ in 0..1_500 {
            cx.post(far, "act", act(|_, _| {})).unwrap();
        }
    });
    stage.turn();
    stage.assert([]);
    assert!(why(&stage, far).ends_with(" queued events"), "{}", why(&stage, far));
    assert!(why(&stage, a).ends_with(" sent events"), "{}", why(&stage, a));
    stage.turn();
    assert_eq!(stage.story.take().len(), 2, "both are stopped");
    stage.run();
}

#[test]
fn a_parent_lives_while_its_youngest_descendant_lives() {
    let mut stage = Stage::new();
    let parent = stage.actor("parent", |actor, cx| {
        actor.spawn(cx, "child", |actor, cx| {
            actor.spawn(cx, "grandchild", |_, cx| cx.delay("end", SECOND, ()));
        });
    });
    stage.turn();
    assert_eq!(why(&stage, parent), "1 child session");
    stage.run();
    stage.assert(["grandchild: end", "grandchild: _stop", "child: _stop", "parent: _stop"]);
}

#[test]
fn a_wheel_keeps_its_session_alive_until_its_handle_is_dropped() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |actor, cx| {
        let event = cx.symbol("never");
        actor.held.push(Box::new(cx.add_wheel(|_| made(event, |_| None))));
    });
    for _ in 0..3 {
        stage.turn();
        assert_eq!(why(&stage, a), "1 wheel");
    }
    stage.act(a, |actor, _| actor.held.clear());
    assert_eq!(stage.kernel.wheel_count(), 0, "closed when the handler has returned");
    stage.run();
    stage.assert(["a: _stop"]);
}

#[test]
fn a_session_that_is_given_work_in_the_turn_it_would_stop_lives_on() {
    let mut stage = Stage::new();
    let a = stage.actor("a", |_, _| {});
    stage.actor("b", move |_, cx| {
        // Delivered after a's last reason is gone, before the turn ends.
        cx.yield_("act", act(move |_, cx| cx.post(a, "saved", ()).unwrap()));
    });
    stage.turn();
    stage.assert([]);
    assert_eq!(why(&stage, a), "1 queued event");
    stage.run();
    assert_eq!(stage.story.take()[0], "a: saved");
}

#[test]
fn run_returns_when_the_last_is_gone_and_can_be_called_again() {
    let mut stage = Stage::new();
    stage.kernel.run().unwrap();
    for round in 1..=3 {
        stage.actor(round, |_, cx| cx.delay("tick", SECOND, ()));
        stage.run();
        stage.story.assert([&*format!("{round}: tick"), &*format!("{round}: _stop")]);
    }
    assert_eq!(stage.kernel.stats().timers, 3);
}

#[test]
fn what_is_posted_in_stop_to_others_goes_with_the_session() {
    let mut stage = Stage::new();
    let far = stage.actor("far", |_, cx| cx.delay("end", SECOND, ()));
    stage.actor("a", move |actor, _| {
        actor.at_stop(move |_, cx| {
            cx.post(far, "from the dead", ()).unwrap();
            cx.yield_("to the dead", ());
            cx.delay("later", SECOND, ());
        });
    });
    stage.run();
    stage.assert(["a: _stop", "far: end", "far: _stop"]);
}

#[test]
fn a_session_without_any_handler_lives_and_dies_without_a_word() {
    let mut stage = Stage::new();
    let (_, warnings) = testkit::logs::capture_warnings(|| {
        stage.kernel.spawn(&reactor::States::new(), ());
        stage.run();
    });
    assert_eq!(warnings, []);
}

#[test]
fn ten_thousand_sessions_come_and_go() {
    let mut stage = Stage::new();
    let started = Rc::new(Cell::new(0));
    let counter = Rc::clone(&started);
    stage.actor("a", move |actor, cx| {
        for _ in 0..10_000 {
            let counter = Rc::clone(&counter);
            actor.spawn(cx, "child", move |_, _| counter.set(counter.get() + 1));
        }
    });
    assert_eq!(stage.kernel.session_count(), 10_001);
    stage.run();
    assert_eq!(started.get(), 10_000);
    assert_eq!(stage.story.take().len(), 10_001);
}
