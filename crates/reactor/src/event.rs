//! Typed event names.
//!
//! Owns nothing: an [`Event`] is a name that the compiler knows the payload and the reply of. A bare
//! string is a name too, and takes its types from where it is used; a mistake is then found when the
//! event is delivered, not when the program is compiled. `name.rs` turns names into numbers.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::ids::SessionId;
use crate::name::Symbol;

/// The name of an event whose handlers take a `T` and return an `R`.
///
/// Made once as a constant, it makes everyone who posts, delays, calls or handles the event agree on
/// its types. (POE: the event's name, with the order of `ARG0..` written in the manual.)
///
/// ```
/// use reactor::{Context, Event, States};
///
/// const ADD: Event<u64> = Event::new("add");
///
/// struct Sum(u64);
/// let states = States::new().on(&ADD, |sum: &mut Sum, _: &mut Context<'_>, n: u64| sum.0 += n);
/// # drop(states);
/// ```
///
/// Names are kept for the kernel's life once they are used: do not make them of what a peer sends.
/// Names that begin with `_` are the kernel's: `_start`, `_stop` and `_default` have meanings.
pub struct Event<T, R = ()> {
    name: Cow<'static, str>,
    types: PhantomData<fn(T) -> R>,
}

impl<T, R> Event<T, R> {
    /// An event of this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), types: PhantomData }
    }

    /// The name as text.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn into_name(self) -> Cow<'static, str> {
        self.name
    }
}

impl<T, R> Clone for Event<T, R> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), types: PhantomData }
    }
}

impl<T, R> From<&Self> for Event<T, R> {
    fn from(event: &Self) -> Self {
        event.clone()
    }
}

impl<T, R> From<&'static str> for Event<T, R> {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl<T, R> From<String> for Event<T, R> {
    fn from(name: String) -> Self {
        Self { name: Cow::Owned(name), types: PhantomData }
    }
}

/// The name alone, for what does not know the types.
impl<T, R> From<&Event<T, R>> for Cow<'static, str> {
    fn from(event: &Event<T, R>) -> Self {
        event.name.clone()
    }
}

impl<T, R> fmt::Debug for Event<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({})", self.name)
    }
}

/// What names an event that carries a `T`: an [`Event<T, R>`](Event) of any reply, or a bare string.
///
/// Taken by everything that sends events and does not wait for a reply.
pub trait EventName<T> {
    /// The name as text.
    fn into_name(self) -> Cow<'static, str>;
}

impl<T, R> EventName<T> for &Event<T, R> {
    #[inline]
    fn into_name(self) -> Cow<'static, str> {
        self.name.clone()
    }
}

impl<T, R> EventName<T> for Event<T, R> {
    fn into_name(self) -> Cow<'static, str> {
        self.name
    }
}

impl<T> EventName<T> for &'static str {
    #[inline]
    fn into_name(self) -> Cow<'static, str> {
        Cow::Borrowed(self)
    }
}

impl<T> EventName<T> for Cow<'static, str> {
    fn into_name(self) -> Cow<'static, str> {
        self
    }
}

impl<T> EventName<T> for String {
    fn into_name(self) -> Cow<'static, str> {
        Cow::Owned(self)
    }
}

/// An event of one session: where a wheel sends a `T`.
///
/// A [`SessionId`] and a [`Symbol`], so it is small and cheap to copy.
pub struct Bound<T> {
    pub(crate) session: SessionId,
    pub(crate) symbol: Symbol,
    types: PhantomData<fn(T)>,
}

impl<T> Bound<T> {
    /// The event `symbol` of `session`.
    #[must_use]
    pub const fn new(session: SessionId, symbol: Symbol) -> Self {
        Self { session, symbol, types: PhantomData }
    }

    /// The session that gets the event.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The event's name as a number.
    #[must_use]
    pub const fn symbol(&self) -> Symbol {
        self.symbol
    }
}

impl<T> Clone for Bound<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Bound<T> {}

impl<T> fmt::Debug for Bound<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("session", &self.session)
            .field("symbol", &self.symbol)
            .finish()
    }
}
