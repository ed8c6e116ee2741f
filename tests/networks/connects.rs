//! One address, and nobody who answers.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::net::Silent;
use testkit::private::{SILENT_V4, SILENT_V6};
use testkit::rig::{Heard, cause};
use wheels::{Operation, SocketFactory};

use crate::stage::Stage;

const ETIMEDOUT: i32 = 110;

const MINUTE: Duration = Duration::from_secs(60);
const INSTANT: Duration = Duration::from_millis(1);

pub(crate) fn p05_a_connect_that_nobody_answers_is_nothing_until_its_time_is_up() {
    let nobody = [SocketAddr::new(SILENT_V4.into(), 7), SocketAddr::new(SILENT_V6.into(), 7)];
    for addr in nobody {
        let mut stage = Stage::begin(move |host, cx| {
            host.build(cx, SocketFactory::connect(addr));
        });
        stage.advance(MINUTE - INSTANT);
        assert_eq!((stage.rig.heard(), stage.sockets()), (vec![], 1));
        stage.advance(INSTANT);
        let [Heard::Failed(failure), Heard::Stopped] = &stage.rig.heard()[..] else {
            panic!("{:?}", stage.rig.heard());
        };
        assert_eq!(cause(failure), (Operation::Connect, ETIMEDOUT));
        assert_eq!(failure.errstr, "Connection timed out");
        stage.run_to_end();
    }
}

pub(crate) fn p05_a_connect_that_is_answered_late_is_made() {
    let full = Silent::new();
    let addr = full.addr;
    let mut stage = Stage::begin(move |host, cx| {
        host.build(cx, SocketFactory::connect(addr));
    });
    stage.advance(MINUTE - INSTANT);
    assert_eq!(stage.rig.heard(), []);
    let _accepted = full.admit();
    stage.rig.run_until_established(1);
    assert_eq!(stage.rig.peers(), [addr]);
}
