//! Nanoseconds for what a kernel does all day, with next to no system calls but in `packet`.
//!
//! `cargo bench -p bench --bench micro [-- NAME]`. A thousand events wait at any time, so that the turn's
//! own cost is spread as it is in a busy server; `one at a time` is the contrary.

mod events;
mod limits;
mod threads;
mod timers;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = micro;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = events::queued, events::call, events::direct, events::spawn, timers::all, threads::all, limits::all
}
criterion_main!(micro);
