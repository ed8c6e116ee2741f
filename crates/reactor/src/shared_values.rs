//! What the wheels of one kind know together.
//!
//! Owns one value for each type that a wheel has asked for. A value stays as long as its kernel.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

#[derive(Debug, Default)]
pub(crate) struct SharedValues {
    values: HashMap<TypeId, Box<dyn Any>, FxBuildHasher>,
}

impl SharedValues {
    /// The value of this type, made now if nobody has asked for it yet.
    pub(crate) fn get<T: Default + 'static>(&mut self) -> &mut T {
        let make = || -> Box<dyn Any> { Box::<T>::default() };
        let value = self.values.entry(TypeId::of::<T>()).or_insert_with(make);
        value.downcast_mut().expect("it is kept under its own type")
    }
}
