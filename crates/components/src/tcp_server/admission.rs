//! How many connections there are, and how many there may be, in all and of one address.
//!
//! Owns the counts. Never pauses a listener and never closes a connection: `door.rs` does.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use wheels::Address;

#[derive(Debug, Default)]
pub(super) struct Admission {
    pub(super) most: Option<usize>,
    pub(super) most_per_address: Option<usize>,
    count: usize,
    /// Of those that have an address, if it matters. No count is zero.
    by_address: HashMap<IpAddr, usize>,
}

impl Admission {
    pub(super) fn new(most: Option<usize>, most_per_address: Option<usize>) -> Self {
        Self { most, most_per_address, ..Self::default() }
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.count >= most)
    }

    /// Whether there are as many of this address as there may be.
    pub(super) fn is_crowded(&self, peer: &Address) -> bool {
        let Some(most) = self.most_per_address else { return false };
        let Some(host) = host(peer) else { return false };
        self.by_address.get(&host).copied().unwrap_or(0) >= most
    }

    pub(super) fn enter(&mut self, peer: &Address) {
        self.count += 1;
        if self.most_per_address.is_some()
            && let Some(host) = host(peer)
        {
            *self.by_address.entry(host).or_default() += 1;
        }
    }

    /// One that entered is gone.
    pub(super) fn leave(&mut self, peer: &Address) {
        debug_assert!(self.count > 0, "who leaves has entered");
        self.count = self.count.saturating_sub(1);
        let Some(host) = host(peer) else { return };
        if let Some(count) = self.by_address.get_mut(&host) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&host);
            }
        }
    }

    /// One of which nothing is known is gone; says whether there was any.
    pub(super) const fn leave_unknown(&mut self) -> bool {
        let any = self.count > 0;
        self.count = self.count.saturating_sub(1);
        any
    }
}

/// What counts as one address: of IPv6 a network of 64 bits, all of which is one customer's as a rule.
/// `None` of what has no address.
fn host(peer: &Address) -> Option<IpAddr> {
    Some(match peer.ip()?.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    })
}

#[cfg(test)]
mod tests;
