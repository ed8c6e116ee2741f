//! Multicast and broadcast.

use std::net::{IpAddr, Ipv4Addr};

use rustix::io::Errno;
use socket2::SockRef;
use wheels::{Interface, Operation};

use crate::support::{Heard, Rig, udp, udp_at};

#[test]
fn a_group_is_heard_while_it_is_joined() {
    let server = udp_at("0.0.0.0:0");
    let port = server.local_addr().unwrap().port();
    let mut rig = Rig::with(server);
    let group = Ipv4Addr::new(239, 77, 1, 1);
    let by = Interface::Address(Ipv4Addr::LOCALHOST);
    rig.act(move |host, cx| host.wheel().join_multicast(cx, group.into(), by)).unwrap();
    let client = udp();
    SockRef::from(&client).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    client.send_to(b"all of you", (group, port)).unwrap();
    rig.run_until_messages(1);
    let again = rig.act(move |host, cx| host.wheel().join_multicast(cx, group.into(), by));
    assert_eq!(again.unwrap_err().raw_os_error(), Some(Errno::ADDRINUSE.raw_os_error()));

    rig.act(move |host, cx| host.wheel().leave_multicast(cx, group.into(), by)).unwrap();
    client.send_to(b"unheard", (group, port)).unwrap();
    client.send_to(b"you alone", (Ipv4Addr::LOCALHOST, port)).unwrap();
    rig.run_until_messages(2);
    assert_eq!(rig.payloads(), [&b"all of you"[..], b"you alone"]);
    let left = rig.act(move |host, cx| host.wheel().leave_multicast(cx, group.into(), by));
    assert_eq!(left.unwrap_err().raw_os_error(), Some(Errno::ADDRNOTAVAIL.raw_os_error()));
    rig.end();
}

#[test]
fn a_group_that_only_others_have_joined_is_not_heard() {
    let (server, other, client) = (udp_at("0.0.0.0:0"), udp(), udp());
    let port = server.local_addr().unwrap().port();
    let (ours, theirs) = (Ipv4Addr::new(239, 77, 1, 2), Ipv4Addr::new(239, 77, 1, 3));
    let by = Interface::Address(Ipv4Addr::LOCALHOST);
    for group in [ours, theirs] {
        other.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    }
    SockRef::from(&client).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let mut rig = Rig::with(server);
    rig.act(move |host, cx| host.wheel().join_multicast(cx, ours.into(), by)).unwrap();
    client.send_to(b"theirs", (theirs, port)).unwrap();
    client.send_to(b"ours", (ours, port)).unwrap();
    rig.run_until_messages(1);
    rig.act(move |host, cx| host.wheel().leave_multicast(cx, ours.into(), by)).unwrap();
    client.send_to(b"ours no more", (ours, port)).unwrap();
    client.send_to(b"you alone", (Ipv4Addr::LOCALHOST, port)).unwrap();
    rig.run_until_messages(2);
    assert_eq!(rig.payloads(), [&b"ours"[..], b"you alone"]);
    rig.end();
}

#[test]
fn a_group_of_ipv6_is_joined_once_and_left_once() {
    let mut rig = Rig::with(udp_at("[::]:0"));
    // Within the first interface, which is that of loopback.
    let (group, by) = ("ff01::7701".parse::<IpAddr>().unwrap(), Interface::Index(1));
    let join = |rig: &mut Rig| rig.act(move |host, cx| host.wheel().join_multicast(cx, group, by));
    let leave =
        |rig: &mut Rig| rig.act(move |host, cx| host.wheel().leave_multicast(cx, group, by));
    let errnum = |result: std::io::Result<()>| result.map_err(|error| error.raw_os_error());
    for _ in 0..2 {
        assert_eq!(errnum(join(&mut rig)), Ok(()));
        assert_eq!(errnum(join(&mut rig)), Err(Some(Errno::ADDRINUSE.raw_os_error())));
        assert_eq!(errnum(leave(&mut rig)), Ok(()));
        assert_eq!(errnum(leave(&mut rig)), Err(Some(Errno::ADDRNOTAVAIL.raw_os_error())));
    }
    rig.end();
}

#[test]
fn what_is_no_group_cannot_be_joined() {
    let (mut rig, _) = Rig::udp();
    let bad = [
        (IpAddr::from([127, 0, 0, 1]), Interface::Any),
        ("ff02::1234".parse().unwrap(), Interface::Address(Ipv4Addr::LOCALHOST)),
    ];
    for (group, by) in bad {
        let joined = rig.act(move |host, cx| host.wheel().join_multicast(cx, group, by));
        assert_eq!(joined.unwrap_err().raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    }
    rig.end();
}

#[test]
fn broadcast_is_a_failure_until_it_is_allowed() {
    let server = udp_at("0.0.0.0:0");
    let port = server.local_addr().unwrap().port();
    let mut rig = Rig::with(server);
    let everybody = std::net::SocketAddr::from(([127, 255, 255, 255], port));
    rig.act(move |host, cx| host.wheel().send_to(cx, "forbidden", everybody));
    rig.run_until_heard(1);
    assert_eq!(rig.failures(), [(Operation::Write, Errno::ACCESS.raw_os_error())]);
    rig.act(|host, cx| host.wheel().allow_broadcast(cx)).unwrap();
    rig.act(move |host, cx| host.wheel().send_to(cx, "allowed", everybody));
    rig.run_until_messages(1);
    assert_eq!(rig.payloads(), [b"allowed"]);
    assert!(rig.heard().contains(&Heard::Flushed));
    rig.end();
}
