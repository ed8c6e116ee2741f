//! Which handler takes which event.
//!
//! A [`States`] is built once and shared by every session of its kind. It is a list of names and
//! handlers; a kernel that spawns the first session of a kind numbers the names (`Numbered`), so that
//! a delivery is an index and not a search.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use crate::context::Context;
use crate::error::Unhandled;
use crate::event::Event;
use crate::name::{Names, Symbol};
use crate::payload::Parcel;

/// The table *event name → handler* of one kind of session, whose state is an `S`
/// (POE: `inline_states`, `object_states`).
///
/// A handler is called with the session's state, a [`Context`] and the event's payload; methods of `S`
/// fit. Setting a name again replaces its handler.
///
/// ```
/// use reactor::{Context, Kernel, States};
///
/// #[derive(Default)]
/// struct Greeter { greeted: u32 }
///
/// impl Greeter {
///     fn start(&mut self, cx: &mut Context<'_>, (): ()) {
///         cx.yield_("greet", "world".to_string());
///     }
///     fn greet(&mut self, _: &mut Context<'_>, whom: String) {
///         self.greeted += 1;
///         assert_eq!(whom, "world");
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let greeter = States::new()
///     .on_start(Greeter::start)
///     .on("greet", Greeter::greet);
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&greeter, Greeter::default());
/// kernel.run()
/// # }
/// ```
pub struct States<S> {
    pub(crate) table: Rc<Table<S>>,
}

pub(crate) struct Table<S> {
    handlers: Vec<(Cow<'static, str>, Rc<Handler<S>>)>,
    default: Option<Rc<Default_<S>>>,
}

type Handler<S> = dyn Fn(&mut S, &mut Context<'_>, &mut Exchange<'_>) -> Handled;
type Default_<S> = dyn Fn(&mut S, &mut Context<'_>, Unhandled<'_>);

/// What an event brings, and where its reply goes if somebody waits for it.
pub(crate) struct Exchange<'a> {
    pub(crate) parcel: &'a mut dyn Parcel,
    pub(crate) reply: Option<&'a mut dyn Parcel>,
}

/// What came of offering an event to a session. Boxed, because it is nearly always `Ok`.
pub(crate) type Handled = Result<(), Box<Refusal>>;

/// Why an event was not handled, or how its handler failed.
#[derive(Debug)]
pub(crate) enum Refusal {
    NoHandler,
    /// The handler takes something else: this.
    OtherPayload(&'static str),
    /// The handler replies with something else.
    OtherReply,
    Failed(Box<dyn Error>),
}

impl<S: 'static> States<S> {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Rc::new(Table { handlers: Vec::new(), default: None }) }
    }

    /// Handles `event` with `handler`.
    #[must_use]
    pub fn on<T, R, F>(self, event: impl Into<Event<T, R>>, handler: F) -> Self
    where
        T: 'static,
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, T) -> R + 'static,
    {
        let call =
            move |state: &mut S, cx: &mut Context<'_>, payload| Ok(handler(state, cx, payload));
        self.insert(event.into().into_name(), call)
    }

    /// Handles `event` with a handler that may fail.
    ///
    /// An error is treated like a panic of the handler: see
    /// [`OnException`](crate::OnException).
    #[must_use]
    pub fn try_on<T, R, E, F>(self, event: impl Into<Event<T, R>>, handler: F) -> Self
    where
        T: 'static,
        R: 'static,
        E: Into<Box<dyn Error>>,
        F: Fn(&mut S, &mut Context<'_>, T) -> Result<R, E> + 'static,
    {
        let call = move |state: &mut S, cx: &mut Context<'_>, payload| {
            handler(state, cx, payload).map_err(Into::into)
        };
        self.insert(event.into().into_name(), call)
    }

    /// Handles `_start`, the first event of a session: delivered by `spawn` itself, before it returns.
    ///
    /// The sender is the session that spawned it, or the kernel.
    #[must_use]
    pub fn on_start<R, F>(self, handler: F) -> Self
    where
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, ()) -> R + 'static,
    {
        self.on(Event::new("_start"), handler)
    }

    /// Handles `_stop`, the last event of a session: nothing can reach it any more, or the kernel stops.
    ///
    /// What the handler posts or sets is discarded with the session.
    #[must_use]
    pub fn on_stop<R, F>(self, handler: F) -> Self
    where
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, ()) -> R + 'static,
    {
        self.on(Event::new("_stop"), handler)
    }

    /// Handles what no other handler takes: an event without a handler, or with a payload of another
    /// type than its handler's (POE: `_default`). `_start` is never sent here.
    #[must_use]
    pub fn on_default<F>(mut self, handler: F) -> Self
    where
        F: Fn(&mut S, &mut Context<'_>, Unhandled<'_>) + 'static,
    {
        Rc::make_mut(&mut self.table).default = Some(Rc::new(handler));
        self
    }

    fn insert<T, R, F>(mut self, name: Cow<'static, str>, call: F) -> Self
    where
        T: 'static,
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, T) -> Result<R, Box<dyn Error>> + 'static,
    {
        let handler: Rc<Handler<S>> = Rc::new(erase(call));
        let handlers = &mut Rc::make_mut(&mut self.table).handlers;
        match handlers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, place)) => *place = handler,
            None => handlers.push((name, handler)),
        }
        self
    }
}

