//! What counts as one address.

use std::net::{IpAddr, SocketAddr};

use wheels::Address;

use super::Admission;

fn address(ip: &str) -> Address {
    let ip: IpAddr = ip.parse().expect("an address");
    SocketAddr::from((ip, 4711)).into()
}

/// Whether `second` is crowded out when `first` is there.
fn is_crowded(first: &str, second: &str) -> bool {
    let mut admission = Admission::new(None, Some(1));
    admission.enter(&address(first));
    admission.is_crowded(&address(second))
}

#[test]
fn of_ipv4_each_address_counts() {
    assert!(is_crowded("192.0.2.1", "192.0.2.1"));
    assert!(!is_crowded("192.0.2.1", "192.0.2.2"));
}

#[test]
fn of_ipv6_a_network_of_64_bits_counts() {
    assert!(is_crowded("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert!(!is_crowded("2001:db8:1:2::1", "2001:db8:1:3::1"));
}

#[test]
fn an_ipv4_address_in_the_clothes_of_ipv6_is_the_same() {
    assert!(is_crowded("::ffff:192.0.2.1", "192.0.2.1"));
    assert!(!is_crowded("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

#[test]
fn who_leaves_is_forgotten() {
    let mut admission = Admission::new(Some(2), Some(2));
    let peer = address("2001:db8::1");
    for _ in 0..3 {
        assert!(!admission.is_crowded(&peer) && !admission.is_full());
        admission.enter(&peer);
        admission.enter(&address("2001:db8::2"));
        assert!(admission.is_crowded(&peer) && admission.is_full());
        admission.leave(&peer);
        admission.leave(&peer);
    }
    assert!(admission.by_address.is_empty());
    assert_eq!(admission.count(), 0);
}
