//! POE's own test of its machines (`ses_nfa`), scenario by scenario.

use std::cell::RefCell;
use std::rc::Rc;

use reactor::{
    Callback, Clock, Context, Event, Kernel, Machine, Postback, SessionId, States, TransitionError,
    Unhandled,
};

fn kernel() -> Kernel {
    Kernel::builder().clock(Clock::virtual_time()).build().unwrap()
}

mod light {
    use super::*;

    type Moved = Result<(), TransitionError<SessionId>>;

    const START: Event<()> = Event::new("--start--");
    const PUSHED: Event<()> = Event::new("pushed");
    const ENTER: Event<SessionId> = Event::new("enter");
    const VISIBILITY: Event<u32> = Event::new("visibility");

    struct Light;

    impl Light {
        fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Moved {
            assert_eq!(cx.current_state(), Some("initial"));
            cx.goto_state_with("off", &ENTER, cx.sender())
        }

        fn switch_on(&mut self, cx: &mut Context<'_>, (): ()) -> Moved {
            assert_eq!(cx.current_state(), Some("off"));
            cx.goto_state_with("on", &ENTER, cx.sender())
        }

        fn switch_off(&mut self, cx: &mut Context<'_>, (): ()) -> Moved {
            assert_eq!(cx.current_state(), Some("on"));
            cx.goto_state_with("off", &ENTER, cx.sender())
        }
    }

    fn shows(visible: u32) -> impl Fn(&mut Light, &mut Context<'_>, SessionId) {
        move |_, cx, operator| {
            assert_eq!(cx.event(), "enter");
            assert_eq!(cx.sender(), cx.session(), "a machine sends itself from state to state");
            cx.post(operator, &VISIBILITY, visible).unwrap();
        }
    }

    /// Lives by its alias while the light moves.
    #[derive(Default)]
    struct Operator {
        light: Option<SessionId>,
        pushed: u32,
        seen: Rc<RefCell<Vec<u32>>>,
    }

    impl Operator {
        fn start(&mut self, cx: &mut Context<'_>, light: SessionId) {
            self.light = Some(light);
            cx.alias_set("operator").unwrap();
            cx.post(light, &START, ()).unwrap();
        }

        fn sees(&mut self, cx: &mut Context<'_>, visible: u32) {
            assert_eq!(visible, self.pushed & 1);
            self.seen.borrow_mut().push(visible);
            if self.pushed < 10 {
                self.pushed += 1;
                cx.post(self.light.unwrap(), &PUSHED, ()).unwrap();
            }
        }
    }

