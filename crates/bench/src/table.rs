//! Figures: samples of rounds, and the lines they are printed as.
//!
//! Noise on a shared machine only ever adds, so the smallest cost of N rounds is the steadiest
//! figure; the median says what a usual round was like.

use std::time::Duration;

/// One server's rounds in one scenario.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// CPU per request, in microseconds, in the order of the rounds.
    cpu: Vec<f64>,
    /// Requests per second.
    rate: Vec<f64>,
}

impl Samples {
    /// Adds a round: what it cost the server, how many requests it had, how long it took.
    pub fn add(&mut self, cpu_nanos: u64, requests: u64, elapsed: Duration) {
        self.cpu.push(cpu_nanos as f64 / 1e3 / requests as f64);
        self.rate.push(requests as f64 / elapsed.as_secs_f64());
    }

    fn best(&self) -> f64 {
        self.cpu.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The median of the ratios of rounds run side by side.
    fn median_ratio(&self, reference: &Self) -> f64 {
        median(self.cpu.iter().zip(&reference.cpu).map(|(own, other)| own / other).collect())
    }
}

/// The table of one scenario; the first server is what the others are compared with.
#[must_use]
pub fn echo_table(title: &str, rows: &[(&str, Samples)]) -> String {
    let mut table = format!(
        "\n{title}\n{:<24} {:>10} {:>10} {:>12} {:>8} {:>12}\n",
        "server", "us best", "us median", "requests/s", "ratio", "round ratio"
    );
    let Some((_, reference)) = rows.first() else {
        return table;
    };
    for (name, samples) in rows {
        table += &format!(
            "{name:<24} {:>10.3} {:>10.3} {:>12.0} {:>8.3} {:>12.3}\n",
            samples.best(),
            median(samples.cpu.clone()),
            median(samples.rate.clone()),
            samples.best() / reference.best(),
            samples.median_ratio(reference),
        );
    }
    table
}

/// The table of one scenario by what a core can do: requests per second of the server's CPU. The first
/// server is what the others are compared with; more than 1 is better than it.
#[must_use]
pub fn rate_table(title: &str, rows: &[(&str, Samples)]) -> String {
    let mut table = format!(
        "\n{title}\n{:<24} {:>12} {:>12} {:>12} {:>8} {:>12}\n",
        "server", "best", "median", "requests/s", "ratio", "round ratio"
    );
    let Some((_, reference)) = rows.first() else {
        return table;
    };
    for (name, samples) in rows {
        table += &format!(
            "{name:<24} {:>12.0} {:>12.0} {:>12.0} {:>8.3} {:>12.3}\n",
            1e6 / samples.best(),
            1e6 / median(samples.cpu.clone()),
            median(samples.rate.clone()),
            reference.best() / samples.best(),
            reference.median_ratio(samples),
        );
    }
    table
}

/// The middle value, the lower of two; NaN if there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
