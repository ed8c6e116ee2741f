//! The example servers on networks that do not exist: many runs of each, all of them different, and each of
//! them can be had again by its seed.
//!
//! ```text
//! cargo test -p examples --test simulation                        # a few of each
//! SEEDS=1000 cargo test -p examples --test simulation --release   # so many of each
//! SECONDS=180 FIRST=1000000 cargo test ...                        # for so long, from this seed on
//! SEED=4711 SCENARIO=chat cargo test ...                          # one that failed
//! ```

mod chats;
mod client;
mod crowd;
mod datagrams;
mod driver;
mod echoes;
mod journal;
mod queues;
mod sites;
mod stage;
mod trouble;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../chat_server.rs"]
mod chat_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../echo_server.rs"]
mod echo_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../rot13_server.rs"]
mod rot13_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../tcp_proxy.rs"]
mod tcp_proxy;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../ports/proxy.rs"]
mod port_proxy;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../http_server/main.rs"]
mod http_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../udp_echo.rs"]
mod udp_echo;

#[expect(dead_code, reason = "others ask whether it is empty")]
#[path = "../folder/mod.rs"]
mod folder;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../multi_listen.rs"]
mod multi_listen;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../ports/line_chat.rs"]
mod line_chat;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../ports/tcp_server.rs"]
mod port_tcp_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../job_queue.rs"]
mod job_queue;

use std::process::ExitCode;

use driver::Scenario;

const SCENARIOS: &[Scenario] = &[
    ("echo", echoes::bytes),
    ("lines", echoes::lines),
    ("rot13", echoes::rot13),
    ("proxy", echoes::proxied),
    ("proxies", echoes::proxied_twice),
    ("http", sites::files),
    ("udp", datagrams::echo),
    ("jobs", queues::jobs),
    ("doors", echoes::doors),
    ("two", echoes::two_at_a_time),
    ("line_chat", chats::one_room),
    ("chat", chats::rooms),
];

/// Only if it is asked for by its name.
const LARGE: &[Scenario] = &[("crowd", crowd::chat)];

fn main() -> ExitCode {
    driver::run(SCENARIOS, LARGE)
}
