//! What an event carries, on its way.
//!
//! A payload travels as an `Option<T>` in its place, on the sender's stack or in a box, and the handler that
//! knows `T` takes it out. The types that most events carry are [`Plain`]: those travel as themselves, and to
//! tell one from the other takes no call. No unsafe code: the type is checked each time.

use std::any::{Any, TypeId, type_name};

/// An `Option<T>` whose `T` only its maker and its taker know.
pub(crate) trait Content: Any {
    /// The name of `T`, for people.
    fn content_name(&self) -> &'static str;

    /// Drops the content, if nobody took it.
    fn clear(&mut self);
}

impl<T: 'static> Content for Option<T> {
    fn content_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn clear(&mut self) {
        *self = None;
    }
}

impl dyn Content {
    /// The content's place, if the content is a `T`.
    #[inline]
    pub(crate) fn place<T: 'static>(&mut self) -> Option<&mut Option<T>> {
        let any: &mut dyn Any = self;
        any.downcast_mut()
    }
}

/// A payload of no more than a word. The variant takes a word, too, so that it is moved by words: what is
/// written in one cut and read in another must wait to be written out.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Plain {
    Unit,
    U64(u64),
    Usize(usize),
    U32(u32),
    I64(i64),
}

impl Plain {
    /// The value, if it is of one of these types: which is known when this is compiled.
    #[inline(always)]
    fn of<T: 'static>(value: &T) -> Option<Self> {
        let any: &dyn Any = value;
        if any.is::<()>() {
            return Some(Self::Unit);
        }
        macro_rules! number {
            ($($variant:ident: $number:ty),*) => {
                $(if let Some(number) = any.downcast_ref::<$number>() {
                    return Some(Self::$variant(*number));
                })*
            };
        }
        number!(U64: u64, Usize: usize, U32: u32, I64: i64);
        None
    }

    /// Whether a `T` is of one of these types: known then, too.
    #[inline(always)]
    fn is<T: 'static>() -> bool {
        macro_rules! any_of {
            ($($plain:ty),*) => { $(TypeId::of::<T>() == TypeId::of::<$plain>())||* };
        }
        any_of!((), u64, usize, u32, i64)
    }

    /// The value, if it is a `T`.
    #[inline(always)]
    fn get<T: 'static>(self) -> Option<T> {
        fn same<T: 'static>(value: &mut dyn Any) -> Option<T> {
            value.downcast_mut::<Option<T>>()?.take()
        }
        match self {
            Self::Unit => same(&mut Some(())),
            Self::U64(number) => same(&mut Some(number)),
            Self::Usize(number) => same(&mut Some(number)),
            Self::U32(number) => same(&mut Some(number)),
            Self::I64(number) => same(&mut Some(number)),
        }
    }

    /// The name of its type, for people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::U64(_) => "u64",
            Self::Usize(_) => "usize",
            Self::U32(_) => "u32",
            Self::I64(_) => "i64",
        }
    }
}

/// A payload, as it is shown to a session: it is plain, or it has a place. What can be plain is.
pub(crate) struct Parcel<'a> {
    plain: Option<Plain>,
    place: Option<&'a mut dyn Content>,
}

/// The payload of a handler that takes a `T`.
pub(crate) enum Offered<'a, T> {
    Plain(T),
    Placed(&'a mut Option<T>),
}

impl<'a> Parcel<'a> {
    pub(crate) const UNIT: Self = Self::plain(Plain::Unit);

    #[inline(always)]
    pub(crate) const fn plain(plain: Plain) -> Self {
        Self { plain: Some(plain), place: None }
    }

    #[inline(always)]
    pub(crate) fn placed(place: &'a mut dyn Content) -> Self {
        Self { plain: None, place: Some(place) }
    }

    /// The payload that is in this place.
    #[inline(always)]
    pub(crate) fn of<T: 'static>(place: &'a mut Option<T>) -> Self {
        match place.as_ref().and_then(Plain::of) {
            Some(plain) => Self::plain(plain),
            None => Self::placed(place),
        }
    }
}

impl Parcel<'_> {
    /// The payload, if it is a `T`.
    #[inline(always)]
    pub(crate) fn offer<T: 'static>(&mut self) -> Option<Offered<'_, T>> {
        if Plain::is::<T>() {
            return self.plain?.get().map(Offered::Plain);
        }
        self.place()?.place().map(Offered::Placed)
    }

    /// What has a place, whatever it is.
    #[inline]
    pub(crate) fn place(&mut self) -> Option<&mut dyn Content> {
        match &mut self.place {
            Some(place) => Some(&mut **place),
            None => None,
        }
    }

    /// The same payload, for somebody else meanwhile.
    pub(crate) fn again(&mut self) -> Parcel<'_> {
        Parcel { plain: self.plain, place: self.place() }
    }

    /// The name of the payload's type, for people.
    pub(crate) fn content_name(&self) -> &'static str {
        match (self.plain, &self.place) {
            (Some(plain), _) => plain.name(),
            (None, Some(place)) => place.content_name(),
            (None, None) => "?",
        }
    }

    /// Drops the payload, if nobody took it.
    pub(crate) fn clear(&mut self) {
        if let Some(place) = self.place() {
            place.clear();
        }
    }
}

impl<T> Offered<'_, T> {
    /// Takes the payload out. `None` if somebody did before; a plain one stays.
    #[inline(always)]
    pub(crate) fn take(self) -> Option<T> {
        match self {
            Self::Plain(payload) => Some(payload),
            Self::Placed(place) => place.take(),
        }
    }
}

/// A payload that waits in the queue or in a timer.
pub(crate) enum Payload {
    Plain(Plain),
    Boxed(Box<dyn Content>),
}

impl Payload {
    #[inline]
    pub(crate) fn new<T: 'static>(value: T) -> Self {
        match Plain::of(&value) {
            Some(plain) => Self::Plain(plain),
            None => Self::Boxed(Box::new(Some(value))),
        }
    }

    /// The name of the payload's type, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Plain(plain) => plain.name(),
            Self::Boxed(content) => content.content_name(),
        }
    }

    /// The payload, to be shown to a session.
    #[inline]
    pub(crate) fn parcel(&mut self) -> Parcel<'_> {
        match self {
            Self::Plain(plain) => Parcel::plain(*plain),
            Self::Boxed(content) => Parcel::placed(&mut **content),
        }
    }

    /// Takes the payload out, if it is a `T`. A plain one stays, too.
    pub(crate) fn take<T: 'static>(&mut self) -> Option<T> {
        self.parcel().offer()?.take()
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
