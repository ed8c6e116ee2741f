//! A session that is told several events of wheels in a row is at hand for the next one. Nobody may notice.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    Bound, CallError, Context, Deliver, Event, Handle, Io, Kernel, OnException, Readiness,
    SessionId, States, Symbol, Wheel,
};

const TOLD: Event<u32> = Event::new("told");
/// A number that no wheel tells.
const NEVER: u32 = 0;
const ASK: Event<(), u32> = Event::new("ask");

/// Tells its numbers when it is asked.
struct Numbers {
    left: std::ops::RangeInclusive<u32>,
    event: Symbol,
}

impl Wheel for Numbers {
    type Event = (Bound<u32>, u32);

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        let number = self.left.next()?;
        Some((Bound::new(io.session(), self.event), number))
    }
}

type Lines = Rc<RefCell<Vec<String>>>;
type Told = Box<dyn FnMut(&mut Context<'_>, u32) -> Result<(), &'static str>>;

struct Listener {
    lines: Lines,
    /// How its wheel asks to be pulled.
    asks: fn(&mut Io<'_>),
    /// With this number it drops its wheel.
    last: u32,
    wheel: Option<Handle<Numbers>>,
    /// What it does about a number.
    does: Told,
    heard: u32,
}

fn listener() -> States<Listener> {
    States::new()
        .on_start(|me: &mut Listener, cx: &mut Context<'_>, ()| {
            let (event, left, asks) = (cx.symbol_of(&TOLD), 1..=3, me.asks);
            me.wheel = Some(cx.add_wheel(|io| {
                asks(io);
                Numbers { left, event }
            }));
        })
        .try_on(&TOLD, |me: &mut Listener, cx: &mut Context<'_>, number| {
            me.heard += 1;
            if number == me.last {
                me.wheel = None;
            }
            (me.does)(cx, number)
        })
        .on(&ASK, |me: &mut Listener, _: &mut Context<'_>, ()| me.heard)
        .on_stop(|me: &mut Listener, cx: &mut Context<'_>, ()| {
            let why = cx.kernel().why_alive(cx.session()).unwrap_or_default();
            me.lines.borrow_mut().push(format!("stop: {why}"));
        })
}

