//! Several items made of one, or none.
//!
//! Owns the items of one record that were not asked for yet. Promises their order, and that all of
//! them come before anything of the next record. Never asks for the next before. `map.rs` is for
//! one item each.

use std::marker::PhantomData;

use crate::adapter::{
    around_a_filter, as_the_inner_filter, decodes_as_the_inner_filter, encode_all,
};
use crate::{Filter, FilterError, Input, Output};

/// What [`Filter::flat_map_input`] returns; POE's `Filter::Map` with a `Get` that returns a list.
///
/// What was made of a record and not asked for yet goes with it when it is replaced: only bytes
/// can be handed to another filter.
pub struct FlatMapInput<F, M, I: IntoIterator> {
    filter: F,
    map: M,
    /// What is left of the last record. It may turn out to be nothing.
    rest: Option<I::IntoIter>,
}

around_a_filter!(FlatMapInput<F, M, I> where I: IntoIterator);

impl<F, M, I: IntoIterator> FlatMapInput<F, M, I> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map, rest: None }
    }

    /// Replaces the function, from the next record on: see
    /// [`MapInput::modify`](crate::MapInput::modify).
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }

    fn next_with<T>(
        &mut self,
        mut record: impl FnMut(&mut F) -> Result<Option<T>, FilterError>,
    ) -> Result<Option<I::Item>, FilterError>
    where
        M: FnMut(T) -> I,
    {
        loop {
            if let Some(item) = self.rest.as_mut().and_then(Iterator::next) {
                return Ok(Some(item));
            }
            self.rest = None;
            let Some(record) = record(&mut self.filter)? else { return Ok(None) };
            self.rest = Some((self.map)(record).into_iter());
        }
    }
}

impl<F, M, I> Filter for FlatMapInput<F, M, I>
where
    F: Filter,
    M: FnMut(F::Item) -> I + 'static,
    I: IntoIterator<Item: 'static, IntoIter: 'static> + 'static,
{
    type Item = I::Item;
    type Out = F::Out;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<I::Item>, FilterError> {
        self.next_with(|filter| filter.decode(input))
    }

    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<I::Item>, FilterError> {
        self.next_with(|filter| filter.finish(input))
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.rest.is_some() || self.filter.holds_items()
    }

    as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: F::Out, out: &mut Output) -> Result<(), FilterError> {
        self.filter.encode(item, out)
    }
}

/// The same parameters, a new stream.
impl<F: Clone, M: Clone, I: IntoIterator> Clone for FlatMapInput<F, M, I> {
    fn clone(&self) -> Self {
        Self::new(self.filter.clone(), self.map.clone())
    }
}

/// What [`Filter::flat_map_output`] returns; POE's `Filter::Map` with a `Put` that returns a list.
#[derive(Clone)]
pub struct FlatMapOutput<F, M, T> {
    filter: F,
    map: M,
    takes: PhantomData<fn(T)>,
}

around_a_filter!(FlatMapOutput<F, M, T>);

impl<F, M, T> FlatMapOutput<F, M, T> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map, takes: PhantomData }
    }

    /// Replaces the function, from the next item on: see
    /// [`MapInput::modify`](crate::MapInput::modify).
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }
}

impl<F, M, T, I> Filter for FlatMapOutput<F, M, T>
where
    F: Filter,
    M: FnMut(T) -> I + 'static,
    I: IntoIterator<Item = F::Out>,
    T: 'static,
{
    type Item = F::Item;
    type Out = T;

    decodes_as_the_inner_filter!();

    fn encode(&mut self, item: T, out: &mut Output) -> Result<(), FilterError> {
        encode_all(&mut self.filter, (self.map)(item), out)
    }
}