    #[test]
    fn ses_nfa_a_light_is_pushed_ten_times() {
        let light = Machine::starting("initial", States::new().try_on(&START, Light::start))
            .state("off", States::new().try_on(&PUSHED, Light::switch_on).on(&ENTER, shows(0)))
            .state("on", States::new().try_on(&PUSHED, Light::switch_off).on(&ENTER, shows(1)));
        let operator = States::new().on("start", Operator::start).on(&VISIBILITY, Operator::sees);
        let mut kernel = kernel();
        let light = kernel.spawn(&light, Light);
        let state = Operator::default();
        let seen = Rc::clone(&state.seen);
        let operator = kernel.spawn(&operator, state);
        kernel.post(operator, "start", light).unwrap();
        kernel.run().unwrap();
        assert_eq!(*seen.borrow(), [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
    }
}

#[test]
fn ses_nfa_a_machine_that_stops_in_its_first_handler_ends() {
    // POE: `$machine->stop`. Of a session of any kind it is a signal to itself.
    let stopped = Rc::new(RefCell::new(Vec::new()));
    let initial = States::new().on("start", |_: &mut Rc<RefCell<_>>, cx: &mut Context<'_>, ()| {
        cx.signal(cx.session(), "KILL", ()).unwrap();
        cx.yield_("never", ());
    });
    let always = States::new()
        .on_start(|_: &mut Rc<RefCell<_>>, cx: &mut Context<'_>, ()| cx.yield_("start", ()))
        .on("never", |_: &mut Rc<RefCell<_>>, _: &mut Context<'_>, ()| panic!("it has stopped"))
        .on_stop(|stopped: &mut Rc<RefCell<Vec<String>>>, cx: &mut Context<'_>, ()| {
            stopped.borrow_mut().push(cx.current_state().unwrap().to_owned());
        });
    let machine = Machine::starting("initial", initial).always(always);
    let mut kernel = kernel();
    kernel.spawn(&machine, Rc::clone(&stopped));
    kernel.run().unwrap();
    assert_eq!(*stopped.borrow(), ["initial"]);
}

mod fibonacci {
    use super::*;

    type Moved = Result<(), TransitionError<u32>>;

    const ASK: Event<u32> = Event::new("ask");
    const ANSWER: Event<u32> = Event::new("answer");
    const RESULT: Event<u32> = Event::new("result");

    #[derive(Default)]
    struct Server {
        client: Option<SessionId>,
        left: u32,
        last: [u32; 2],
        stray: u32,
    }

    impl Server {
        fn ask(&mut self, cx: &mut Context<'_>, n: u32) -> Moved {
            self.client = Some(cx.sender());
            cx.call_state_with(&ANSWER, "calculate", "start", n)
        }

        fn answer(&mut self, cx: &mut Context<'_>, result: u32) {
            assert_eq!(cx.current_state(), Some("listen"));
            cx.post(self.client.unwrap(), &RESULT, result).unwrap();
        }

        fn begin(&mut self, cx: &mut Context<'_>, n: u32) -> Moved {
            assert_eq!(cx.current_state(), Some("calculate"));
            self.left = n;
            self.last = [0, 1];
            if n < 2 {
                cx.return_state(n)?;
            }
            // Also after the return: that is on its way, and this comes behind it.
            cx.yield_("next", ());
            Ok(())
        }

        fn next(&mut self, cx: &mut Context<'_>, (): ()) -> Moved {
            assert_eq!(cx.current_state(), Some("calculate"));
            let [before, last] = self.last;
            self.last = [last, before + last];
            self.left -= 1;
            if self.left == 1 {
                return cx.return_state(self.last[1]);
            }
            cx.yield_("next", ());
            Ok(())
        }

        fn other(&mut self, cx: &mut Context<'_>, event: Unhandled<'_>) {
            assert_eq!((cx.current_state(), event.name()), (Some("listen"), "next"));
            self.stray += 1;
        }
    }

    #[test]
    fn ses_nfa_a_server_calculates_fibonacci_numbers() {
        let listen = States::new()
            .try_on(&ASK, Server::ask)
            .on(&ANSWER, Server::answer)
            .on_default(Server::other);
        let calculate = States::new().try_on("start", Server::begin).try_on("next", Server::next);
        let always = States::new()
            .on_start(|_: &mut Server, cx: &mut Context<'_>, ()| cx.alias_set("server").unwrap())
            .on_stop(|server: &mut Server, _: &mut Context<'_>, ()| assert_eq!(server.stray, 2));
        let server =
            Machine::starting("listen", listen).state("calculate", calculate).always(always);

        type Asked = Rc<RefCell<Vec<u32>>>;
        let client = States::new()
            .on_start(|_: &mut Asked, cx: &mut Context<'_>, ()| {
                cx.alias_set("client").unwrap();
                cx.post("server", &ASK, NUMBERS[0].0).unwrap();
            })
            .on(&RESULT, |results: &mut Asked, cx: &mut Context<'_>, result| {
                let mut results = results.borrow_mut();
                results.push(result);
                if let Some((next, _)) = NUMBERS.get(results.len()) {
                    cx.post("server", &ASK, *next).unwrap();
                }
            });
        let results = Asked::default();
        let mut kernel = kernel();
        kernel.spawn(&server, Server::default());
        kernel.spawn(&client, Rc::clone(&results));
        kernel.run().unwrap();
        assert_eq!(*results.borrow(), NUMBERS.map(|(_, result)| result));
        assert_eq!(kernel.stats().failures, 0);
    }

    const NUMBERS: [(u32, u32); 10] = [
        (0, 0),
        (1, 1),
        (2, 1),
        (3, 2),
        (4, 3),
        (5, 5),
        (17, 1_597),
        (23, 28_657),
        (29, 514_229),
        (43, 433_494_437),
    ];
}

mod calling_back {
    use super::*;

    const TELL: Event<(u32, u32), &'static str> = Event::new("tell");

    #[derive(Default)]
    struct Talker {
        heard: Rc<RefCell<Vec<String>>>,
    }

    impl Talker {
        fn heard(&self, cx: &Context<'_>, what: &str) {
            let state = cx.current_state().unwrap_or_default();
            self.heard.borrow_mut().push(format!("{state}: {what}"));
        }
    }

    type Lines = (Postback<u32, u32>, Callback<u32, u32, &'static str>);

    fn begin(talker: &mut Talker, cx: &mut Context<'_>, (): ()) -> Lines {
        cx.goto_state_with("listen", "send", ()).unwrap();
        assert_eq!(cx.current_state(), Some("initial"), "on its way");
        cx.state("added", |talker: &mut Talker, cx: &mut Context<'_>, ()| {
            talker.heard(cx, "added");
        })
        .unwrap();
        let options = cx.options();
        let mut other = options;
        other.default = !options.default;
        assert_eq!(cx.set_options(other), options);
        assert_eq!(cx.options(), other);
        assert_eq!(cx.set_options(options), other);
        assert_eq!(cx.options(), options);
        talker.heard(cx, "begin");
        (cx.postback(&TELL, 1), cx.callback(&TELL, 2))
    }

    #[test]
    fn ses_nfa_a_callback_is_before_a_posted_transition_and_a_postback_behind_it() {
        let tell = |talker: &mut Talker, cx: &mut Context<'_>, (made, called): (u32, u32)| {
            talker.heard(cx, &format!("tell {made} {called}"));
            if cx.current_state() == Some("initial") { "initial" } else { "listen" }
        };
        let listen = States::new().on(&TELL, tell).on(
            "send",
            |talker: &mut Talker, cx: &mut Context<'_>, ()| {
                talker.heard(cx, "send");
                cx.yield_("added", ());
            },
        );
        let machine =
            Machine::starting("initial", States::new().on("begin", begin).on(&TELL, tell))
                .state("listen", listen)
                .always(States::new().on_stop(|talker: &mut Talker, cx: &mut Context<'_>, ()| {
                    talker.heard(cx, "_stop");
                }));
        let caller = States::new().on(
            "ring",
            |_: &mut (), cx: &mut Context<'_>, line: Callback<u32, u32, &'static str>| {
                line.call(cx, 20).unwrap()
            },
        );
        let mut kernel = kernel();
        let talker = Talker::default();
        let heard = Rc::clone(&talker.heard);
        let machine = kernel.spawn(&machine, talker);
        let caller = kernel.spawn(&caller, ());
        let (postback, callback): Lines = kernel.call(machine, "begin", ()).unwrap();
        let reply: &'static str = kernel.call(caller, "ring", callback).unwrap();
        assert_eq!(reply, "initial");
        postback.post(10);
        drop(postback);
        kernel.run().unwrap();
        assert_eq!(
            *heard.borrow(),
            [
                "initial: begin",
                "initial: tell 2 20",
                "listen: send",
                "listen: tell 1 10",
                "listen: added",
                "listen: _stop",
            ]
        );
    }
}

#[test]
fn a35_postbacks_and_callbacks_hold_a_machine_alive_until_they_are_dropped() {
    type Answer = Event<((), ()), ()>;
    let answer: Answer = Event::new("answer");
    let mut kernel = kernel();
    let machine = Machine::starting("only", States::<()>::new());
    let made = move |_: &mut (), cx: &mut Context<'_>, ()| {
        (cx.postback::<(), ()>(&answer, ()), cx.callback(&answer, ()))
    };
    let machine = machine.always(States::new().on("make", made));
    let machine = kernel.spawn(&machine, ());
    let (postback, callback): (Postback<(), ()>, Callback<(), (), ()>) =
        kernel.call(machine, "make", ()).unwrap();
    turn(&mut kernel);
    assert_eq!(kernel.why_alive(machine).as_deref(), Some("2 postbacks"));
    drop(postback);
    turn(&mut kernel);
    assert_eq!(kernel.why_alive(machine).as_deref(), Some("1 postback"));
    drop(callback);
    turn(&mut kernel);
    assert!(!kernel.has_session(machine));
}

fn turn(kernel: &mut Kernel) {
    kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
}