/// A handler of a `T` as a handler of anything, which refuses what is not a `T`.
fn erase<S, T, R, F>(call: F) -> impl Fn(&mut S, &mut Context<'_>, &mut Exchange<'_>) -> Handled
where
    T: 'static,
    R: 'static,
    F: Fn(&mut S, &mut Context<'_>, T) -> Result<R, Box<dyn Error>>,
{
    move |state, cx, exchange| {
        let Some(content) = exchange.parcel.content::<T>() else {
            return refuse(Refusal::OtherPayload(std::any::type_name::<T>()));
        };
        let place = match &mut exchange.reply {
            None => None,
            Some(reply) => match reply.content::<R>() {
                None => return refuse(Refusal::OtherReply),
                place => place,
            },
        };
        let payload = content.take().expect("a payload is offered to a handler once");
        match call(state, cx, payload) {
            Ok(answer) => {
                if let Some(place) = place {
                    *place = Some(answer);
                }
                Ok(())
            }
            Err(error) => refuse(Refusal::Failed(error)),
        }
    }
}

#[cold]
fn refuse(refusal: Refusal) -> Handled {
    Err(Box::new(refusal))
}

/// A table by the numbers of one kernel.
struct Numbered<S> {
    by_symbol: BySymbol<S>,
}

type BySymbol<S> = Rc<[Option<Rc<Handler<S>>>]>;

impl<S> Table<S> {
    fn number(&self, names: &mut Names) -> Numbered<S> {
        let mut by_symbol = Vec::new();
        for (name, handler) in &self.handlers {
            let index = names.intern(name.clone()).index();
            if by_symbol.len() <= index {
                by_symbol.resize_with(index + 1, || None);
            }
            by_symbol[index] = Some(Rc::clone(handler));
        }
        Numbered { by_symbol: by_symbol.into() }
    }
}

/// A session of any kind, as the kernel sees it.
pub(crate) trait AnySession {
    fn handle(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Handled;

    /// Offers to `_default` what no handler takes.
    fn handle_refused(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
        refusal: Box<Refusal>,
    ) -> Handled;

    /// The name of the state's type, for people.
    fn kind(&self) -> &'static str;
}

pub(crate) struct Session<S> {
    /// The table's handlers by number: what a delivery looks up, with as few steps as can be.
    by_symbol: BySymbol<S>,
    table: Rc<Table<S>>,
    state: S,
}

impl<S: 'static> AnySession for Session<S> {
    #[inline]
    fn handle(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Handled {
        match self.by_symbol.get(symbol.index()) {
            Some(Some(handler)) => handler(&mut self.state, cx, exchange),
            Some(None) | None => refuse(Refusal::NoHandler),
        }
    }

    #[cold]
    fn handle_refused(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
        refusal: Box<Refusal>,
    ) -> Handled {
        let untaken = matches!(*refusal, Refusal::NoHandler | Refusal::OtherPayload(_));
        let Some(default) = self.table.default.as_ref().filter(|_| untaken) else {
            return Err(refusal);
        };
        if symbol == Symbol::START {
            return Err(refusal);
        }
        let name = cx.event().to_owned();
        default(&mut self.state, cx, Unhandled::new(&name, exchange.parcel));
        // What it left goes before the next event, and under its name if that fails.
        exchange.parcel.clear();
        Ok(())
    }

    fn kind(&self) -> &'static str {
        std::any::type_name::<S>()
    }
}

impl<S> Clone for Table<S> {
    fn clone(&self) -> Self {
        Self { handlers: self.handlers.clone(), default: self.default.clone() }
    }
}

impl<S: 'static> Default for States<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for States<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.table.handlers.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// The kinds of session that a kernel has numbered, by the address of their tables.
#[derive(Default)]
pub(crate) struct Kinds {
    by_address: HashMap<usize, Kind>,
    /// How many there may be before it is worth looking for those that nobody uses.
    most: usize,
}

struct Kind {
    /// A `Numbered<S>`.
    numbered: Box<dyn Any>,
    /// Keeps the table, so that no other comes to stand at its address.
    table: Rc<dyn Any>,
    sessions: usize,
}

impl Kinds {
    /// Makes a session, and tells the key of its kind.
    pub(crate) fn enter<S: 'static>(
        &mut self,
        table: &Rc<Table<S>>,
        state: S,
        names: &mut Names,
    ) -> (usize, Session<S>) {
        let key = Rc::as_ptr(table).addr();
        if self.by_address.len() > self.most {
            self.by_address.retain(|_, kind| kind.is_used());
            self.most = self.by_address.len() * 2;
        }
        let kind = self.by_address.entry(key).or_insert_with(|| Kind {
            numbered: Box::new(table.number(names)),
            table: Rc::<Table<S>>::clone(table),
            sessions: 0,
        });
        kind.sessions += 1;
        let numbered = kind.numbered.downcast_ref::<Numbered<S>>();
        let numbered = numbered.expect("a table's address is its own, and so is its type");
        let by_symbol = Rc::clone(&numbered.by_symbol);
        (key, Session { by_symbol, table: Rc::clone(table), state })
    }

    /// A session of this kind is gone. The kind goes with its last session and its last user.
    pub(crate) fn leave(&mut self, key: usize) {
        let Some(kind) = self.by_address.get_mut(&key) else { return };
        kind.sessions -= 1;
        if !kind.is_used() {
            self.by_address.remove(&key);
        }
    }
}

impl Kind {
    /// Whether a session is of it, or a [`States`] can still make one.
    fn is_used(&self) -> bool {
        self.sessions > 0 || Rc::strong_count(&self.table) > 1
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kinds({})", self.by_address.len())
    }
}
