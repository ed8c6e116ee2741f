//! Names, resolved by databases and a server that are the test's own.
//!
//! Each test is a process of its own in namespaces of its own ([`testkit::private`]), and the only name
//! server is the test's (`server.rs`).

mod databases;
mod hosts;
mod server;
mod shared;
mod stuck;

use std::process::ExitCode;

use testkit::private::{self, Test};

macro_rules! tests {
    ($($module:ident: $($test:ident),+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+),+]
    };
}

const TESTS: &[Test] = tests! {
    databases:
        services_and_protocols_are_those_of_the_machine,
        a_port_of_a_service_goes_with_every_address_of_a_host,
        without_databases_hosts_are_found_and_nothing_else_but_the_usual_protocols;
    hosts:
        a_name_of_both_families_is_connected_to_where_somebody_listens,
        an_address_that_is_there_twice_is_tried_once,
        a_name_that_nobody_has_is_told_in_the_systems_words,
        a_name_without_an_address_of_the_family_that_was_asked_for_is_a_failure,
        a_server_that_cannot_be_reached_is_a_failure_that_may_pass;
    shared:
        a_hundred_wheels_ask_once_and_all_are_answered,
        an_answer_is_not_kept_for_who_asks_later,
        who_tries_again_as_soon_as_it_has_failed_asks_anew,
        one_that_gives_up_leaves_the_lookup_to_the_others;
    stuck:
        p52_timers_tick_while_a_server_is_silent,
        p52_a_silent_server_is_given_up_at_the_time_that_was_set,
        p52_a_lookup_that_was_dropped_before_it_began_never_begins;
};

fn main() -> ExitCode {
    private::main(TESTS, || Ok(()))
}
