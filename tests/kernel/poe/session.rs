//! `ses_session` and `k_run_returns`. The part of `ses_session` with signals of the system is in the tests of
//! those.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use reactor::{
    CallError, Callback, Clock, Context, Event, Kernel, Postback, SessionId, States, Unhandled,
};
use testkit::logs;

use crate::parts::{Family, Member};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn k_run_returns() {
    let mut kernel = Kernel::new().unwrap();
    kernel.run().unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().polls, 0, "it does not even ask the system");
}

#[derive(Default)]
struct Totals {
    rounds: Cell<u32>,
    unknown: Cell<u32>,
    own: Cell<u32>,
    stopped: Cell<u32>,
}

/// POE's heap and its ARG0.
struct Rounds {
    number: u32,
    heap: HashMap<&'static str, u32>,
    counter: u32,
    totals: Rc<Totals>,
}

impl Rounds {
    fn round(&mut self, cx: &mut Context<'_>, (): ()) {
        let totals = Rc::clone(&self.totals);
        totals.rounds.set(totals.rounds.get() + 1);
        totals.own.set(totals.own.get() + u32::from(cx.sender() == cx.session()));
        cx.yield_("unknown", self.number);
        // There a call to itself, which is a plain function call; here it is one.
        let called: Result<u32, _> = cx.call(cx.session(), "increment", ());
        assert_eq!(called, Err(CallError::Busy));
        let before = self.counter;
        assert_eq!(self.increment(), before + 1);
        if self.counter < 5 {
            if self.counter % 2 == 1 {
                cx.yield_("round", ());
            } else {
                cx.post(cx.session(), "round", ()).unwrap();
            }
        }
    }

    fn increment(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    fn unknown(&mut self, cx: &mut Context<'_>, mut event: Unhandled<'_>) {
        // There STATE is "_default"; here the event keeps its name.
        assert_eq!((event.name(), cx.event()), ("unknown", "unknown"));
        assert_eq!(event.take::<u32>(), Some(self.number));
        self.totals.unknown.set(self.totals.unknown.get() + 1);
    }

    fn stop(&mut self, _: &mut Context<'_>, (): ()) {
        assert_eq!((self.counter, self.heap["given"]), (5, self.number));
        self.totals.stopped.set(self.totals.stopped.get() + 1);
    }
}

#[test]
fn ses_session_ten_sessions_of_five_rounds() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let totals: Rc<Totals> = Rc::default();
    let states = States::new()
        .on_start(|_: &mut Rounds, cx: &mut Context<'_>, ()| cx.yield_("round", ()))
        .on("round", Rounds::round)
        .on_default(Rounds::unknown)
        .on_stop(Rounds::stop);
    for number in 0..10 {
        let (heap, totals) = (HashMap::from([("given", number)]), Rc::clone(&totals));
        kernel.spawn(&states, Rounds { number, heap, counter: 0, totals });
    }
    kernel.run().unwrap();
    let Totals { rounds, unknown, own, stopped } = &*totals;
    assert_eq!((rounds.get(), unknown.get(), own.get(), stopped.get()), (50, 50, 50, 10));
}

const POSTED: Event<Postback<u32, u32>> = Event::new("posted query");
const CALLED: Event<Callback<u32, u32, ()>, u32> = Event::new("called query");
const ANSWER: Event<(u32, u32)> = Event::new("answer");

struct Client {
    cookie: u32,
    answers: Rc<Cell<u32>>,
}

impl Client {
    fn ask(&mut self, cx: &mut Context<'_>, (): ()) {
        self.cookie += 1;
        let postback = cx.postback(&ANSWER, self.cookie);
        cx.post("server", &POSTED, postback).unwrap();
        self.cookie += 1;
        let callback = cx.callback("synchronous answer", self.cookie);
        let reply = cx.call("server", &CALLED, callback).unwrap();
        // The call runs before the posted query.
        assert_eq!(reply, self.cookie - 1);
    }

    fn answer(&mut self, cx: &mut Context<'_>, (cookie, response): (u32, u32)) {
        assert_eq!(response, cookie + 1);
        assert_eq!(cx.sender(), cx.kernel().alias_resolve("server").expect("it is there"));
        self.answers.set(self.answers.get() + 1);
        if cookie < 5 {
            cx.yield_("ask", ());
        }
    }
}

#[test]
fn ses_session_postbacks_and_callbacks() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let server = States::new()
        .on_start(|_: &mut u32, cx: &mut Context<'_>, ()| cx.alias_set("server").unwrap())
        .on(&POSTED, |responses: &mut u32, _: &mut Context<'_>, postback: Postback<u32, u32>| {
            *responses += 1;
            postback.post(*responses);
        })
        .on(
            &CALLED,
            |responses: &mut u32, cx: &mut Context<'_>, callback: Callback<u32, u32, ()>| {
                *responses += 1;
                // There it comes back into the client that is calling. Here that is Busy, and the reply does it.
                assert_eq!(callback.call(cx, *responses), Err(CallError::Busy));
                *responses
            },
        )
        .on_stop(|responses: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*responses, 6));
    kernel.spawn(&server, 0);
    let client = States::new()
        .on_start(Client::ask)
        .on("ask", Client::ask)
        .on(&ANSWER, Client::answer)
        .on("synchronous answer", |_: &mut Client, _: &mut Context<'_>, _: (u32, u32)| {});
    let answers: Rc<Cell<u32>> = Rc::default();
    kernel.spawn(&client, Client { cookie: 0, answers: Rc::clone(&answers) });
    kernel.run().unwrap();
    assert_eq!(answers.get(), 3);
}

