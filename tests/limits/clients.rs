//! Clients that connect again and again.

use std::net::TcpListener;
use std::time::Duration;

use components::{Reconnect, Server, TcpClient};
use reactor::Kernel;
use testkit::leak::{self, Descriptors};
use testkit::net::{self, Peer};
use wheels::filter::Line;

const CONNECTIONS: usize = 1_000;

/// What a second round may add.
const GROWTH: usize = 256 * 1024;

pub(crate) fn a_thousand_connections_of_a_client_leave_nothing() {
    let before = Descriptors::note();
    let mut kernel = Kernel::new().expect("a kernel");
    let quiet = Descriptors::note();
    let mut round = || {
        let (listener, addr) = net::listener();
        let peer = Peer::play(move || (0..CONNECTIONS).for_each(|number| play(&listener, number)));
        TcpClient::new(Line::new)
            .connect(addr)
            .keep_unsent()
            .reconnect(Reconnect::new().first(Duration::ZERO).most(Duration::ZERO))
            .connected(|count: &mut usize, server: &mut Server<'_, Line>| {
                server.put("hello");
                *count += 1;
                // Of three ends one is ours.
                if *count == CONNECTIONS {
                    server.shutdown();
                } else if count.is_multiple_of(3) {
                    server.reconnect();
                }
            })
            .server_error(|_, _, _| {})
            .spawn(&mut kernel, 0);
        peer.run(&mut kernel);
        net::run_until_kernel(&mut kernel, "its end", |kernel| kernel.session_count() == 0);
        assert_eq!(kernel.wheel_count(), 0);
        quiet.assert_same();
        leak::private_memory()
    };
    let first = round();
    let second = round();
    let grown = second.saturating_sub(first);
    assert!(grown <= GROWTH, "{first} bytes, and then {grown} more");
    drop(kernel);
    before.assert_same();
}

/// The server's end of a connection.
fn play(listener: &TcpListener, number: usize) {
    let mut stream = net::accept(listener);
    net::read_exact(&mut stream, 7);
    if number.is_multiple_of(2) {
        net::reset(stream);
    }
}
