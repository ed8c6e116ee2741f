//! Pausing: clients wait in the system's queue, and none is forgotten.

use std::net::SocketAddr;
use std::time::Duration;

use reactor::Clock;
use testkit::net;
use testkit::rig::{Heard, Host, Rig};
use wheels::{SocketFactory, SocketFactoryBuilder};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn clients_wait_while_accepting_is_paused_and_then_come_in_order() {
    let (mut rig, addr) = paused();
    let clients = net::connect_all(addr, 5);
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(5);
    assert_eq!(rig.peers(), locals(&clients));
}

#[test]
fn who_came_before_the_pause_and_was_not_accepted_yet_waits_too() {
    let (mut rig, addr) = Rig::listening(local());
    let clients = net::connect_all(addr, 3);
    rig.act(|host, cx| host.factory().pause_accept(cx));
    turns(&mut rig);
    assert_eq!(rig.heard(), []);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(3);
    assert_eq!(rig.peers(), locals(&clients));
}

#[test]
fn a_pause_in_the_handler_of_a_connection_holds_for_the_next_one() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| host.react(|host, cx, _| host.factory().pause_accept(cx)));
    let clients = net::connect_all(addr, 3);
    rig.run_until_established(1);
    turns(&mut rig);
    assert_eq!(rig.peers(), locals(&clients)[..1]);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    turns(&mut rig);
    assert_eq!(rig.peers(), locals(&clients)[..2]);
}

#[test]
fn a_pause_that_is_taken_back_in_the_same_handler_is_none() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| {
        host.react(|host, cx, _| {
            host.factory().pause_accept(cx);
            host.factory().resume_accept(cx);
        });
    });
    let clients = net::connect_all(addr, 5);
    rig.run_until_established(5);
    turns(&mut rig);
    assert_eq!(rig.peers(), locals(&clients), "each once");
}

#[test]
fn resuming_twice_is_resuming_once() {
    let (mut rig, addr) = paused();
    let clients = net::connect_all(addr, 3);
    turns(&mut rig);
    rig.act(|host, cx| {
        host.factory().resume_accept(cx);
        host.factory().resume_accept(cx);
    });
    rig.run_until_established(3);
    turns(&mut rig);
    assert_eq!(rig.peers(), locals(&clients));
    let late = net::connect(addr);
    rig.run_until_established(4);
    assert_eq!(rig.peers()[3], late.local_addr().unwrap());
}

#[test]
fn pausing_twice_takes_one_resume() {
    let (mut rig, addr) = paused();
    rig.act(|host, cx| host.factory().pause_accept(cx));
    let _client = net::connect(addr);
    turns(&mut rig);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(1);
}

#[test]
fn resuming_without_a_pause_changes_nothing() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, cx| host.factory().resume_accept(cx));
    turns(&mut rig);
    let client = net::connect(addr);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(1);
    turns(&mut rig);
    assert_eq!(rig.peers(), [client.local_addr().unwrap()]);
}

#[test]
fn p72_nothing_is_done_for_a_paused_listener_but_to_note_its_clients() {
    let clock = Clock::virtual_time();
    let (mut rig, addr) = Rig::listening_on(clock.clone(), local());
    rig.act(|host, cx| {
        cx.delay("never", 3 * HOUR, ());
        host.factory().pause_accept(cx);
    });
    let _clients = net::connect_all(addr, 100);
    turns(&mut rig);
    // A turn that has nothing to do moves the clock as far as it may.
    let began = clock.now();
    rig.kernel.run_one_turn(HOUR).unwrap();
    rig.kernel.run_one_turn(HOUR).unwrap();
    assert_eq!(clock.now() - began, 2 * HOUR);
    rig.act(|host, cx| host.factory().resume_accept(cx));
    rig.run_until_established(100);
}

#[test]
fn a_paused_listener_keeps_its_session_alive_and_may_be_dropped() {
    let (mut rig, addr) = paused();
    let mut waiting = net::connect(addr);
    turns(&mut rig);
    assert!(rig.is_alive());
    rig.act(|host, _| host.factories.clear());
    rig.run_to_end();
    assert_eq!(rig.heard(), [Heard::Stopped]);
    net::read_to_end(&mut waiting);
}

#[test]
fn a_paused_listener_knows_its_address() {
    let (mut rig, addr) = paused();
    assert_eq!(rig.act(|host, cx| host.factory().local_addr(cx)), Some(addr.into()));
}

#[test]
fn a_listener_paused_in_the_middle_of_a_burst_goes_on_where_it_stopped() {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, _| {
        let mut count = 0;
        host.react(move |host, cx, heard| match heard {
            Heard::Established { .. } => {
                count += 1;
                if count % 30 == 0 {
                    host.factory().pause_accept(cx);
                    Host::say(cx, "go on");
                }
            }
            Heard::Word(_) => host.factory().resume_accept(cx),
            Heard::Failed(_) | Heard::Came(_) | Heard::Stopped => {}
        });
    });
    let clients = net::connect_all(addr, 200);
    rig.run_until_established(200);
    assert_eq!(rig.peers(), locals(&clients));
    assert_eq!(rig.kernel.stats().notices, 1);
}

fn paused() -> (Rig, SocketAddr) {
    let (mut rig, addr) = Rig::listening(local());
    rig.act(|host, cx| host.factory().pause_accept(cx));
    (rig, addr)
}

fn local() -> SocketFactoryBuilder {
    SocketFactory::builder().bind_address("127.0.0.1")
}

fn locals(clients: &[std::net::TcpStream]) -> Vec<SocketAddr> {
    clients.iter().map(|client| client.local_addr().unwrap()).collect()
}

fn turns(rig: &mut Rig) {
    for _ in 0..5 {
        rig.turn();
    }
}
