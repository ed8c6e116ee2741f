//! What this machine has, for tests of what not every machine has.
//!
//! A test that cannot be run says so where the harness cannot swallow it, and passes.

use std::fs;
use std::io::Write;
use std::net::{Ipv6Addr, TcpListener};

/// Says that a part of a test was left out, and why.
pub fn skip(test: &str, why: &str) {
    // The harness captures what the macros print, and nothing else.
    let line = format!("{test}: skipped: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error");
}

/// Whether there is IPv6; if not, says that `test` is skipped.
pub fn has_ipv6(test: &str) -> bool {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => true,
        Err(error) => {
            skip(test, &format!("no IPv6: {error}"));
            false
        }
    }
}

/// The names and ports of the services that go by TCP or by UDP, services(5). If there are none, says
/// that `test` is skipped.
pub fn services(test: &str, protocol: &str) -> Vec<(String, u16)> {
    let database = fs::read_to_string("/etc/services").unwrap_or_default();
    let services = database.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let name = words.next()?;
        let (port, its) = words.next()?.split_once('/')?;
        let port = port.parse().ok().filter(|_| its == protocol)?;
        Some((name.to_owned(), port))
    });
    let services: Vec<_> = services.collect();
    if services.is_empty() {
        skip(test, "no services in /etc/services");
    }
    services
}

/// A setting of the system that is a number (`/proc/sys`).
pub fn setting(name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/sys/{name}")).ok()?;
    text.trim().parse().ok()
}
