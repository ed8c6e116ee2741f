//! The example servers on networks that do not exist: many runs of each, all of them different, and each of
//! them can be had again by its seed.
//!
//! ```text
//! cargo test -p examples --test simulation                        # a few of each
//! SEEDS=1000 cargo test -p examples --test simulation --release   # so many of each
//! SECONDS=180 FIRST=1000000 cargo test ...                        # for so long, from this seed on
//! SEED=4711 SCENARIO=chat cargo test ...                          # one that failed
//! ```

mod client;
mod driver;
mod echoes;
mod journal;
mod stage;
mod trouble;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../echo_server.rs"]
mod echo_server;

#[expect(dead_code, reason = "its `main` is not ours")]
#[path = "../../rot13_server.rs"]
mod rot13_server;

use std::process::ExitCode;

use driver::Scenario;

const SCENARIOS: &[Scenario] =
    &[("echo", echoes::bytes), ("lines", echoes::lines), ("rot13", echoes::rot13)];

fn main() -> ExitCode {
    driver::run(SCENARIOS)
}
