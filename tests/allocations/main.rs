//! What is promised to allocate nothing, counted. The allocator belongs to the process, so this is a
//! binary of its own; it counts by thread, so the tests may run side by side.

mod series;

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use filters::{Input, Output};
use reactor::{Bound, Clock, Context, Event, Handle, Io, Kernel, Readiness, States, Symbol, Wheel};

const DRINK: Event<u64> = Event::new("drink");
const COUNT: Event<u64> = Event::new("count");
const AGAIN: Event<u64> = Event::new("again");

/// Tells as many events as it is asked for, a thousand in a turn.
struct Fountain {
    left: u64,
    target: Symbol,
}

impl Wheel for Fountain {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        self.left = self.left.checked_sub(1)?;
        Some((Bound::new(io.session(), self.target), self.left))
    }
}

#[derive(Default)]
struct Drinker {
    fountain: Option<Handle<Fountain>>,
    drunk: u64,
}

fn kernel() -> Kernel {
    Kernel::builder().clock(Clock::virtual_time()).build().unwrap()
}

fn run_turns(kernel: &mut Kernel, turns: u32) {
    for _ in 0..turns {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    }
}

#[test]
fn a_direct_event_allocates_nothing() {
    let drinker = States::new()
        .on_start(|drinker: &mut Drinker, cx: &mut Context<'_>, ()| {
            let target = cx.symbol_of(&DRINK);
            drinker.fountain = Some(cx.add_wheel(|io| {
                io.again();
                Fountain { left: 1_000_000, target }
            }));
        })
        .on(&DRINK, |drinker: &mut Drinker, _: &mut Context<'_>, _: u64| drinker.drunk += 1);
    let mut kernel = kernel();
    kernel.spawn(&drinker, Drinker::default());
    run_turns(&mut kernel, 10);
    let before = kernel.stats().direct;

    let allocated = measure(|| run_turns(&mut kernel, 100));

    assert!(kernel.stats().direct - before >= 100_000);
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}

#[test]
fn a_queued_number_allocates_nothing() {
    let counter = States::new().on(&COUNT, |counted: &mut u64, cx: &mut Context<'_>, n: u64| {
        *counted += 1;
        cx.yield_(&COUNT, n + 1);
    });
    let mut kernel = kernel();
    let session = kernel.spawn(&counter, 0);
    for n in 0..100 {
        kernel.post(session, &COUNT, n).unwrap();
    }
    run_turns(&mut kernel, 10);
    let before = kernel.stats().posted;

    let allocated = measure(|| run_turns(&mut kernel, 1000));

    assert_eq!(kernel.stats().posted - before, 100_000);
    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}

