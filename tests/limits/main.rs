//! Descriptors, their limits and leaks: what the whole process has.
//!
//! One thread, one test after another, because the limit (`RLIMIT_NOFILE`) and the list of what is open
//! belong to the process. Arguments are parts of names, as with the usual harness: with some given, the
//! tests run that have one of them.

mod churn;
mod clients;
mod drops;
mod each_call;
mod exhaustion;
mod idle;
mod inherit;
mod no_permission;
mod no_thread;
mod nofile;
mod passing;
mod piped;
mod remains;
mod reused_number;
mod servers;
mod slow_loris;
mod unix_paths;
mod wall_clock;
mod watches;

use std::panic;
use std::process::ExitCode;

macro_rules! tests {
    ($($module:ident: $($test:ident),+;)+) => {
        &[$($((concat!(stringify!($module), "::", stringify!($test)), $module::$test)),+),+]
    };
}

const TESTS: &[(&str, fn())] = tests! {
    exhaustion:
        p01_everybody_is_served_or_turned_away_and_the_listener_goes_on,
        p01_a_listener_of_somebody_else_goes_on_too,
        p01_in_real_time_nobody_hangs_and_the_loop_does_not_spin,
        p01_a_full_table_that_nobody_waits_at_costs_nothing,
        p01_a_flood_at_a_full_table_is_told_once_in_five_seconds,
        p01_without_a_reserve_clients_wait_and_get_it_as_soon_as_there_is_room,
        p01_a_crowd_too_large_for_one_rest_is_turned_away_in_several,
        a_factory_that_gets_no_descriptor_says_so,
        a_kernel_that_gets_no_descriptor_is_an_error;
    each_call:
        p39_whichever_call_fails_all_sockets_are_there_or_none,
        p39_whichever_call_fails_a_connect_ends_once_and_leaves_nothing;
    clients:
        a_thousand_connections_of_a_client_leave_nothing,
        p62_a_thousand_clients_that_lose_their_server_come_back_spread_out;
    reused_number:
        p20_a_notice_for_a_closed_descriptor_is_not_the_next_owners,
        p20_what_a_wheel_that_panicked_watched_is_the_next_owners;
    no_permission:
        a_port_for_the_privileged_is_refused,
        a_path_that_one_may_not_go_is_refused,
        an_option_for_the_privileged_is_refused;
    remains:
        p39_every_failure_of_a_build_gives_its_descriptors_back,
        a_refused_connect_is_closed_before_it_is_told,
        a_listener_that_ends_closes_its_socket_and_its_reserve,
        a_wheel_on_a_listener_closes_it_and_what_is_no_listener,
        a_connection_is_the_sessions_alone,
        a_factory_dropped_on_its_way_closes_its_socket,
        a_kernel_that_is_dropped_closes_all,
        a_session_that_stops_closes_all;
    servers:
        p43_a_server_sends_a_thousand_slow_clients_away_and_serves_the_good_one,
        p61_five_hundred_idle_clients_go_at_once_and_fifty_busy_ones_finish,
        p61_nothing_is_left_after_the_deadline,
        p01_a_server_without_descriptors_turns_clients_away_and_goes_on,
        two_thousand_connections_of_a_server_leave_nothing;
    slow_loris:
        p43_a_thousand_slow_clients_go_at_the_deadline_and_a_good_one_is_served;
    no_thread:
        what_is_known_already_takes_no_thread_and_a_job_takes_one;
    watches:
        watches_that_end_in_any_way_leave_nothing,
        p20_a_notice_for_a_watch_that_ended_is_not_the_next_owners,
        p40_standard_input_is_watched_whatever_it_is_and_p41_stays_as_it_is,
        an_edge_triggered_outer_loop_misses_nothing_though_more_is_ready_than_fits;
    drops:
        wheels_dropped_at_any_stage_leave_nothing;
    inherit:
        p64_readiness_comes_by_epoll_and_nothing_asks_for_io_uring,
        p67_every_descriptor_is_closed_on_exec_and_every_socket_does_not_block;
    wall_clock:
        alarms_by_the_wall_clock_have_one_descriptor_and_only_if_there_are_any,
        without_a_descriptor_alarms_by_the_wall_clock_ring_all_the_same;
    passing:
        p28_at_a_full_table_the_message_comes_and_says_that_it_has_lost_descriptors,
        p28_ten_thousand_messages_with_descriptors_leave_nothing,
        p28_descriptors_that_nobody_asked_for_are_never_here,
        p28_descriptors_are_here_one_message_at_a_time,
        p28_a_wheel_that_is_dropped_closes_what_it_has_not_sent;
    piped:
        p14_a_proxy_keeps_no_more_than_two_high_marks_for_a_reader_that_is_slow,
        pipes_that_end_in_any_way_leave_nothing;
    unix_paths:
        p08_who_may_not_write_to_the_folder_changes_nothing,
        p08_a_dead_socket_that_we_may_not_ask_or_not_remove_stays,
        p08_who_has_given_privileges_up_repairs_and_widens_its_own,
        p10_a_path_is_found_again_wherever_the_process_has_gone,
        p10_a_path_costs_one_descriptor_and_none_is_left,
        p11_the_mode_is_exact_under_any_umask,
        p11_the_rights_are_never_wider_not_for_a_moment,
        p11_a_path_that_cannot_get_its_mode_is_not_there,
        p39_without_a_descriptor_to_spare_nothing_is_left_behind;
    idle:
        a_thousand_idle_connections_wake_nobody;
    churn:
        ten_thousand_connections_leave_nothing;
};

fn main() -> ExitCode {
    if piped::is_proxy() {
        return ExitCode::SUCCESS;
    }
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part));
    let (wanted, others): (Vec<_>, Vec<_>) = TESTS.iter().partition(|(name, _)| is_wanted(name));

    println!("\nrunning {} tests", wanted.len());
    let mut failed = Vec::new();
    for (name, test) in &wanted {
        let passed = panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    failed.iter().for_each(|name| println!("failed: {name}"));
    println!(
        "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        wanted.len() - failed.len(),
        failed.len(),
        others.len(),
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