#[test]
fn ses_session_the_active_session_in_stop() {
    let mut family = Family::new();
    let made: Rc<Cell<Option<SessionId>>> = Rc::default();
    let (set, get) = (Rc::clone(&made), made);
    let states = States::new()
        .on_start(move |_: &mut &str, cx: &mut Context<'_>, ()| set.set(Some(cx.session())))
        .on_stop(move |heap: &mut &str, cx: &mut Context<'_>, ()| {
            assert_eq!((Some(cx.session()), *heap), (get.get(), "heap"));
            assert!(cx.kernel().has_session(cx.session()));
        });
    family.kernel.spawn(&states, "heap");
    family.run();
    assert_eq!(family.kernel.stats().failures, 0);
}

/// POE's object sessions are methods, its package sessions plain functions, its inline ones closures.
#[derive(Default)]
struct Object {
    events: u32,
}

impl Object {
    fn event(&mut self, cx: &mut Context<'_>, left: u32) {
        self.events += 1;
        if left > 1 {
            let name = cx.event().to_owned();
            cx.yield_(name, left - 1);
        }
    }
}

fn package_event(object: &mut Object, cx: &mut Context<'_>, left: u32) {
    object.event(cx, left);
}

#[test]
fn ses_session_objects_packages_and_closures() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new()
        .on("method", Object::event)
        .on("function", package_event)
        .on("closure", |object: &mut Object, cx: &mut Context<'_>, left| object.event(cx, left))
        .on_stop(|object: &mut Object, _: &mut Context<'_>, ()| assert_eq!(object.events, 5));
    for event in ["method", "function", "closure"] {
        let session = kernel.spawn(&states, Object::default());
        kernel.post(session, event, 5_u32).unwrap();
    }
    kernel.run().unwrap();
    assert_eq!(kernel.stats().posted, 15);
}

#[test]
fn ses_session_options_give_what_was_set_before() {
    let mut family = Family::new();
    let session = family.stays("a", |_, cx| {
        let original = cx.options();
        let mut other = original;
        other.default = !original.default;
        assert_eq!(cx.set_options(other), original);
        assert_eq!(cx.options(), other);
        assert_eq!(cx.set_options(original), other);
        assert_eq!(cx.options(), original);
    });
    let original = family.kernel.options(session).unwrap();
    // There it is off unless ASSERT_STATES is on; here what nobody takes is a warning.
    assert!(original.default && !original.trace && !original.debug);
    family.end();
    assert!(family.kernel.set_options(session, original).is_err());
}

#[test]
fn ses_session_four_nested_and_stop() {
    let mut family = Family::new();
    let objects = Rc::new(());
    let outermost = family.member("1", {
        let objects = Rc::clone(&objects);
        move |member, cx| nest(member, cx, 1, &objects)
    });
    assert_eq!((family.kernel.session_count(), Rc::strong_count(&objects)), (4, 5));
    family.story.take();
    let held = Rc::clone(&objects);
    family.act(outermost, move |member, cx| {
        cx.stop();
        // There three of the four are gone now. Here all stop when this handler has returned.
        member.tell(format_args!("{} left", cx.kernel().session_count()));
        assert_eq!(Rc::strong_count(&held), 6);
    });
    family.assert([
        "1: 4 left",
        "4: _stop",
        "3: lose 4",
        "3: _stop",
        "2: lose 3",
        "2: _stop",
        "1: lose 2",
        "1: _stop",
    ]);
    assert_eq!(Rc::strong_count(&objects), 1);
    family.run();
}

/// Starts the next, with an object, a delay of an hour and an alias.
fn nest(member: &mut Member, cx: &mut Context<'_>, depth: u32, objects: &Rc<()>) {
    member.held.push(Box::new(Rc::clone(objects)));
    cx.delay("never", HOUR, ());
    cx.alias_set(&depth.to_string()).unwrap();
    if depth < 4 {
        let objects = Rc::clone(objects);
        member.spawn(cx, depth + 1, move |member, cx| nest(member, cx, depth + 1, &objects));
    }
}

#[test]
fn ses_session_restart_with_all_options_on() {
    let mut family = Family::new();
    family.stays("before", |_, _| {});
    family.end();
    let (_, lines) = logs::capture(|| {
        family.member("a", |_, cx| {
            let mut options = cx.options();
            (options.trace, options.default, options.debug) = (true, true, true);
            cx.set_options(options);
            cx.yield_("yielded", ());
            cx.delay("delayed", Duration::from_secs(1), ());
        });
        family.run();
    });
    family.assert(["a: _start", "a: yielded", "a: delayed", "a: _stop"]);
    let traced = lines.iter().filter(|line| line.level == log::Level::Info);
    assert_eq!(traced.count(), 3, "all but `_start`, which set it: {lines:?}");
}
