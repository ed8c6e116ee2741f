//! Which handler takes which event in which state.
//!
//! A [`Machine`] is built once and shared by every session of its kind, as a [`States`] is: it is one
//! `States` for each named state and one for all of them. `control.rs` is where one machine stands and how
//! it moves, `body.rs` finds the handlers.

mod body;
mod control;

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

use super::kinds::{Hears, Tables};
use super::states::{BySymbol, Default_, Table};
use super::{Handler, States};
use crate::name::{Names, Symbol};
pub(super) use body::Body;
pub(crate) use control::{Control, Step, Transition};

/// A kind of session whose handlers are grouped by named states, one of which it is in at a time
/// (POE: `POE::NFA`). Its data is an `S`, as another session's.
///
/// Each state has a table of handlers. Whatever comes is handled by that of the state the machine is in
/// when it comes. First its own handler of the event is looked for; then one for
/// [every state](Self::always), where also those stand that a session sets itself with
/// [`Context::state`](crate::Context::state); then the state's `_default`; then the `_default` of every
/// state. What none of them takes is unhandled, as in any session. (POE: it ends the machine.)
///
/// A handler moves the machine with [`goto_state`](crate::Context::goto_state),
/// [`call_state`](crate::Context::call_state) and [`return_state`](crate::Context::return_state). These are
/// *transitions*. Each is one step, between whose parts nothing comes:
///
/// 1. The handler of `leave` runs, if the old state or every state has one. Its payload is `()`; it is not
///    offered to `_default`.
/// 2. The machine is in the new state.
/// 3. The entry event that was asked for, if one was, is delivered in the new state.
///
/// If `leave` fails, the machine stays where it was, and its failure is treated like any.
///
/// A transition is *posted*: it takes place after what waits already, and that is still handled in the old
/// state. For the other way see [`immediate`](Self::immediate).
///
/// ```
/// use std::time::Duration;
/// use reactor::{Clock, Context, Kernel, Machine, States, TransitionError};
///
/// #[derive(Default)]
/// struct Light { times_on: u32 }
///
/// impl Light {
///     fn switch_on(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), TransitionError> {
///         cx.goto_state_with("on", "enter", ())
///     }
///     fn switch_off(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), TransitionError> {
///         cx.goto_state("off")
///     }
///     fn shine(&mut self, _: &mut Context<'_>, (): ()) {
///         self.times_on += 1;
///     }
///     fn start(&mut self, cx: &mut Context<'_>, (): ()) {
///         for second in 1..=3 {
///             cx.delay_set("pushed", Duration::from_secs(second), ());
///         }
///     }
///     fn stop(&mut self, cx: &mut Context<'_>, (): ()) {
///         assert_eq!(cx.current_state(), Some("on"));
///         assert_eq!(self.times_on, 2);
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let off = States::new().try_on("pushed", Light::switch_on);
/// let on = States::new().try_on("pushed", Light::switch_off).on("enter", Light::shine);
/// let light = Machine::starting("off", off)
///     .state("on", on)
///     .always(States::new().on_start(Light::start).on_stop(Light::stop));
/// let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build()?;
/// kernel.spawn(&light, Light::default());
/// kernel.run()
/// # }
/// ```
pub struct Machine<S> {
    pub(super) chart: Rc<Chart<S>>,
}

/// All tables of a machine.
pub(super) struct Chart<S> {
    pub(super) plan: Rc<Plan>,
    /// One for each name of the plan, in the same order.
    states: Vec<Rc<Table<S>>>,
    always: Rc<Table<S>>,
}

/// What is known of a machine without its handlers.
#[derive(Clone)]
pub(super) struct Plan {
    /// The first is where a machine starts.
    names: Vec<Cow<'static, str>>,
    when: When,
}

/// When a transition takes place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Posted,
    Immediate,
}

/// The tables by the numbers of one kernel.
pub(super) struct ByNumber<S> {
    states: Vec<Shelf<S>>,
    always: Shelf<S>,
}

