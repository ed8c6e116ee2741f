//! Alarms and delays as POE has them, by name and by id (POE's `k_alarms`).

use std::time::{Duration, Instant};

use reactor::{Adjust, Context, Event, NoSuchTimer, TimerId};
use testkit::story::{Actor, Stage, act};

use crate::parts::Random;

const SECOND: Duration = Duration::from_secs(1);
const TENTH: Duration = Duration::from_millis(100);
const HOUR: Duration = Duration::from_secs(3600);

/// A long time ago, from which POE's test counts: everything set by it is overdue.
fn epoch(cx: &Context<'_>) -> Instant {
    cx.now() - 100 * HOUR
}

/// What tells a word when the timer rings, whatever its name.
fn word(text: &'static str) -> testkit::story::Act {
    act(move |actor, _| actor.tell(text))
}

#[test]
fn k_alarms_ten_families_of_timers_replace_add_and_clear_by_name() {
    let mut stage = Stage::new();
    let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];
    for (family, name) in names.into_iter().enumerate() {
        stage.actor(name, move |_, cx| {
            let at = cx.now() + SECOND / 2;
            match family + 1 {
                1 => cx.alarm("act", at, word("1")),
                2 => {
                    cx.alarm("act", at, word("2.1"));
                    cx.alarm("act", at, word("2.2"));
                }
                3 => {
                    cx.alarm_add("act", at, word("3.1"));
                    cx.alarm_add("act", at, word("3.2"));
                }
                4 => {
                    cx.alarm("act", at, word("4.1"));
                    cx.alarm_add("act", at, word("4.2"));
                    cx.alarm("act", at, word("4.3"));
                    cx.alarm_add("act", at, word("4.4"));
                }
                5 => {
                    cx.alarm("act", at, word("5"));
                    assert_eq!(cx.alarm_clear("act"), 1);
                }
                6 => cx.delay("act", SECOND / 2, word("6")),
                7 => {
                    cx.delay("act", SECOND / 2, word("7.1"));
                    cx.delay("act", SECOND / 2, word("7.2"));
                }
                8 => {
                    cx.delay_add("act", SECOND / 2, word("8.1"));
                    cx.delay_add("act", SECOND / 2, word("8.2"));
                }
                9 => {
                    let past = epoch(cx) + SECOND / 2;
                    cx.alarm("act", past, word("9.1"));
                    cx.alarm_add("act", past, word("9.2"));
                    cx.alarm("act", past, word("9.3"));
                    cx.alarm_add("act", past, word("9.4"));
                }
                _ => {
                    cx.delay("act", SECOND / 2, word("10"));
                    assert_eq!(cx.alarm_clear("act"), 1);
                }
            }
        });
    }
    let began = stage.clock.now();
    stage.turn();
    stage.assert(["9: 9.3", "9: 9.4", "10: _stop", "9: _stop", "5: _stop"]);
    stage.run();
    stage.assert([
        "1: 1", "2: 2.2", "3: 3.1", "3: 3.2", "4: 4.3", "4: 4.4", "6: 6", "7: 7.2", "8: 8.1",
        "8: 8.2", "8: _stop", "7: _stop", "6: _stop", "4: _stop", "3: _stop", "2: _stop",
        "1: _stop",
    ]);
    assert_eq!(stage.clock.now() - began, SECOND / 2);
}

#[test]
fn k_alarms_order_is_kept_among_hundreds_of_others_that_come_and_go() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let mut random = Random::from_environment();
        let epoch = epoch(cx);
        three_around(cx, epoch + 25 * SECOND, ["025_3", "025_2", "025_1"]);
        let fillers: Vec<String> = (0..600).map(|number| format!("filler_{number}")).collect();
        for name in &fillers {
            let second = u32::try_from(1 + random.below(299)).unwrap();
            cx.alarm(name.clone(), epoch + second * SECOND, ());
        }
        for second in [100, 200, 300, 50, 150, 250, 350, 75, 175, 275, 325, 225, 125] {
            cx.alarm(format!("{second:03}"), epoch + second * SECOND, ());
        }
        three_around(cx, epoch + 205 * SECOND, ["206", "205", "204"]);
        for name in fillers {
            assert_eq!(cx.alarm_clear(name), 1);
        }
        let left = cx.alarm_remove_all();
        assert!(left.is_sorted_by_key(reactor::Removed::due));
        let names: Vec<&str> = left.iter().map(reactor::Removed::name).collect();
        actor.tell(names.join(" "));
    });
    stage.run();
    stage.assert([
        "a: 025_1 025_2 025_3 050 075 100 125 150 175 200 204 205 206 225 250 275 300 325 350",
        "a: _stop",
    ]);
}

