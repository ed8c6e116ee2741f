//! Items made into others, on their way in or out.
//!
//! Owns a function. Promises to call it once for each item, in order, and to change nothing else.
//! Never keeps an item; what a function refuses ends the stream as a bad framing does. `flat_map.rs`
//! makes several items of one, `grep.rs` none.

use std::marker::PhantomData;

use crate::adapter::{around_a_filter, as_the_inner_filter, decodes_as_the_inner_filter};
use crate::{Filter, FilterError, Input, Output};

/// What [`Filter::map_input`] returns; POE's `Filter::Map` with `Get`.
#[derive(Clone)]
pub struct MapInput<F, M> {
    filter: F,
    map: M,
}

around_a_filter!(MapInput<F, M>);

impl<F, M> MapInput<F, M> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map }
    }

    /// Replaces the function, from the next item on; POE's `modify`.
    ///
    /// The new one has the type of the old, so let that be a function pointer or a box.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use filters::{Filter, Input, Line};
    ///
    /// let upper: fn(Bytes) -> Vec<u8> = |line| line.to_ascii_uppercase();
    /// let mut filter = Line::new().map_input(upper);
    /// let mut input = Input::new(b"One\nTwo\n");
    /// assert_eq!(filter.decode(&mut input)?, Some(b"ONE".to_vec()));
    /// filter.modify(|line| line.to_ascii_lowercase());
    /// assert_eq!(filter.decode(&mut input)?, Some(b"two".to_vec()));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }
}

impl<F, M, T> Filter for MapInput<F, M>
where
    F: Filter,
    M: FnMut(F::Item) -> T + 'static,
    T: 'static,
{
    type Item = T;
    type Out = F::Out;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<T>, FilterError> {
        Ok(self.filter.decode(input)?.map(&mut self.map))
    }

    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<T>, FilterError> {
        Ok(self.filter.finish(input)?.map(&mut self.map))
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.filter.holds_items()
    }

    as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: F::Out, out: &mut Output) -> Result<(), FilterError> {
        self.filter.encode(item, out)
    }
}

/// What [`Filter::try_map_input`] returns.
#[derive(Clone)]
pub struct TryMapInput<F, M> {
    filter: F,
    map: M,
    /// What the function said of an item that is gone: an error is final.
    failed: Option<FilterError>,
}

around_a_filter!(TryMapInput<F, M>);

impl<F, M> TryMapInput<F, M> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map, failed: None }
    }

    /// Replaces the function, from the next item on: see [`MapInput::modify`].
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }

    fn apply<I, T>(&mut self, item: Option<I>) -> Result<Option<T>, FilterError>
    where
        M: FnMut(I) -> Result<T, FilterError>,
    {
        let result = item.map(&mut self.map).transpose();
        self.failed = result.as_ref().err().cloned();
        result
    }
}

impl<F, M, T> Filter for TryMapInput<F, M>
where
    F: Filter,
    M: FnMut(F::Item) -> Result<T, FilterError> + 'static,
    T: 'static,
{
    type Item = T;
    type Out = F::Out;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<T>, FilterError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let item = self.filter.decode(input)?;
        self.apply(item)
    }

    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<T>, FilterError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let item = self.filter.finish(input)?;
        self.apply(item)
    }

    #[inline]
    fn holds_items(&self) -> bool {
        self.filter.holds_items()
    }

    as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: F::Out, out: &mut Output) -> Result<(), FilterError> {
        self.filter.encode(item, out)
    }
}

/// What [`Filter::map_output`] returns; POE's `Filter::Map` with `Put`.
#[derive(Clone)]
pub struct MapOutput<F, M, T> {
    filter: F,
    map: M,
    takes: PhantomData<fn(T)>,
}

around_a_filter!(MapOutput<F, M, T>);

impl<F, M, T> MapOutput<F, M, T> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map, takes: PhantomData }
    }

    /// Replaces the function, from the next item on: see [`MapInput::modify`].
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }
}

impl<F, M, T> Filter for MapOutput<F, M, T>
where
    F: Filter,
    M: FnMut(T) -> F::Out + 'static,
    T: 'static,
{
    type Item = F::Item;
    type Out = T;

    decodes_as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: T, out: &mut Output) -> Result<(), FilterError> {
        self.filter.encode((self.map)(item), out)
    }
}

/// What [`Filter::try_map_output`] returns.
#[derive(Clone)]
pub struct TryMapOutput<F, M, T> {
    filter: F,
    map: M,
    takes: PhantomData<fn(T)>,
}

around_a_filter!(TryMapOutput<F, M, T>);

impl<F, M, T> TryMapOutput<F, M, T> {
    pub(crate) fn new(filter: F, map: M) -> Self {
        Self { filter, map, takes: PhantomData }
    }

    /// Replaces the function, from the next item on: see [`MapInput::modify`].
    pub fn modify(&mut self, map: M) {
        self.map = map;
    }
}

impl<F, M, T> Filter for TryMapOutput<F, M, T>
where
    F: Filter,
    M: FnMut(T) -> Result<F::Out, FilterError> + 'static,
    T: 'static,
{
    type Item = F::Item;
    type Out = T;

    decodes_as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: T, out: &mut Output) -> Result<(), FilterError> {
        let item = (self.map)(item)?;
        self.filter.encode(item, out)
    }
}
