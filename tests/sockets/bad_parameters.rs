//! What is wrong from the first, where the tables of `failures.rs` and `contradictions.rs` have no row for
//! it.

use std::net::{Ipv4Addr, TcpListener};

use testkit::rig::{Rig, cause};
use wheels::{Operation, SocketFactory};

use crate::support::failure_of;

pub(crate) const EADDRINUSE: i32 = 98;

#[test]
fn the_address_of_a_near_end_may_be_taken_too() {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 6), 0)).unwrap();
    let taken = listener.local_addr().unwrap();
    let builder = SocketFactory::builder().remote_address(taken.ip()).remote_port(taken.port());
    let failure = failure_of(builder.bind_address(taken.ip()).bind_port(taken.port()));
    assert_eq!(cause(&failure), (Operation::Bind, EADDRINUSE));
}

#[test]
fn many_failures_come_in_the_order_of_their_builds() {
    let mut rig = Rig::start(|host, cx| {
        for text in ["a", "b", "c"] {
            host.build(cx, SocketFactory::listen(text));
        }
    });
    rig.run_to_end();
    let words: Vec<String> =
        rig.failures().iter().map(|failure| failure.errstr.to_string()).collect();
    let expected = ["a", "b", "c"].map(|text| format!("neither host:port nor a path: {text:?}"));
    assert_eq!(words, expected);
}
