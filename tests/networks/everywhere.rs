//! Listening at all addresses of both families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use socket2::{Domain, Socket, Type};
use testkit::leak::Descriptors;
use testkit::net;
use testkit::private;
use testkit::rig::{Host, Rig, cause};
use wheels::faults::{self, Call};
use wheels::{Address, Operation, SocketFactory};

const EAFNOSUPPORT: i32 = 97;
const EADDRINUSE: i32 = 98;
const EADDRNOTAVAIL: i32 = 99;

fn listening() -> Rig {
    Rig::start(|host, cx| {
        Host::stay(cx);
        host.build(cx, SocketFactory::listen_everywhere(0));
    })
}

fn addresses(rig: &mut Rig) -> Vec<SocketAddr> {
    let addrs = rig.act(|host, cx| host.factory().local_addrs(cx));
    addrs.iter().map(|addr| addr.as_ip().expect("an address of the internet")).collect()
}

fn any(port: u16) -> [SocketAddr; 2] {
    [(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]
}

pub(crate) fn p54_both_families_have_one_port_and_see_their_own_addresses() {
    let before = Descriptors::note();
    for _ in 0..100 {
        let mut rig = listening();
        let addrs = addresses(&mut rig);
        let port = addrs[0].port();
        assert_ne!(port, 0);
        assert_eq!(addrs, any(port));
        for ip in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            let client = net::connect((ip, port).into());
            let made = rig.peers().len() + 1;
            rig.run_until_established(made);
            let peer = client.local_addr().expect("local address");
            assert_eq!(peer.ip(), ip);
            assert_eq!(rig.peers().last(), Some(&Address::from(peer)));
            net::reset(client);
        }
        assert_eq!(rig.failures(), []);
    }
    before.assert_same();
}

const BOTH: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
const FEW: RangeInclusive<u16> = 40_000..=40_007;

/// All ports that the system may choose, but one, are somebody's in this family alone.
fn occupy(ip: IpAddr, spared: Option<u16>) -> Vec<Socket> {
    private::set("ipv4/ip_local_port_range", "40000 40007").expect("it could be set before");
    let others = FEW.filter(|port| Some(*port) != spared);
    let listen = |port| {
        let addr = SocketAddr::new(ip, port);
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None).expect("socket");
        if ip.is_ipv6() {
            socket.set_only_v6(true).expect("IPV6_V6ONLY");
        }
        socket.bind(&addr.into()).expect("a free port");
        socket.listen(1).expect("listen");
        socket
    };
    others.map(listen).collect()
}

pub(crate) fn p54_a_port_that_is_free_in_both_families_is_found_if_there_is_one() {
    for ip in BOTH {
        for spared in FEW {
            let taken = occupy(ip, Some(spared));
            let mut rig = listening();
            assert_eq!(rig.failures(), [], "{spared}");
            assert_eq!(addresses(&mut rig), any(spared));
            drop(taken);
        }
    }
}

pub(crate) fn p54_without_a_port_that_is_free_in_both_families_it_is_a_failure() {
    let before = Descriptors::note();
    for ip in BOTH {
        let taken = occupy(ip, None);
        let rig = Rig::start(|host, cx| {
            host.build(cx, SocketFactory::listen_everywhere(0));
        });
        assert_eq!(cause(&rig.only_failure()), (Operation::Bind, EADDRINUSE));
        drop(taken);
        before.assert_same();
    }
}

fn serves_ipv4(rig: &mut Rig) {
    let port = addresses(rig)[0].port();
    let client = net::connect((Ipv4Addr::LOCALHOST, port).into());
    rig.run_until_established(1);
    assert_eq!(rig.peers(), [client.local_addr().expect("local address")]);
    assert_eq!(rig.failures(), []);
}

pub(crate) fn p54_where_ipv6_is_switched_off_ipv4_clients_are_served() {
    private::set("ipv6/conf/all/disable_ipv6", "1").expect("it is there");
    let mut rig = listening();
    serves_ipv4(&mut rig);
}

pub(crate) fn p54_without_any_ipv6_it_listens_by_ipv4_alone() {
    for (call, errnum) in [(Call::Socket, EAFNOSUPPORT), (Call::Bind, EADDRNOTAVAIL)] {
        faults::pass_next(call);
        faults::fail_next(call, errnum);
        let mut rig = listening();
        assert_eq!(faults::pending(), 0);
        let [addr] = addresses(&mut rig)[..] else { panic!("{:?}", addresses(&mut rig)) };
        assert_eq!(addr, any(addr.port())[1]);
        serves_ipv4(&mut rig);
    }
}
