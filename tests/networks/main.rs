//! Networks that swallow, refuse, have few ports, or have no IPv6.
//!
//! Each test is a process of its own in namespaces of its own ([`testkit::private`]), where one network
//! swallows everything that is sent to it ([`private::add_silence`]).

mod connects;
mod drops;
mod everywhere;
mod kinds;
mod ports;
mod race;
mod stage;

use std::io;
use std::process::ExitCode;

use testkit::private::{self, Test};

macro_rules! tests {
    ($($module:ident: $($test:ident),+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+),+]
    };
}

const TESTS: &[Test] = tests! {
    race:
        p53_a_silent_address_costs_a_quarter_of_a_second,
        p53_a_refused_address_is_followed_by_the_next_at_once,
        p53_all_addresses_are_tried_and_the_last_failure_says_how_many,
        p53_a_silent_address_is_waited_for_when_all_others_have_refused,
        p53_one_of_three_on_their_way_wins_and_the_others_are_closed,
        p53_when_the_time_is_up_all_on_their_way_are_closed,
        p53_a_near_end_leaves_the_addresses_of_its_family,
        p53_a_near_end_of_another_family_than_all_addresses_is_a_failure,
        p53_an_attempt_that_the_system_refuses_is_followed_by_the_next_at_once,
        p53_a_further_attempt_that_cannot_be_watched_leaves_the_first_on_its_way,
        p53_a_near_port_of_choice_is_that_of_all_attempts,
        p53_a_factory_that_is_dropped_amid_its_attempts_leaves_nothing;
    connects:
        p05_a_connect_that_nobody_answers_is_nothing_until_its_time_is_up,
        p05_a_connect_that_is_answered_late_is_made;
    ports:
        p07_who_tries_every_port_of_a_small_network_never_meets_itself,
        p74_when_no_port_is_left_it_is_told_and_one_that_is_free_again_is_used;
    everywhere:
        p54_both_families_have_one_port_and_see_their_own_addresses,
        p54_a_port_that_is_free_in_both_families_is_found_if_there_is_one,
        p54_without_a_port_that_is_free_in_both_families_it_is_a_failure,
        p54_where_ipv6_is_switched_off_ipv4_clients_are_served,
        p54_without_any_ipv6_it_listens_by_ipv4_alone;
    drops:
        p39_wheels_of_every_kind_dropped_at_any_stage_leave_nothing;
};

fn main() -> ExitCode {
    private::main(TESTS, prepare)
}

fn prepare() -> io::Result<()> {
    private::add_silence()?;
    // The system's own choice. Where it may not be set, other settings may not either.
    private::set("ipv4/ip_local_port_range", "32768 60999")
}
