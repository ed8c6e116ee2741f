//! What `_default` is given.

use std::fmt;

use crate::payload::Parcel;

/// An event that only `_default` takes (POE: `ARG0` and `ARG1` of `_default`).
pub struct Unhandled<'a> {
    name: &'a str,
    parcel: Parcel<'a>,
    /// A plain payload stays where it is when it is taken.
    taken: bool,
}

impl<'a> Unhandled<'a> {
    pub(crate) const fn new(name: &'a str, parcel: Parcel<'a>) -> Self {
        Self { name, parcel, taken: false }
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
        let payload = self.parcel.offer()?.take().filter(|_| !self.taken);
        self.taken |= payload.is_some();
        payload
    }
}

impl fmt::Debug for Unhandled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unhandled({}: {})", self.name, self.payload_type())
    }
}
