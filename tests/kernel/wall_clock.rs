//! Timers by the clock on the wall, which people step (row 36).

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use reactor::{Adjust, Clock, Context, Kernel, States};
use testkit::story::{Stage, act};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A stage whose wall clock shows the beginning of 2030.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.clock.set_wall(new_year());
    stage
}

fn new_year() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000)
}

/// Runs and says how long it took, on the clock that nobody steps.
fn time_to_run(stage: &mut Stage) -> Duration {
    let began = stage.clock.now();
    stage.run();
    stage.clock.now() - began
}

#[test]
fn an_alarm_by_the_wall_clock_rings_when_the_wall_clock_says_so() {
    let mut stage = stage();
    let clock = stage.clock.clone();
    stage.actor("a", |_, cx| {
        cx.alarm_at("past", new_year() - HOUR, ());
        cx.alarm_at(
            "act",
            new_year() + HOUR,
            act(move |actor, _| {
                assert_eq!(clock.wall(), new_year() + HOUR);
                actor.tell("rang");
            }),
        );
    });
    assert_eq!(time_to_run(&mut stage), HOUR);
    stage.assert(["a: past", "a: rang", "a: _stop"]);
}

#[test]
fn p36_a_step_forward_brings_an_alarm_nearer_and_leaves_delays_alone() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        cx.alarm_at("wall", new_year() + 3 * HOUR, ());
        cx.delay("delay", 5 * HOUR / 2, ());
        let time = cx.now() + 5 * HOUR / 2;
        cx.alarm("alarm", time, ());
    });
    stage.turn();
    stage.clock.set_wall(new_year() + HOUR);
    assert_eq!(time_to_run(&mut stage), 5 * HOUR / 2);
    stage.assert(["a: wall", "a: delay", "a: alarm", "a: _stop"]);
}

#[test]
fn p36_a_step_back_puts_an_alarm_off_and_leaves_delays_alone() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        cx.alarm_at("wall", new_year() + HOUR, ());
        cx.delay("delay", 3 * HOUR / 2, ());
    });
    stage.turn();
    stage.clock.set_wall(new_year() - HOUR);
    assert_eq!(time_to_run(&mut stage), 2 * HOUR);
    stage.assert(["a: delay", "a: wall", "a: _stop"]);
}

#[test]
fn p36_after_eight_hours_of_sleep_alarms_ring_once_and_delays_go_on_where_they_were() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        cx.alarm_at("at one", new_year() + HOUR, ());
        cx.alarm_at("at nine", new_year() + 9 * HOUR, ());
        cx.delay("delay", HOUR / 2, ());
    });
    stage.turn();
    // The machine slept: its monotonic clock stood still.
    stage.clock.set_wall(new_year() + 8 * HOUR);
    stage.turn();
    stage.assert(["a: at one"]);
    assert_eq!(time_to_run(&mut stage), HOUR);
    stage.assert(["a: delay", "a: at nine", "a: _stop"]);
}

#[test]
fn p36_a_step_back_at_the_last_moment_still_puts_the_alarm_off() {
    let mut stage = stage();
    let clock = stage.clock.clone();
    stage.actor("a", |_, cx| {
        cx.delay_set("act", HOUR, act(move |_, _| clock.set_wall(new_year())));
        cx.alarm_at("first", new_year() + HOUR, ());
        cx.alarm_at("second", new_year() + HOUR, ());
        cx.delay_set("delay", HOUR, ());
    });
    assert_eq!(time_to_run(&mut stage), 2 * HOUR);
    stage.assert(["a: delay", "a: first", "a: second", "a: _stop"]);
}

#[test]
fn p36_alarms_for_one_time_keep_their_order_through_every_step() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        for name in ["one", "two", "three", "four", "five"] {
            cx.alarm_at(name, new_year() + HOUR, ());
        }
    });
    stage.turn();
    stage.clock.set_wall(new_year() - HOUR);
    stage.turn();
    stage.clock.set_wall(new_year() + HOUR / 2);
    assert_eq!(time_to_run(&mut stage), HOUR / 2);
    stage.assert(["a: one", "a: two", "a: three", "a: four", "a: five", "a: _stop"]);
}

#[test]
fn a_timer_adjusted_goes_on_following_the_wall_clock_and_one_begun_anew_does_not() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        let now = cx.now();
        let timer = cx.alarm_at("follows", new_year() + HOUR, ());
        assert_eq!(cx.alarm_adjust(timer, Adjust::Later(Duration::ZERO)), Ok(now + HOUR));
        assert_eq!(cx.alarm_adjust(timer, Adjust::Later(HOUR)), Ok(now + 2 * HOUR));
        let timer = cx.alarm_at("anew", new_year() + HOUR, ());
        assert_eq!(cx.delay_adjust(timer, HOUR), Ok(now + HOUR));
        cx.alarm_at("replaced", new_year() + HOUR, ());
        cx.delay("replaced", HOUR, ());
        let timer = cx.alarm_at("removed", new_year(), ());
        assert_eq!(cx.alarm_remove(timer).unwrap().due(), now);
        cx.alarm_at("cleared", new_year(), ());
        assert_eq!(cx.alarm_clear("cleared"), 1);
    });
    stage.turn();
    stage.clock.set_wall(new_year() + HOUR);
    assert_eq!(time_to_run(&mut stage), HOUR);
    stage.assert(["a: follows", "a: anew", "a: replaced", "a: _stop"]);
}