/// Three alarms for one time, of which the last is moved before the others and the first behind.
fn three_around(cx: &mut Context<'_>, time: Instant, names: [&'static str; 3]) {
    let little = Duration::from_millis(10);
    let [first, _, last] = names.map(|name| cx.alarm_set(name, time, ()));
    assert_eq!(cx.alarm_adjust(last, Adjust::Earlier(little)), Ok(time - little));
    assert_eq!(cx.alarm_adjust(first, Adjust::Later(little)), Ok(time + little));
}

#[test]
fn k_alarms_by_id_are_set_removed_and_adjusted() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let (epoch, now) = (epoch(cx), cx.now());
        cx.alarm_set("test_13", epoch + SECOND, 13_u32);

        let timer = cx.alarm_set("test_14", epoch + SECOND, 14_u32);
        let mut removed = cx.alarm_remove(timer).unwrap();
        assert_eq!((removed.name(), removed.due()), ("test_14", epoch + SECOND));
        assert_eq!(
            (removed.take::<u64>(), removed.take(), removed.take::<u32>()),
            (None, Some(14_u32), None)
        );

        let timer = cx.delay_set("test_15", SECOND / 2, String::from("15"));
        let mut removed = cx.alarm_remove(timer).unwrap();
        assert_eq!((removed.name(), removed.due()), ("test_15", now + SECOND / 2));
        assert_eq!(removed.take(), Some(String::from("15")));

        cx.delay("test_16", SECOND, ());
        cx.delay("test_17", SECOND, ());
        // Soonest first.
        let all: Vec<String> =
            cx.alarm_remove_all().iter().map(|gone| gone.name().into()).collect();
        assert_eq!(all, ["test_13", "test_16", "test_17"]);
        assert!(cx.alarm_remove_all().is_empty());

        cx.alarm_set("test_13", epoch + SECOND, ());
        adjust_among_fillers(actor, cx, epoch);
    });
    stage.run();
    // By their times: -40, 1, 50, 51, 52 and 150.
    stage.assert([
        "a: test_21",
        "a: test_13",
        "a: test_18",
        "a: test_20",
        "a: test_19",
        "a: test_22",
        "a: _stop",
    ]);
}

fn adjust_among_fillers(_: &Actor, cx: &mut Context<'_>, epoch: Instant) {
    let at = |second: i32| {
        let distance = second.unsigned_abs() * SECOND;
        if second < 0 { epoch - distance } else { epoch + distance }
    };
    let adjust = |cx: &mut Context<'_>, timer: TimerId, by: i32, to: i32| {
        let distance = by.unsigned_abs() * SECOND;
        let by = if by < 0 { Adjust::Earlier(distance) } else { Adjust::Later(distance) };
        assert_eq!(cx.alarm_adjust(timer, by), Ok(at(to)));
    };
    let timer = cx.alarm_set("test_18", at(50), ());
    adjust(cx, timer, -1, 49);
    adjust(cx, timer, 1, 50);
    let timer = cx.alarm_set("test_19", at(52), ());
    adjust(cx, timer, -4, 48);
    adjust(cx, timer, 4, 52);
    let timer = cx.alarm_set("test_20", at(49), ());
    adjust(cx, timer, 2, 51);
    adjust(cx, timer, 2, 53);
    adjust(cx, timer, -2, 51);
    let fillers: Vec<TimerId> =
        (1..=100).map(|second| cx.alarm_set("filler", at(second), ())).collect();
    let timer = cx.alarm_set("test_21", at(50), ());
    adjust(cx, timer, -10, 40);
    adjust(cx, timer, 20, 60);
    adjust(cx, timer, -100, -40);
    let timer = cx.alarm_set("test_22", at(50), ());
    adjust(cx, timer, 100, 150);
    for (timer, second) in fillers.into_iter().zip(1..) {
        assert_eq!(cx.alarm_remove(timer).unwrap().due(), at(second));
    }
}

