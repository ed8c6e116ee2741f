//! Memory that a burst left behind is given back.

/// No list keeps more than four times what is in it, unless that is little.
#[inline]
pub(super) fn trim<T>(list: &mut Vec<T>) {
    if list.capacity() > KEPT && list.len() < list.capacity() / 4 {
        list.shrink_to(KEPT.max(list.len() * 2));
    }
}

/// Where it is time to be thorough: no list keeps more than twice what is in it.
pub(super) fn trim_well<T>(list: &mut Vec<T>) {
    if list.capacity() > KEPT && list.len() < list.capacity() / 2 {
        list.shrink_to(KEPT.max(list.len()));
    }
}

/// Places that a list keeps though it is empty: filling it again then allocates nothing.
pub(super) const KEPT: usize = 64;
