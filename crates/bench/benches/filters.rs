//! What a filter does to a stream that is in memory already, beside the least that can be done.
//!
//! `cargo bench -p bench --bench filters`. The floor of lines finds each newline with memchr and copies the
//! line out, as an item has to be.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use filters::{Filter, Input, Line};

/// As much as is read at once.
const READ: usize = 64 * 1024;

fn lines(c: &mut Criterion) {
    for length in [20, 80, 1000] {
        let line = [vec![b'x'; length - 1], vec![b'\n']].concat();
        let text = line.repeat(READ / length);
        let mut group = c.benchmark_group(format!("lines of {length} bytes"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("memchr alone", |b| b.iter(|| split(&text, |_| ())));
        group.bench_function("memchr, each copied out", |b| {
            b.iter(|| split(&text, |line| drop(black_box(Bytes::copy_from_slice(line)))));
        });
        group.bench_function("Line, LF", |b| b.iter(|| decode(&mut Line::literal(b"\n"), &text)));
        group.bench_function("Line, any ending", |b| b.iter(|| decode(&mut Line::new(), &text)));
        group.finish();
    }
}

fn split(text: &[u8], mut take: impl FnMut(&[u8])) -> usize {
    let (mut start, mut count) = (0, 0);
    for end in memchr::memchr_iter(b'\n', text) {
        take(&text[start..end]);
        start = end + 1;
        count += 1;
    }
    count
}

fn decode(line: &mut Line, text: &[u8]) -> usize {
    let mut input = Input::new(text);
    let mut count = 0;
    while let Ok(Some(item)) = line.decode(&mut input) {
        drop(black_box(item));
        count += 1;
    }
    count
}

criterion_group! {
    name = filters;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = lines
}
criterion_main!(filters);
