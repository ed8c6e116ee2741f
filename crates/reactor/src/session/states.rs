//! Which handler takes which event.
//!
//! A [`States`] is built once and shared by every session of its kind. It is a list of names and
//! handlers; a kernel that spawns the first session of a kind numbers the names (`kinds.rs`), so that a
//! delivery is an index and not a search.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use super::kinds::Tables;
use super::{Hears, Reply};
use crate::context::Context;
use crate::default::Unhandled;
use crate::event::Event;
use crate::family::{Child, NewParent};
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
    pub(super) default: Option<Rc<Default_<S>>>,
}

/// What a handler is to the kernel: shared, and boxed in there, because what is shared itself has its place
/// worked out for each call. Its arguments travel in registers, all of them.
pub(crate) type Handler<S> =
    Box<dyn Fn(&mut S, &mut Context<'_>, &mut Parcel<'_>, Option<&mut Reply<'_>>) -> Handled>;
pub(super) type Default_<S> = dyn Fn(&mut S, &mut Context<'_>, Unhandled<'_>);

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

    /// Handles `event` with `handler`. What the handler returns is the reply to who
    /// [calls](Context::call) the event; to a post it is nobody's. That goes for a `Result`, too: for a handler
    /// that may fail there is [`try_on`](Self::try_on). And for `_default` there is
    /// [`on_default`](Self::on_default) only.
    ///
    /// An [`Event`] pins the payload and the reply for everybody; a bare name takes them from the handler, and
    /// an event of that name with another payload is not delivered to it but to `_default`, or logged.
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
    /// An error is treated like a panic of the handler: see [`OnException`](crate::OnException). What an `Ok`
    /// has in it is the reply, as with [`on`](Self::on).
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

    /// Handles `_start`, the first event of a session: delivered by `spawn` itself, before it returns. What the
    /// handler returns is told to the [parent](Child::take); one that may fail is set by
    /// [`try_on`](Self::try_on), as `_start`.
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

    /// Handles `_stop`, the last event of a session: nothing can reach it any more, or it is stopped by force.
    /// Told once, and not at all if the kernel is dropped.
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

    /// Handles `_child`: the session got a child, or lost one. See [`Child`].
    #[must_use]
    pub fn on_child<R, F>(self, handler: F) -> Self
    where
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, Child) -> R + 'static,
    {
        self.on(Event::new("_child"), handler)
    }

    /// Handles `_parent`: the session has another parent from now on. Not told when it is made.
    #[must_use]
    pub fn on_parent<R, F>(self, handler: F) -> Self
    where
        R: 'static,
        F: Fn(&mut S, &mut Context<'_>, NewParent) -> R + 'static,
    {
        self.on(Event::new("_parent"), handler)
    }

    /// Handles what no other handler takes: an event without a handler, or with a payload of another
    /// type than its handler's (POE: `_default`). `_start` is never sent here. There is no reply: who calls
    /// such an event gets [`CallError::Default`](crate::CallError::Default).
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
        if name == "_default" {
            log::warn!(
                target: "reactor::events",
                "a handler is set for the name _default: to be told what nobody handles, set it by on_default"
            );
        }
        let handler: Rc<Handler<S>> = Rc::new(Box::new(erase(call)));
        let handlers = &mut Rc::make_mut(&mut self.table).handlers;
        match handlers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, place)) => *place = handler,
            None => handlers.push((name, handler)),
        }
        self
    }
}