#[test]
fn the_queue_gives_back_what_a_burst_of_events_needed() {
    let burst = States::new()
        .on_start(|_: &mut u64, cx: &mut Context<'_>, ()| {
            cx.delay_set("number", Duration::from_secs(3600), 0_u64);
        })
        .on(&AGAIN, |_: &mut u64, cx: &mut Context<'_>, n: u64| {
            for number in 0..n {
                cx.yield_("number", number);
                cx.yield_("boxed", [number; 2]);
                if number % 3 == 0 {
                    cx.signal(cx.session(), "MOO", ()).expect("it is there");
                }
            }
        })
        .on("number", |_: &mut u64, _: &mut Context<'_>, _: u64| ())
        .on("boxed", |sum: &mut u64, _: &mut Context<'_>, [one, _]: [u64; 2]| *sum += one);
    let mut kernel = kernel();
    let session = kernel.spawn(&burst, 0);
    let many = |kernel: &mut Kernel, n: u64| {
        let _: () = kernel.call(session, &AGAIN, n).unwrap();
        // All but the timer that keeps the session alive.
        while kernel.event_count() > 1 {
            run_turns(kernel, 1);
        }
    };
    many(&mut kernel, 100);

    let burst = measure(|| many(&mut kernel, 300_000));

    assert!(burst.bytes_max > 16 * 1024 * 1024, "{burst:?}");
    // Nothing more need come for that.
    assert!(burst.bytes_current <= 256 * 1024, "{burst:?}");
}

/// An idle timeout is set anew with every packet.
#[test]
fn setting_a_delay_anew_allocates_nothing() {
    let watch = States::new()
        .on(&AGAIN, |_: &mut (), cx: &mut Context<'_>, n: u64| {
            for second in 0..n {
                cx.delay("idle", Duration::from_secs(60 + second), ());
            }
        })
        .on("idle", |_: &mut (), _: &mut Context<'_>, (): ()| ());
    let mut kernel = kernel();
    let session = kernel.spawn(&watch, ());
    let _: () = kernel.call(session, &AGAIN, 100).unwrap();

    let allocated = measure(|| {
        let _: () = kernel.call(session, &AGAIN, 100_000).unwrap();
    });

    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}

/// While the connection is busy, time goes on and its timeout goes before it.
#[test]
fn p35_ten_million_resets_of_an_idle_timeout_leave_the_memory_as_it_was() {
    let watch = States::new()
        .on(&AGAIN, |_: &mut (), cx: &mut Context<'_>, n: u64| {
            for _ in 0..n {
                cx.delay("idle", Duration::from_secs(60), ());
            }
        })
        .on("idle", |_: &mut (), _: &mut Context<'_>, (): ()| unreachable!("never idle"));
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().unwrap();
    let session = kernel.spawn(&watch, ());
    // Packets by the dozen, some milliseconds apart: more than a day of them.
    let mut packets = |bursts: u32| {
        for _ in 0..bursts {
            let _: () = kernel.call(session, &AGAIN, 10).unwrap();
            clock.advance(Duration::from_micros(86_413));
            kernel.run_one_turn(Duration::ZERO).unwrap();
        }
    };
    packets(10_000);

    let allocated = measure(|| packets(1_000_000));

    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}

/// What is set and removed at once leaves nothing behind.
#[test]
fn p35_a_million_timers_set_and_removed_need_no_more_room_than_one() {
    let churn = States::new().on(&AGAIN, |_: &mut (), cx: &mut Context<'_>, n: u64| {
        for number in 0..n {
            let timer =
                cx.delay_set("tick", Duration::from_millis(number * 7919 % 600_000), number);
            drop(cx.alarm_remove(timer));
        }
    });
    let mut kernel = kernel();
    let session = kernel.spawn(&churn, ());
    let _: () = kernel.call(session, &AGAIN, 100).unwrap();

    let allocated = measure(|| {
        let _: () = kernel.call(session, &AGAIN, 1_000_000).unwrap();
    });

    assert_eq!(allocated.count_total, 0, "{allocated:?}");
}

#[test]
fn p35_a_crowd_of_timers_takes_at_most_twice_its_size() {
    const CROWD: u64 = 100_000;
    let crowd = States::new()
        .on(&AGAIN, |_: &mut (), cx: &mut Context<'_>, n: u64| {
            for number in 0..n {
                cx.delay_set("tick", Duration::from_millis(number * 7919 % 600_000), ());
            }
        })
        .on("tick", |_: &mut (), _: &mut Context<'_>, (): ()| ());
    let mut kernel = kernel();
    let session = kernel.spawn(&crowd, ());

    let full = measure(|| {
        let _: () = kernel.call(session, &AGAIN, CROWD).unwrap();
    });

    // A timer is an entry of 48 bytes, notes of 28, links of 8, and 24 in the wheel.
    let size = i64::try_from(CROWD * 108).unwrap();
    assert!(full.bytes_current <= 2 * size, "{full:?}");
    kernel.run().unwrap();
    assert_eq!(kernel.stats().timers, CROWD);
}

/// An item that comes and is put to two: what it allocates is the count of who has it. The last to send it
/// leaves its memory to the next.
#[test]
fn an_item_that_is_put_to_several_is_not_copied() {
    let mut out = Output::new();
    out.reserve(10_000);

    let allocated = measure(|| {
        for _ in 0..1000 {
            let item = Input::new(&[b'x'; 1000]).take(1000);
            out.put_bytes(item.clone());
            out.put_bytes(item);
            out.clear();
        }
    });

    assert!(allocated.count_total <= 1001, "{allocated:?}");
}

/// Its memory is not kept, and so there is no use in making a copy of it.
#[test]
fn an_item_that_was_cut_out_of_something_long_is_not_copied_when_it_is_sent() {
    let mut out = Output::new();
    out.reserve(10_000);
    let item = Bytes::from(vec![b'x'; 1 << 20]).split_off((1 << 20) - 64);

    let allocated = measure(|| out.put_bytes(item));

    assert_eq!((out.len(), allocated.count_total), (64, 0), "{allocated:?}");
}
