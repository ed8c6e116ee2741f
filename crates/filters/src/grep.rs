//! Items left out, on their way in or out.
//!
//! Owns a predicate. Promises to ask it once for each item, in order. Never keeps an item, never
//! changes one. `map.rs` does.

use crate::adapter::{around_a_filter, as_the_inner_filter, decodes_as_the_inner_filter};
use crate::{Filter, FilterError, Input, Output};

/// What [`Filter::grep_input`] returns; POE's `Filter::Grep` with `Get`.
#[derive(Clone)]
pub struct GrepInput<F, P> {
    filter: F,
    wanted: P,
}

around_a_filter!(GrepInput<F, P>);

impl<F, P> GrepInput<F, P> {
    pub(crate) fn new(filter: F, wanted: P) -> Self {
        Self { filter, wanted }
    }

    /// Replaces the predicate, from the next item on; POE's `modify`.
    ///
    /// The new one has the type of the old, so let that be a function pointer or a box.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use filters::{Filter, Input, Line};
    ///
    /// let wanted: Box<dyn FnMut(&Bytes) -> bool> = Box::new(|line| !line.starts_with(b"#"));
    /// let mut filter = Line::new().grep_input(wanted);
    /// let mut input = Input::new(b"#1\n2\n3\n4\n");
    /// assert_eq!(filter.decode(&mut input)?.as_deref(), Some(&b"2"[..]));
    /// let last = b"4";
    /// filter.modify(Box::new(move |line| **line == *last));
    /// assert_eq!(filter.decode(&mut input)?.as_deref(), Some(&b"4"[..]));
    /// # Ok::<(), filters::FilterError>(())
    /// ```
    pub fn modify(&mut self, wanted: P) {
        self.wanted = wanted;
    }

    fn next_with<T>(
        &mut self,
        mut next: impl FnMut(&mut F) -> Result<Option<T>, FilterError>,
    ) -> Result<Option<T>, FilterError>
    where
        P: FnMut(&T) -> bool,
    {
        while let Some(item) = next(&mut self.filter)? {
            if (self.wanted)(&item) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

impl<F, P> Filter for GrepInput<F, P>
where
    F: Filter,
    P: FnMut(&F::Item) -> bool + 'static,
{
    type Item = F::Item;
    type Out = F::Out;

    #[inline]
    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<F::Item>, FilterError> {
        self.next_with(|filter| filter.decode(input))
    }

    #[inline]
    fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<F::Item>, FilterError> {
        self.next_with(|filter| filter.finish(input))
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

/// What [`Filter::grep_output`] returns; POE's `Filter::Grep` with `Put`.
#[derive(Clone)]
pub struct GrepOutput<F, P> {
    filter: F,
    wanted: P,
}

around_a_filter!(GrepOutput<F, P>);

impl<F, P> GrepOutput<F, P> {
    pub(crate) fn new(filter: F, wanted: P) -> Self {
        Self { filter, wanted }
    }

    /// Replaces the predicate, from the next item on: see [`GrepInput::modify`].
    pub fn modify(&mut self, wanted: P) {
        self.wanted = wanted;
    }
}

impl<F, P> Filter for GrepOutput<F, P>
where
    F: Filter,
    P: FnMut(&F::Out) -> bool + 'static,
{
    type Item = F::Item;
    type Out = F::Out;

    decodes_as_the_inner_filter!();

    #[inline]
    fn encode(&mut self, item: F::Out, out: &mut Output) -> Result<(), FilterError> {
        if (self.wanted)(&item) { self.filter.encode(item, out) } else { Ok(()) }
    }
}
