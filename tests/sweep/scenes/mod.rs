//! The scenarios.

mod components;
mod connecting;
mod datagrams;
mod listening;
mod streams;
mod system;

use crate::run::Scene;

macro_rules! scenes {
    ($($module:ident: $($scene:ident),+;)+) => {
        &[$($((stringify!($scene), $module::$scene as Scene)),+),+]
    };
}

/// How much a short call moves, in bytes or messages: where there is much, one byte each would take for ever.
pub(crate) fn bite_of(scene: &str) -> usize {
    if ["echo_much", "proxy_by_splice", "pressure"].contains(&scene) { 1009 } else { 1 }
}

pub(crate) const SCENES: &[(&str, Scene)] = scenes! {
    listening:
        listen,
        listen_at_several,
        listen_on_a_fresh_path,
        listen_on_a_stale_path,
        listen_on_a_taken_path,
        listen_with_a_mode,
        adopt_a_listener,
        accept_a_burst,
        pause_accepting,
        listen_everywhere;
    connecting:
        connect_by_address,
        connect_by_path,
        connect_by_localhost,
        connect_refused,
        connect_races,
        connect_with_options,
        connect_to_a_full_queue,
        connect_from_a_path,
        connect_by_protocol;
    streams:
        echo_lines,
        echo_much,
        half_close,
        shutdown_with_unread_input,
        abort,
        pipes_and_files,
        proxy_by_splice,
        proxy_of_lines,
        a_file,
        silence,
        pressure;
    datagrams:
        udp,
        udp_connected,
        udp_batches,
        unix_datagrams,
        pass_descriptors,
        messages_of_a_connection,
        unix_datagrams_too_many;
    components:
        server_and_clients,
        server_at_its_limits,
        server_drains,
        server_with_sessions,
        client_comes_back,
        client_by_name,
        server_refuses,
        server_on_a_path,
        server_accepts_and_no_more,
        server_ends_by_a_signal,
        client_gives_up;
    system:
        child,
        children,
        handover,
        signals,
        timers,
        wall_alarms,
        watches,
        remote_posts,
        jobs;
};
