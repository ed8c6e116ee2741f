//! What has come of a connect by the time that its time is up.

use std::time::Duration;

use reactor::Clock;
use testkit::net::{self, Refusing};
use testkit::rig::{Rig, cause};
use wheels::Operation;

use crate::connect::to;

const ECONNREFUSED: i32 = 111;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_refusal_that_is_seen_when_the_time_is_up_is_told_as_what_it_is() {
    let nobody = Refusing::new();
    let clock = Clock::virtual_time();
    let builder = to(nobody.addr).connect_timeout(SECOND);
    let rig = Rig::start_on(clock.clone(), move |host, cx| {
        host.build(cx, builder);
    });
    clock.advance(2 * SECOND);
    assert_eq!(cause(&rig.only_failure()), (Operation::Connect, ECONNREFUSED));
}

#[test]
fn a_connection_that_is_seen_when_the_time_is_up_is_made_all_the_same() {
    let (_listener, addr) = net::listener();
    let clock = Clock::virtual_time();
    let mut rig = Rig::start_on(clock.clone(), move |host, cx| {
        host.build(cx, to(addr).connect_timeout(SECOND));
    });
    clock.advance(2 * SECOND);
    rig.run_to_end();
    assert_eq!(rig.peers(), [addr]);
    assert_eq!(rig.failures(), []);
}
