//! A server that says nothing.

use std::net::Ipv4Addr;
use std::time::Duration;

use reactor::{Clock, Context};
use testkit::net;
use testkit::private;
use testkit::rig::{Heard, Host, Rig, cause};
use wheels::{Operation, SocketFactory, SocketFactoryBuilder};

use crate::server::Server;

const ETIMEDOUT: i32 = 110;

fn seek(name: &str, port: u16) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(name).remote_port(port)
}

/// Ticks every millisecond as long as there is a factory.
fn tick(host: &mut Host, cx: &mut Context<'_>) {
    cx.delay("word", Duration::from_millis(1), "tick");
    host.react(|host, cx, heard| match heard {
        Heard::Word("tick") if !host.factories.is_empty() => {
            cx.delay("word", Duration::from_millis(1), "tick");
        }
        Heard::Failed(_) => host.factories.clear(),
        _ => {}
    });
}

fn ticks(heard: &[Heard]) -> usize {
    heard.iter().filter(|heard| **heard == Heard::Word("tick")).count()
}

pub(crate) fn p52_timers_tick_while_a_server_is_silent() {
    private::names("");
    let mut server = Server::start();
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, seek("silent.test", 1).resolve_timeout(Duration::from_secs(3_600)));
        tick(host, cx);
    });
    server.await_lookups(&mut rig.kernel, "silent.test", 1);
    let before = ticks(&rig.heard());
    rig.run_until("a hundred ticks", |heard| ticks(heard) >= before + 100);
    // Whoever is dropped hears nothing, and does not wait for the thread that is stuck.
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
    let heard = rig.heard();
    assert_eq!(heard.len(), ticks(&heard) + 1, "ticks and the end: {heard:?}");
    assert_eq!(server.count("silent.test"), 1);
}

pub(crate) fn p52_a_silent_server_is_given_up_at_the_time_that_was_set() {
    private::names("");
    let _server = Server::start();
    let mut rig = Rig::start_on(Clock::virtual_time(), |host, cx| {
        tick(host, cx);
        host.build(cx, seek("silent.test", 1).resolve_timeout(Duration::from_millis(1_000)));
    });
    rig.run_to_end();
    let heard = rig.heard();
    let place = heard.iter().position(|heard| matches!(heard, Heard::Failed(_)));
    // The last tick and the end of patience are due at once; the tick was set later.
    assert_eq!(place, Some(999), "{heard:?}");
    assert_eq!(ticks(&heard[..999]), 999);
    let [failure] = &rig.failures()[..] else { panic!("{heard:?}") };
    assert_eq!(cause(failure), (Operation::GetAddrInfo, ETIMEDOUT));
    assert_eq!(failure.to_string(), "getaddrinfo: no answer within 1s");
}

pub(crate) fn p52_a_lookup_that_was_dropped_before_it_began_never_begins() {
    private::names("");
    let mut server = Server::start();
    let (_listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        Host::stay(cx);
        for name in STUCK {
            host.build(cx, seek(name, addr.port()));
        }
    });
    for name in STUCK {
        server.await_lookups(&mut rig.kernel, name, 1);
    }
    // No thread is left for these.
    rig.act(move |host, cx| {
        host.build(cx, seek("dropped.test", addr.port()));
        host.build(cx, seek("last.test", addr.port()));
        drop(host.factories.remove(STUCK.len()));
    });
    server.speak_until(&mut rig, Some(Ipv4Addr::LOCALHOST), STUCK.len() + 1);
    assert_eq!(rig.peers(), vec![addr; STUCK.len() + 1]);
    assert_eq!(server.count("last.test"), 1);
    assert_eq!(server.count("dropped.test"), 0);
}

const STUCK: [&str; 4] = ["one.test", "two.test", "three.test", "four.test"];
