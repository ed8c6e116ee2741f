//! What `_default` is given.

use std::fmt;

use crate::payload::Parcel;

/// An event that only `_default` takes (POE: `ARG0` and `ARG1` of `_default`).
pub struct Unhandled<'a> {
    name: &'a str,
    parcel: &'a mut dyn Parcel,
}

impl<'a> Unhandled<'a> {
    pub(crate) fn new(name: &'a str, parcel: &'a mut dyn Parcel) -> Self {
        Self { name, parcel }
    }

    /// The event's name.
    #[must_use]
    pub const fn name(&self) -> &str {
        self.name
    }

    /// The name of the payload's type, for people.
    #[must_use]
    pub fn payload_type(&self) -> &'static str {
        self.parcel.content_name()
    }
}

impl Unhandled<'_> {
    /// Takes the payload out, if it is a `T` and was not taken yet.
    #[must_use]
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        let any: &mut dyn std::any::Any = self.parcel;
        any.downcast_mut::<Option<T>>()?.take()
    }
}

impl fmt::Debug for Unhandled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unhandled({}: {})", self.name, self.payload_type())
    }
}
