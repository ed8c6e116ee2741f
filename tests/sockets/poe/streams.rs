//! `wheel_sf_tcp`, `wheel_sf_unix`, `wheel_sf_ipv6` and `ferrari-server-unix`.

use testkit::machine::has_ipv6;
use testkit::rig::{Heard, Rig};
use testkit::unix::Folder;
use wheels::{Address, SocketFactory};

use super::talk;

/// What everybody saw, whoever carried it: each of the two ends saw it in this order.
fn check(told: &[String]) {
    let of = |who: &str| -> Vec<&str> {
        told.iter().filter_map(|line| line.strip_prefix(who)).collect()
    };
    let server = ["a client", "_child Create", "_child Lose"];
    assert_eq!(of("server: "), server, "one client, whose session is the one that was lost");
    assert_eq!(of("connection: "), ["read, error 0", "2 put, 2 flushed"]);
    let client = [
        "19 octets to send",
        "got 1, \"guvf vf n grfg\"",
        "got 2, \"this is a test\"",
        "2 put, 2 flushed",
    ];
    assert_eq!(of("client: "), client, "and no failure");
    assert_eq!(told.len(), 9, "{told:?}");
}

#[test]
fn wheel_sf_tcp() {
    let server = SocketFactory::builder().bind_address("127.0.0.1").bind_port(0).reuse(true);
    let client = |server: Address| {
        assert_eq!(server.ip(), Some([127, 0, 0, 1].into()));
        SocketFactory::connect(server)
    };
    check(&talk::between(server, client));
}

#[test]
fn wheel_sf_unix() {
    let folder = Folder::new();
    let path = folder.at("socket");
    let server = SocketFactory::unix_listen(&path);
    check(&talk::between(server, |_| SocketFactory::unix_connect(&path)));
    // There the test has to unlink it.
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn wheel_sf_ipv6() {
    if !has_ipv6("wheel_sf_ipv6") {
        return;
    }
    let server = SocketFactory::listen("[::1]:0");
    let client = |server| SocketFactory::connect(server).bind_address("::1");
    check(&talk::between(server, client));
}

#[test]
fn ferrari_server_unix() {
    // A server at a path that is told to end before the loop runs. Its port, a zero there, would be a
    // failure here: a path has none.
    let folder = Folder::new();
    let builder = SocketFactory::unix_listen(folder.at("socket"));
    let (mut rig, warnings) = testkit::logs::capture_warnings(|| {
        let mut rig = Rig::start(|host, cx| {
            host.build(cx, builder);
        });
        rig.act(|host, _| host.factories.clear());
        rig.run_to_end();
        rig
    });
    assert_eq!((rig.heard(), warnings), (vec![Heard::Stopped], vec![]));
    assert_eq!(folder.names(), [""; 0]);
    rig.turn();
}