#[test]
fn an_alarm_by_the_wall_clock_replaces_timers_of_its_name_and_is_replaced() {
    let mut stage = stage();
    stage.actor("a", |_, cx| {
        cx.delay("tick", SECOND, ());
        cx.delay_add("tick", SECOND, ());
        cx.alarm_at("tick", new_year() + HOUR, ());
        cx.alarm_at("tock", new_year() + SECOND, ());
        cx.alarm_at("tock", new_year() + 2 * HOUR, ());
    });
    assert_eq!(time_to_run(&mut stage), 2 * HOUR);
    stage.assert(["a: tick", "a: tock", "a: _stop"]);
}

#[test]
fn a_virtual_wall_clock_moves_with_time() {
    let clock = Clock::virtual_time();
    clock.set_wall(new_year());
    clock.advance(HOUR);
    assert_eq!(clock.wall(), new_year() + HOUR);
    let now = clock.now();
    clock.set_wall(new_year());
    assert_eq!((clock.wall(), clock.now()), (new_year(), now));
    clock.advance(Duration::MAX);
    assert!(clock.wall() > new_year());
}

#[test]
fn the_systems_wall_clock_is_never_early_and_the_loop_does_not_spin_for_it() {
    let mut kernel = Kernel::new().unwrap();
    let wait = Duration::from_millis(30);
    let rang = Rc::new(Cell::new(0));
    let states = States::new()
        .on_start(move |_: &mut Rc<Cell<u32>>, cx: &mut Context<'_>, ()| {
            let time = SystemTime::now() + wait;
            cx.alarm_at("ring", time, time);
            cx.alarm_at("never", time + 24 * HOUR, time);
        })
        .on("ring", |rang: &mut Rc<Cell<u32>>, cx: &mut Context<'_>, time: SystemTime| {
            assert!(SystemTime::now() >= time);
            rang.set(rang.get() + 1);
            cx.alarm_clear("never");
        });
    kernel.spawn(&states, Rc::clone(&rang));
    kernel.run().unwrap();
    assert_eq!(rang.get(), 1);
    assert!(kernel.stats().polls < 10, "{:?}", kernel.stats());
}

/// A process that was stopped for a while: what repeats does not catch up.
#[test]
fn p36_a_tick_that_was_missed_a_thousand_times_rings_once() {
    let mut stage = Stage::new();
    let ticks = Rc::new(Cell::new(0));
    let counted = Rc::clone(&ticks);
    let states = States::new()
        .on_start(|_: &mut Rc<Cell<u32>>, cx: &mut Context<'_>, ()| {
            cx.delay("tick", Duration::from_millis(1), ());
        })
        .on("tick", |ticks: &mut Rc<Cell<u32>>, cx: &mut Context<'_>, ()| {
            ticks.set(ticks.get() + 1);
            cx.delay("tick", Duration::from_millis(1), ());
        });
    stage.kernel.spawn(&states, counted);
    stage.turn();
    stage.clock.advance(5 * SECOND);
    for _ in 0..10 {
        stage.turn();
    }
    assert_eq!(ticks.get(), 1);
    stage.kernel.stop();
}

#[test]
fn an_alarm_rings_though_the_wall_clock_was_stepped_by_a_moment_and_back() {
    const MOMENT: Duration = Duration::from_micros(100);
    let mut stage = stage();
    let (forward, back) = (stage.clock.clone(), stage.clock.clone());
    stage.actor("a", |_, cx| {
        // Timers are kept by the millisecond: of four, some are due in the same one after the step.
        for (name, quarter) in ["one", "two", "three", "four"].into_iter().zip(0..) {
            cx.alarm_at(name, new_year() + HOUR + Duration::from_micros(250) * quarter, ());
        }
        cx.yield_(
            "act",
            act(move |_, cx| {
                forward.set_wall(new_year() + MOMENT);
                cx.yield_("act", act(move |_, _| back.set_wall(new_year())));
            }),
        );
    });
    // Nobody waits in a turn in which something is posted: the clock stands still.
    stage.turn();
    stage.turn();
    assert_eq!(time_to_run(&mut stage), HOUR + Duration::from_micros(750));
    stage.assert(["a: one", "a: two", "a: three", "a: four", "a: _stop"]);
}
