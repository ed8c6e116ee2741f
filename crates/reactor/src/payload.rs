//! What an event carries, on its way.
//!
//! A payload travels as an `Option<T>` behind `&mut dyn Parcel`; the handler that knows `T` takes it
//! out. A direct event's `Option<T>` is on the sender's stack; a posted event's is in the queue: the
//! plain numbers inline, everything else in a box. No unsafe code: the type is checked each time.

use std::any::{Any, type_name};

/// An `Option<T>` whose `T` only its maker and its taker know.
pub(crate) trait Parcel: Any {
    /// The name of `T`, for people.
    fn content_name(&self) -> &'static str;

    /// Drops the content, if nobody took it.
    fn clear(&mut self);
}

impl<T: 'static> Parcel for Option<T> {
    fn content_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn clear(&mut self) {
        *self = None;
    }
}

impl dyn Parcel + '_ {
    /// The content's place, if the content is a `T`.
    #[inline]
    pub(crate) fn content<T: 'static>(&mut self) -> Option<&mut Option<T>>
    where
        Self: 'static,
    {
        let any: &mut dyn Any = self;
        any.downcast_mut()
    }
}

/// A payload that waits in the queue or in a timer.
pub(crate) enum Payload {
    Unit,
    U64(u64),
    Usize(usize),
    U32(u32),
    I64(i64),
    Boxed(Box<dyn Parcel>),
}

impl Payload {
    #[inline]
    pub(crate) fn new<T: 'static>(value: T) -> Self {
        let mut parcel = Some(value);
        let any: &mut dyn Any = &mut parcel;
        // Every branch but one is decided when this is compiled.
        if any.is::<Option<()>>() {
            return Self::Unit;
        }
        macro_rules! inline {
            ($($variant:ident: $number:ty),*) => {
                $(if let Some(Some(number)) = any.downcast_ref::<Option<$number>>() {
                    return Self::$variant(*number);
                })*
            };
        }
        inline!(U64: u64, Usize: usize, U32: u32, I64: i64);
        Self::Boxed(Box::new(parcel))
    }

    /// The name of the payload's type, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::U64(_) => "u64",
            Self::Usize(_) => "usize",
            Self::U32(_) => "u32",
            Self::I64(_) => "i64",
            Self::Boxed(parcel) => parcel.content_name(),
        }
    }

    /// Shows the payload to `deliver`; what it does not take is dropped.
    #[inline]
    pub(crate) fn open<R>(self, deliver: impl FnOnce(&mut dyn Parcel) -> R) -> R {
        match self {
            Self::Unit => deliver(&mut Some(())),
            Self::U64(number) => deliver(&mut Some(number)),
            Self::Usize(number) => deliver(&mut Some(number)),
            Self::U32(number) => deliver(&mut Some(number)),
            Self::I64(number) => deliver(&mut Some(number)),
            Self::Boxed(mut parcel) => deliver(&mut *parcel),
        }
    }

    /// Takes the content out, if it is a `T`. A plain number stays, too.
    pub(crate) fn take<T: 'static>(&mut self) -> Option<T> {
        fn taken<T: 'static>(parcel: &mut dyn Parcel) -> Option<T> {
            parcel.content()?.take()
        }
        match self {
            Self::Unit => taken(&mut Some(())),
            Self::U64(number) => taken(&mut Some(*number)),
            Self::Usize(number) => taken(&mut Some(*number)),
            Self::U32(number) => taken(&mut Some(*number)),
            Self::I64(number) => taken(&mut Some(*number)),
            Self::Boxed(parcel) => taken(&mut **parcel),
        }
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
