//! What a limit of time costs a packet: two streams of one kernel that send each other one byte to and fro,
//! with system calls. The cost is the difference of the two.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::Criterion;
use reactor::{Context, Event, Kernel, States};
use wheels::filter::Stream;
use wheels::{Failure, Input, ReadWrite};

const GOT: Event<Input<Bytes>> = Event::new("got");
const FAILED: Event<Failure> = Event::new("failed");

pub(crate) fn all(c: &mut Criterion) {
    let mut group = c.benchmark_group("packet");
    group.bench_function("no limit", |b| b.iter_custom(|times| send(times, None)));
    let idle = Duration::from_secs(60);
    group.bench_function("idle timeout", |b| b.iter_custom(|times| send(times, Some(idle))));
    group.finish();
}

struct Pair {
    left: u64,
    wheels: Vec<ReadWrite<Stream>>,
}

impl Pair {
    fn got(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if self.left == 0 {
            self.wheels.clear();
            return;
        }
        self.left -= 1;
        if let Some(wheel) = self.wheels.iter().find(|wheel| wheel.id() == input.wheel) {
            let _put = wheel.put(cx, input.item);
        }
    }
}

/// The time of so many packets, each read and answered.
fn send(times: u64, idle: Option<Duration>) -> Duration {
    let states = States::new()
        .try_on("_start", move |pair: &mut Pair, cx: &mut Context<'_>, ()| {
            for end in <[UnixStream; 2]>::from(UnixStream::pair()?) {
                let builder = ReadWrite::builder(end).idle_timeout(idle);
                pair.wheels.push(builder.build(cx, &GOT, &FAILED));
            }
            let _put = pair.wheels[0].put(cx, Bytes::from_static(b"x"));
            std::io::Result::Ok(())
        })
        .on(&GOT, Pair::got);
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&states, Pair { left: times, wheels: Vec::new() });
    let begin = Instant::now();
    kernel.run().expect("run");
    begin.elapsed()
}