/// One table by the numbers of one kernel.
struct Shelf<S> {
    by_symbol: BySymbol<S>,
    default: Option<Rc<Default_<S>>>,
}

impl<S: 'static> Machine<S> {
    /// A machine whose sessions start in the state of this name, with its handlers.
    #[must_use]
    pub fn starting(name: impl Into<Cow<'static, str>>, handlers: States<S>) -> Self {
        let plan = Plan { names: vec![name.into()], when: When::Posted };
        let (states, always) = (vec![handlers.table], States::new().table);
        Self { chart: Rc::new(Chart { plan: Rc::new(plan), states, always }) }
    }

    /// Adds a state. Adding a name again replaces its handlers.
    #[must_use]
    pub fn state(mut self, name: impl Into<Cow<'static, str>>, handlers: States<S>) -> Self {
        let (name, Chart { plan, states, .. }) = (name.into(), Rc::make_mut(&mut self.chart));
        match plan.find(&name) {
            Some(known) => states[known] = handlers.table,
            None => {
                Rc::make_mut(plan).names.push(name);
                states.push(handlers.table);
            }
        }
        self
    }

    /// The handlers of every state, behind each state's own. The place for `_start`, `_stop`, `_child` and
    /// `_parent`, though a state may have its own of those, too. Setting them again replaces them all.
    #[must_use]
    pub fn always(mut self, handlers: States<S>) -> Self {
        Rc::make_mut(&mut self.chart).always = handlers.table;
        self
    }

    /// Has transitions take place as soon as the handler that asks for one has returned, before anything
    /// else is delivered (POE: the option `immediate`).
    ///
    /// The rest of that handler, and what it calls, still see the old state. (POE: the machine moves
    /// inside the handler.) What is asked for by `leave` or the entry event takes place after their own
    /// transition, and what is asked for in `_stop` does not.
    #[must_use]
    pub fn immediate(mut self) -> Self {
        let plan = &mut Rc::make_mut(&mut self.chart).plan;
        Rc::make_mut(plan).when = When::Immediate;
        self
    }
}

impl Plan {
    fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

impl<S: 'static> Tables for Chart<S> {
    type State = S;
    type Numbered = Rc<ByNumber<S>>;

    fn number(&self, names: &mut Names) -> Self::Numbered {
        let mut shelf = |table: &Rc<Table<S>>| Shelf {
            by_symbol: table.number(names),
            default: table.default.clone(),
        };
        let states = self.states.iter().map(&mut shelf).collect();
        Rc::new(ByNumber { states, always: shelf(&self.always) })
    }

    fn hears(&self, names: &mut Names) -> Hears {
        let always = self.always.hears(names);
        self.states.iter().fold(always, |hears, table| hears.or(table.hears(names)))
    }
}

impl<S> ByNumber<S> {
    /// The `_default` of a state, or that of every state.
    fn default(&self, state: usize) -> Option<&Default_<S>> {
        let own = self.states.get(state).and_then(|shelf| shelf.default.as_deref());
        own.or(self.always.default.as_deref())
    }
}

/// The handler of an event in a state.
fn find<'a, S>(
    by_number: &'a ByNumber<S>,
    always: &'a BySymbol<S>,
    state: usize,
    symbol: Symbol,
) -> Option<&'a Handler<S>> {
    let own = by_number.states.get(state).and_then(|shelf| get(&shelf.by_symbol, symbol));
    own.or_else(|| get(always, symbol))
}

fn get<S>(by_symbol: &BySymbol<S>, symbol: Symbol) -> Option<&Handler<S>> {
    by_symbol.get(symbol.index())?.as_deref()
}

impl<S> Clone for Chart<S> {
    fn clone(&self) -> Self {
        let (plan, always) = (Rc::clone(&self.plan), Rc::clone(&self.always));
        Self { plan, states: self.states.clone(), always }
    }
}

impl<S> fmt::Debug for Machine<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Machine").field(&self.chart.plan.names).finish()
    }
}
