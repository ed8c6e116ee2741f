//! Machines: sessions whose handlers are grouped by state.

mod calls;
mod drops;
mod failures;
mod immediate;
mod lookup;
mod mistakes;
mod poe;
mod transitions;

use std::fmt::Display;

use reactor::{Clock, Context, Kernel, KernelBuilder, Machine, SessionId, States};
use testkit::story::Story;

/// What a machine is given to do: the payload of `act`.
type Act = Box<dyn FnOnce(&mut Story, &mut Context<'_>)>;

/// A machine that tells a story, and its kernel.
struct Rig {
    kernel: Kernel,
    story: Story,
    machine: SessionId,
}

/// A state that tells `knock`, `enter` and `leave` under its name.
fn room(name: &'static str) -> States<Story> {
    States::new()
        .on("knock", telling(format!("{name}: knock")))
        .on("leave", telling(format!("{name}: leave")))
        .on("enter", move |story: &mut Story, _: &mut Context<'_>, from: &'static str| {
            story.tell(format_args!("{name}: enter from {from}"));
        })
}

/// What any machine of these tests can do in every state: live on, tell its end, and act.
fn anywhere() -> States<Story> {
    States::new()
        .on_start(|_: &mut Story, cx: &mut Context<'_>, ()| cx.alias_set("machine").unwrap())
        .on("act", |story: &mut Story, cx: &mut Context<'_>, act: Act| act(story, cx))
        .on_stop(telling("_stop"))
}

/// Two rooms, of which the hall is the first.
fn house() -> Machine<Story> {
    Machine::starting("hall", room("hall")).state("attic", room("attic")).always(anywhere())
}

fn act(does: impl FnOnce(&mut Story, &mut Context<'_>) + 'static) -> Act {
    Box::new(does)
}

fn telling(text: impl Display) -> impl Fn(&mut Story, &mut Context<'_>, ()) {
    move |story, _, ()| story.tell(&text)
}

impl Rig {
    fn new(machine: &Machine<Story>) -> Self {
        Self::with(machine, |builder| builder)
    }

    fn with(machine: &Machine<Story>, choose: fn(KernelBuilder) -> KernelBuilder) -> Self {
        let builder = choose(Kernel::builder().clock(Clock::virtual_time()));
        let mut kernel = builder.build().unwrap();
        let story = Story::default();
        let machine = kernel.spawn(machine, story.clone());
        Self { kernel, story, machine }
    }

    /// Has the machine do something now.
    #[track_caller]
    fn act(&mut self, does: impl FnOnce(&mut Story, &mut Context<'_>) + 'static) {
        let done: Result<(), _> = self.kernel.call(self.machine, "act", act(does));
        done.expect("the machine is there and idle");
    }

    #[track_caller]
    fn post<T: 'static>(&mut self, event: &'static str, payload: T) {
        self.kernel.post(self.machine, event, payload).expect("the machine is there");
    }

    /// Runs until the machine has nothing more to do and ends.
    #[track_caller]
    fn run(&mut self) {
        self.kernel.run().unwrap();
        assert_eq!(self.kernel.session_count(), 0);
    }

    #[track_caller]
    fn turn(&mut self) {
        self.kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
    }

    fn state(&self) -> Option<&str> {
        self.kernel.current_state(self.machine)
    }

    #[track_caller]
    fn assert<const N: usize>(&self, expected: [&str; N]) {
        self.story.assert(expected);
    }
}