/// A handler of a `T` as a handler of anything, which refuses what is not a `T`.
pub(crate) fn erase<S, T, R, F>(
    call: F,
) -> impl Fn(&mut S, &mut Context<'_>, &mut Parcel<'_>, Option<&mut Reply<'_>>) -> Handled
where
    T: 'static,
    R: 'static,
    F: Fn(&mut S, &mut Context<'_>, T) -> Result<R, Box<dyn Error>>,
{
    move |state, cx, parcel, reply| {
        let Some(payload) = parcel.offer::<T>() else {
            return refuse(Refusal::OtherPayload(std::any::type_name::<T>()));
        };
        if reply.as_deref().is_some_and(Reply::is_other::<R>) {
            return refuse(Refusal::OtherReply);
        }
        let payload = payload.take().expect("a payload is offered to a handler once");
        match call(state, cx, payload) {
            Ok(answer) => {
                if let Some(reply) = reply {
                    reply.give(answer);
                }
                Ok(())
            }
            Err(error) => refuse(Refusal::Failed(error)),
        }
    }
}

#[cold]
pub(super) fn refuse(refusal: Refusal) -> Handled {
    Err(Box::new(refusal))
}

pub(super) type BySymbol<S> = Rc<[Option<Rc<Handler<S>>>]>;

impl<S: 'static> Tables for Table<S> {
    type State = S;
    type Numbered = BySymbol<S>;

    fn number(&self, names: &mut Names) -> BySymbol<S> {
        let mut by_symbol = Vec::new();
        for (name, handler) in &self.handlers {
            put(&mut by_symbol, names.intern(name.clone()), Some(Rc::clone(handler)));
        }
        by_symbol.into()
    }

    fn hears(&self, names: &mut Names) -> Hears {
        let hears = if self.default.is_some() { Hears::all_but_start() } else { Hears::default() };
        self.handlers.iter().fold(hears, |hears, (name, _)| hears.with(names.intern(name.clone())))
    }
}

pub(super) fn put<H>(
    by_symbol: &mut Vec<Option<H>>,
    symbol: Symbol,
    handler: Option<H>,
) -> Option<H> {
    let index = symbol.index();
    if by_symbol.len() <= index {
        by_symbol.resize_with(index + 1, || None);
    }
    std::mem::replace(&mut by_symbol[index], handler)
}

/// A session of any kind, as the kernel sees it.
pub(crate) trait AnySession {
    fn handle(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Handled;

    /// Offers to `_default` what no handler takes.
    fn handle_refused(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        refusal: Box<Refusal>,
    ) -> Handled;

    /// Sets the handler of an event for this session alone, an `Rc<Handler<S>>`, or takes it away; says
    /// whether there was one.
    fn set_handler(&mut self, symbol: Symbol, handler: Option<Box<dyn Any>>) -> bool;

    /// The name of the state's type, for people.
    fn kind(&self) -> &'static str;
}

pub(crate) struct Session<S> {
    /// The table's handlers by number: what a delivery looks up, with as few steps as can be.
    by_symbol: BySymbol<S>,
    table: Rc<Table<S>>,
    state: S,
}

impl<S> Session<S> {
    pub(super) const fn new(by_symbol: BySymbol<S>, table: Rc<Table<S>>, state: S) -> Self {
        Self { by_symbol, table, state }
    }
}

impl<S: 'static> AnySession for Session<S> {
    #[inline]
    fn handle(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        reply: Option<&mut Reply<'_>>,
    ) -> Handled {
        match self.by_symbol.get(symbol.index()) {
            Some(Some(handler)) => handler(&mut self.state, cx, parcel, reply),
            Some(None) | None => refuse(Refusal::NoHandler),
        }
    }

    #[cold]
    fn handle_refused(
        &mut self,
        symbol: Symbol,
        cx: &mut Context<'_>,
        parcel: &mut Parcel<'_>,
        refusal: Box<Refusal>,
    ) -> Handled {
        let default = self.table.default.as_deref().filter(|_| symbol != Symbol::START);
        offer_default(default, &mut self.state, cx, parcel, refusal)
    }

    fn set_handler(&mut self, symbol: Symbol, handler: Option<Box<dyn Any>>) -> bool {
        let handler = handler.and_then(|handler| handler.downcast::<Rc<Handler<S>>>().ok());
        // The others of its kind keep theirs.
        let mut by_symbol = self.by_symbol.to_vec();
        let old = put(&mut by_symbol, symbol, handler.map(|handler| *handler));
        self.by_symbol = by_symbol.into();
        old.is_some()
    }

    fn kind(&self) -> &'static str {
        std::any::type_name::<S>()
    }
}

/// Offers to `_default`, if there is one, what no handler takes.
pub(super) fn offer_default<S>(
    default: Option<&Default_<S>>,
    state: &mut S,
    cx: &mut Context<'_>,
    parcel: &mut Parcel<'_>,
    refusal: Box<Refusal>,
) -> Handled {
    let untaken = matches!(*refusal, Refusal::NoHandler | Refusal::OtherPayload(_));
    let Some(default) = default.filter(|_| untaken) else { return Err(refusal) };
    let name = cx.event().to_owned();
    default(state, cx, Unhandled::new(&name, parcel.again()));
    // What it left goes before the next event, and under its name if that fails.
    parcel.clear();
    Ok(())
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