fn session(
    kernel: &mut Kernel,
    lines: &Lines,
    last: u32,
    does: impl FnMut(&mut Context<'_>, u32) -> Result<(), &'static str> + 'static,
) -> SessionId {
    spawn(kernel, lines, last, (|io| io.again(), Box::new(does)))
}

fn spawn(
    kernel: &mut Kernel,
    lines: &Lines,
    last: u32,
    (asks, does): (fn(&mut Io<'_>), Told),
) -> SessionId {
    let lines = Rc::clone(lines);
    kernel.spawn(&listener(), Listener { lines, asks, last, wheel: None, does, heard: 0 })
}

#[test]
fn a_session_that_was_told_something_can_be_called_when_another_is_told_something() {
    let lines = Lines::default();
    let mut kernel = Kernel::new().unwrap();
    let first = session(&mut kernel, &lines, 2, |_, _| Ok(()));
    let said = Rc::clone(&lines);
    session(&mut kernel, &lines, 2, move |cx, number| {
        let (heard, own) = (cx.call(first, &ASK, ()), cx.call(cx.session(), &ASK, ()));
        assert_eq!(own, Err(CallError::Busy));
        said.borrow_mut().push(format!("{number}: {heard:?}"));
        Ok(())
    });
    kernel.run().unwrap();
    let lines = lines.take();
    assert_eq!(lines[..2], ["1: Ok(2)", "2: Ok(2)"]);
}

#[test]
fn only_the_session_that_is_being_told_something_runs() {
    let lines = Lines::default();
    let mut kernel = Kernel::new().unwrap();
    for _ in 0..3 {
        let said = Rc::clone(&lines);
        session(&mut kernel, &lines, 3, move |cx, _| {
            let snapshot = cx.kernel().snapshot();
            let running = snapshot.sessions.iter().filter(|session| session.is_running);
            let running: Vec<_> = running.map(|session| session.id).collect();
            assert_eq!(running, [cx.session()]);
            said.borrow_mut().push("told".into());
            Ok(())
        });
    }
    kernel.run().unwrap();
    assert_eq!(lines.take().iter().filter(|line| **line == "told").count(), 9);
}

#[test]
fn nobody_runs_between_two_turns_however_a_wheel_was_pulled() {
    let ways: [fn(&mut Io<'_>); 3] = [|io| io.again(), |io| io.queue(), |io| io.wake_at(io.now())];
    for asks in ways {
        let lines = Lines::default();
        let mut kernel = Kernel::new().unwrap();
        let told = Rc::clone(&lines);
        let tell: Told = Box::new(move |_, number| {
            told.borrow_mut().push(format!("{number}"));
            Ok(())
        });
        spawn(&mut kernel, &lines, NEVER, (asks, tell));
        while lines.borrow().len() < 3 {
            kernel.run_one_turn(Duration::ZERO).unwrap();
            let snapshot = kernel.snapshot();
            assert_eq!(
                snapshot.sessions.iter().map(|session| session.is_running).collect::<Vec<_>>(),
                [false]
            );
        }
        kernel.stop();
        assert_eq!(lines.take()[..3], ["1", "2", "3"]);
    }
}

#[test]
fn a_session_that_fails_when_its_wheel_told_it_something_is_stopped_before_anything_else() {
    for panics in [false, true] {
        let lines = Lines::default();
        let mut kernel = Kernel::builder().on_exception(OnException::Isolate).build().unwrap();
        let said = Rc::clone(&lines);
        session(&mut kernel, &lines, 2, move |_, number| {
            said.borrow_mut().push(format!("{number}"));
            match (number, panics) {
                (2, true) => panic!("told"),
                (2, false) => Err("told"),
                _ => Ok(()),
            }
        });
        let said = Rc::clone(&lines);
        session(&mut kernel, &lines, 1, move |_, _| {
            said.borrow_mut().push("the other".into());
            Ok(())
        });
        kernel.run().unwrap();
        // The wheel that it has just dropped is still its own when it hears that it is over.
        let stop = "stop: 1 queued event, 1 wheel";
        assert_eq!(lines.take(), ["1", "2", stop, "the other", "stop: nothing"]);
    }
}

/// What a wheel of somebody's own does to tell its session something: it looks around first.
struct LooksFirst {
    lines: Lines,
    bound: Bound<u32>,
}

impl Deliver for LooksFirst {
    fn deliver(self, kernel: &mut Kernel) {
        let snapshot = kernel.snapshot();
        let running = snapshot.sessions.iter().filter(|session| session.is_running).count();
        self.lines.borrow_mut().push(format!("{running} running"));
        (self.bound, NEVER).deliver(kernel);
    }
}

struct Lookout {
    lines: Lines,
    left: u32,
    event: Symbol,
}

impl Wheel for Lookout {
    type Event = LooksFirst;

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, io: &mut Io<'_>) -> Option<LooksFirst> {
        self.left = self.left.checked_sub(1)?;
        let bound = Bound::new(io.session(), self.event);
        Some(LooksFirst { lines: Rc::clone(&self.lines), bound })
    }
}

#[test]
fn nobody_runs_when_a_wheel_delivers_its_next_event() {
    let lines = Lines::default();
    let told = Rc::clone(&lines);
    let states = States::new()
        .on("look", move |wheel: &mut Option<Handle<Lookout>>, cx: &mut Context<'_>, ()| {
            let (event, lines) = (cx.symbol_of(&TOLD), Rc::clone(&told));
            *wheel = Some(cx.add_wheel(|io| {
                io.again();
                Lookout { lines, left: 3, event }
            }));
        })
        .on(&TOLD, |_: &mut Option<Handle<Lookout>>, cx: &mut Context<'_>, _: u32| {
            let snapshot = cx.kernel().snapshot();
            assert!(snapshot.sessions.iter().all(|session| session.is_running));
        });
    let mut kernel = Kernel::new().unwrap();
    let session = kernel.spawn(&states, None);
    kernel.post(session, "look", ()).unwrap();
    for _ in 0..3 {
        kernel.run_one_turn(Duration::ZERO).unwrap();
    }
    kernel.stop();
    assert_eq!(lines.take(), ["0 running"; 3]);
}
