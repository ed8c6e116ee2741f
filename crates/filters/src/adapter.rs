//! What every adapter has in common.
//!
//! Owns the ways through an adapter to the filter in it. Promises that an adapter which changes
//! items leaves all else as it was: what is pending, what the framing answers. `map.rs` is the
//! plainest adapter.

use crate::{Filter, FilterError, Output};

/// The methods of [`Filter`] that an adapter around `self.filter` leaves to it.
macro_rules! as_the_inner_filter {
    () => {
        #[inline]
        fn pending(&self) -> usize {
            self.filter.pending()
        }

        #[inline]
        fn take_pending(&mut self) -> Vec<u8> {
            self.filter.take_pending()
        }

        #[inline]
        fn has_answer(&self) -> bool {
            self.filter.has_answer()
        }

        #[inline]
        fn answer(&mut self, out: &mut Output) {
            self.filter.answer(out);
        }
    };
}
pub(crate) use as_the_inner_filter;

/// The input side of [`Filter`] that an adapter of the output leaves to `self.filter`.
macro_rules! decodes_as_the_inner_filter {
    () => {
        #[inline]
        fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<F::Item>, FilterError> {
            self.filter.decode(input)
        }

        #[inline]
        fn finish(&mut self, input: &mut Input<'_>) -> Result<Option<F::Item>, FilterError> {
            self.filter.finish(input)
        }

        #[inline]
        fn holds_items(&self) -> bool {
            self.filter.holds_items()
        }

        as_the_inner_filter!();
    };
}
pub(crate) use decodes_as_the_inner_filter;

/// The public methods that lead to `self.filter`, and a `Debug` that shows it.
macro_rules! around_a_filter {
    ($adapter:ident<$($parameter:ident),+> $(where $($bounds:tt)+)?) => {
        impl<$($parameter),+> $adapter<$($parameter),+> $(where $($bounds)+)? {
            /// Returns the filter in it.
            #[inline]
            pub fn get_ref(&self) -> &F {
                &self.filter
            }

            /// Returns the filter in it, to change its parameters.
            #[inline]
            pub fn get_mut(&mut self) -> &mut F {
                &mut self.filter
            }

            /// Takes the filter out of it. What else it holds is dropped.
            #[inline]
            pub fn into_inner(self) -> F {
                self.filter
            }
        }

        impl<$($parameter),+> std::fmt::Debug for $adapter<$($parameter),+>
        where
            F: std::fmt::Debug,
            $($($bounds)+)?
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($adapter))
                    .field("filter", &self.filter)
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use around_a_filter;

/// Encodes all of `items`, or appends nothing.
pub(crate) fn encode_all<F: Filter>(
    filter: &mut F,
    items: impl IntoIterator<Item = F::Out>,
    out: &mut Output,
) -> Result<(), FilterError> {
    let before = out.len();
    let result = items.into_iter().try_for_each(|item| filter.encode(item, out));
    if result.is_err() {
        out.rewind(before);
    }
    result
}