#[test]
fn an_overdue_alarm_overtakes_the_posts_and_one_for_now_does_not() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.yield_("first", ());
        let now = cx.now();
        cx.alarm("now", now, ());
        cx.yield_("second", ());
        let past = epoch(cx);
        cx.alarm("long ago", past, ());
        cx.alarm("just before", now - Duration::from_nanos(1), ());
    });
    stage.run();
    stage.assert(["a: long ago", "a: just before", "a: first", "a: now", "a: second", "a: _stop"]);
}

#[test]
fn a_typed_name_sets_and_clears_timers() {
    const TICK: Event<u32> = Event::new("tick");
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        cx.delay(&TICK, SECOND, 1);
        cx.delay_add(&TICK, SECOND, 2);
        let later = cx.now() + SECOND;
        cx.alarm_add(&TICK, later, 3);
        assert_eq!(cx.alarm_clear(&TICK), 3);
        cx.alarm(&TICK, later, 4);
    });
    stage.run();
    stage.assert(["a: tick", "a: _stop"]);
}

#[test]
fn an_id_is_stale_when_its_timer_was_replaced_by_name() {
    let mut stage = Stage::new();
    stage.actor("a", |_, cx| {
        let old = cx.delay_set("act", SECOND, word("old"));
        cx.delay("act", 2 * SECOND, word("new"));
        assert_eq!(cx.alarm_remove(old).unwrap_err(), NoSuchTimer);
        assert_eq!(cx.delay_adjust(old, SECOND), Err(NoSuchTimer));
        let older = cx.delay_set("act", SECOND, word("older"));
        let later = cx.now() + 3 * SECOND;
        cx.alarm("act", later, word("newest"));
        assert_eq!(cx.alarm_adjust(older, Adjust::Later(SECOND)), Err(NoSuchTimer));
    });
    let began = stage.clock.now();
    stage.run();
    stage.assert(["a: newest", "a: _stop"]);
    assert_eq!(stage.clock.now() - began, 3 * SECOND);
}

#[test]
fn delay_adjust_counts_from_now_and_keeps_the_payload() {
    let mut stage = Stage::new();
    let session = stage.actor("a", |actor, cx| {
        let timer = cx.delay_set("act", SECOND, word("rings"));
        actor.held.push(Box::new(timer));
        cx.delay_set(
            "act",
            7 * TENTH,
            act(move |_, cx| {
                assert_eq!(cx.delay_adjust(timer, SECOND), Ok(cx.now() + SECOND));
            }),
        );
    });
    let began = stage.clock.now();
    assert_eq!(stage.kernel.why_alive(session).as_deref(), Some("1 queued event, 2 timers"));
    stage.run();
    stage.assert(["a: rings", "a: _stop"]);
    assert_eq!(stage.clock.now() - began, 17 * TENTH);
}

#[test]
fn p37_alarms_and_adjustments_stay_at_the_ends_of_time() {
    let mut stage = Stage::new();
    let session = stage.actor("a", |_, cx| {
        let timer = cx.delay_set("end", Duration::MAX, ());
        let end = cx.alarm_adjust(timer, Adjust::Later(Duration::MAX)).unwrap();
        assert_eq!(cx.delay_adjust(timer, Duration::MAX), Ok(end));
        assert!(end > cx.now() + 200 * 365 * 24 * HOUR);
        let begin = cx.delay_set("begin", SECOND, ());
        assert!(cx.alarm_adjust(begin, Adjust::Earlier(Duration::MAX)).unwrap() < cx.now());
        let time = cx.alarm_adjust(begin, Adjust::Earlier(Duration::MAX)).unwrap();
        assert_eq!(cx.alarm_adjust(begin, Adjust::Earlier(Duration::MAX)), Ok(time));
        cx.alarm_at("wall", std::time::SystemTime::UNIX_EPOCH, ());
        let far = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX / 4);
        let far = cx.alarm_at("far", far, ());
        assert_eq!(cx.alarm_adjust(far, Adjust::Later(Duration::MAX)), Ok(end));
    });
    stage.turn();
    stage.assert(["a: begin", "a: wall"]);
    assert_eq!(stage.kernel.why_alive(session).as_deref(), Some("2 timers"));
    stage.run();
    stage.assert(["a: end", "a: far", "a: _stop"]);
}
