//! The limits of time that are on by default, in virtual time, and that each can be turned off.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use reactor::{Clock, Kernel};
use testkit::net::{self, Ending};

use crate::server_kit::{FORMS, Form, House, SECOND, Server, lines};

const MILLI: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

struct Timed {
    house: House,
    clock: Clock,
    stream: TcpStream,
}

impl Timed {
    /// A server and one client.
    fn new(form: Form, server: Server) -> Self {
        let clock = Clock::virtual_time();
        let mut house = House::open_in(form, Kernel::builder().clock(clock.clone()), server);
        let stream = net::connect_narrow(house.addr());
        house.run_until_zero("connected");
        house.story.take();
        Self { house, clock, stream }
    }

    fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).expect("write");
        self.house.turns(4);
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.house.turns(4);
    }

    /// It ends for this reason after this time, and not a millisecond before.
    fn expect_after(mut self, time: Duration, reason: &str) {
        self.house.story.take();
        self.pass(time - MILLI);
        assert_eq!(self.house.story.told(), [""; 0]);
        self.pass(MILLI);
        let told = self.house.story.told();
        assert!(told[0].starts_with(reason), "{told:?}");
        assert_eq!(told[1..], ["disconnected"], "{reason}");
    }
}

#[test]
fn p42_a_silent_client_goes_after_five_minutes() {
    for form in FORMS {
        let mut timed = Timed::new(form, lines());
        timed.pass(4 * MINUTE);
        timed.send("still here\n");
        timed.expect_after(5 * MINUTE, "idle_timeout");
        let timed = Timed::new(form, lines().idle_timeout(SECOND));
        timed.expect_after(SECOND, "idle_timeout");
    }
}

#[test]
fn p43_an_unfinished_record_is_waited_for_half_a_minute() {
    for form in FORMS {
        let mut timed = Timed::new(form, lines());
        timed.send("unfinished");
        timed.pass(20 * SECOND);
        timed.send(" still");
        timed.expect_after(10 * SECOND, "frame_timeout");
    }
}

#[test]
fn a_client_that_takes_nothing_is_waited_for_a_minute() {
    for form in FORMS {
        let server = lines().client_input(|_, client, _| client.put(vec![b'x'; 12 << 20]));
        let mut timed = Timed::new(form, server);
        timed.send("much\n");
        timed.expect_after(MINUTE, "stall_timeout");
    }
}

#[test]
fn p43_a_connection_lasts_no_longer_than_a_day() {
    for form in FORMS {
        let mut timed = Timed::new(form, lines());
        for _ in 0..24 * 60 / 4 - 1 {
            timed.pass(4 * MINUTE);
            timed.send("hello\n");
            net::read_exact(&mut timed.stream, 7);
        }
        timed.expect_after(4 * MINUTE, "lifetime");
    }
}

#[test]
fn without_limits_nobody_goes() {
    for form in FORMS {
        let server = lines()
            .idle_timeout(None)
            .frame_timeout(None)
            .stall_timeout(None)
            .lifetime(None)
            .client_input(|_, client, _| client.put(vec![b'x'; 12 << 20]));
        let mut timed = Timed::new(form, server);
        timed.pass(100 * DAY);
        timed.send("unfinished");
        timed.pass(100 * DAY);
        timed.send(" and done\n");
        timed.pass(100 * DAY);
        assert_eq!(timed.house.story.told(), [""; 0], "{form:?}");
        assert_eq!(timed.house.kernel.event_count(), 0, "no timer waits for anything");
    }
}

#[test]
fn after_a_limit_what_was_put_is_sent_and_the_connection_closed() {
    for form in FORMS {
        let server = lines().client_error(|story, client, failure| {
            story.tell(failure.to_string());
            client.put("too slow");
        });
        let mut timed = Timed::new(form, server);
        timed.pass(5 * MINUTE);
        assert_eq!(timed.house.story.count("disconnected"), 1, "{form:?}");
        assert_eq!(net::read_to_end(&mut timed.stream), Ending::Closed(b"too slow\r\n".into()));
    }
}

#[test]
fn a_client_that_does_not_close_after_a_shutdown_is_lingered_for_as_long_as_told() {
    for (form, linger) in FORMS.into_iter().flat_map(|form| [(form, None), (form, Some(SECOND))]) {
        let mut server = lines().client_input(|_, client, _| client.shutdown());
        if let Some(linger) = linger {
            server = server.linger(linger);
        }
        let mut timed = Timed::new(form, server);
        timed.send("end\n");
        assert_eq!(timed.house.story.take(), ["disconnected"]);
        assert_eq!(timed.house.kernel.wheel_count(), 2, "the listener, and what lingers");
        timed.pass(linger.unwrap_or(30 * SECOND) - MILLI);
        assert_eq!(timed.house.kernel.wheel_count(), 2);
        timed.pass(MILLI);
        assert_eq!(timed.house.kernel.wheel_count(), 1, "{form:?}");
        assert_eq!(timed.house.kernel.session_count(), 1, "{form:?}");
    }
}

#[test]
fn what_a_slow_reader_does_not_take_after_a_shutdown_is_told_and_then_its_end() {
    for form in FORMS {
        let server = lines().client_input(|_, client, _| {
            client.put(vec![b'x'; 12 << 20]);
            client.shutdown();
        });
        let mut timed = Timed::new(form, server);
        timed.send("much\n");
        timed.expect_after(30 * SECOND, "shutdown");
    }
}

#[test]
fn a_client_that_goes_on_sending_is_lingered_for_no_longer() {
    for form in FORMS {
        let server = lines().client_input(|_, client, _| client.shutdown());
        let mut timed = Timed::new(form, server);
        timed.send("end\n");
        for _ in 0..29 {
            timed.send("and on\n");
            timed.pass(SECOND);
        }
        assert_eq!(timed.house.kernel.wheel_count(), 2);
        timed.pass(SECOND);
        assert_eq!(timed.house.kernel.wheel_count(), 1, "{form:?}");
        assert_eq!(timed.house.story.told(), ["disconnected"]);
    }
}
