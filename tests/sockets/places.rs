//! Host and port in one: every form of an [`Endpoint`], and all addresses at once.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use testkit::machine::has_ipv6;
use testkit::net::{self, Reserved};
use testkit::unix::Folder;
use wheels::{Address, Domain, Endpoint, SocketFactory, SocketFactoryBuilder, UnixAddress};

use crate::support::{kind_of, local_addr, peer_addr, socket_of, sockets_of};

#[test]
fn every_form_of_a_place_of_ipv4() {
    let local = SocketAddr::from(([127, 0, 10, 5], 0));
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let rows: [(Endpoint, SocketAddr); 9] = [
        ("127.0.10.5:0".into(), local),
        ("127.0.10.5:0".to_owned().into(), local),
        (("127.0.10.5", 0).into(), local),
        (([127, 0, 10, 5], "0").into(), local),
        (local.into(), local),
        (Address::from(local).into(), local),
        (":0".into(), any),
        ("*:0".into(), any),
        ("0.0.0.0:0".into(), any),
    ];
    for (endpoint, addr) in rows {
        let builder = SocketFactory::listen(endpoint);
        let bound = local_addr(socket_of(&builder));
        assert_eq!(bound.ip(), Some(addr.ip()), "{builder:?}");
        assert_ne!(bound.port(), Some(0), "{builder:?}");
    }
}

#[test]
fn every_form_of_a_place_of_ipv6() {
    if !has_ipv6("every_form_of_a_place_of_ipv6") {
        return;
    }
    let local = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let rows: [(Endpoint, SocketAddr); 6] = [
        ("[::1]:0".into(), local),
        (("::1", 0).into(), local),
        ((Ipv6Addr::LOCALHOST.octets(), 0).into(), local),
        (local.into(), local),
        ("[::]:0".into(), any),
        // With the number of its link, which loopback does not need.
        ("[::1%1]:0".into(), local),
    ];
    for (endpoint, addr) in rows {
        let builder = SocketFactory::listen(endpoint);
        assert_eq!(local_addr(socket_of(&builder)).ip(), Some(addr.ip()), "{builder:?}");
    }
}

#[test]
fn every_form_of_a_place_of_unix_sockets() {
    let folder = Folder::new();
    let path = folder.at("a:socket");
    let text = path.to_str().unwrap().to_owned();
    let here = Address::from(UnixAddress::Path(path.clone()));
    let nowhere = Address::from(UnixAddress::Abstract(text.clone().into_bytes()));
    let rows: [(Endpoint, &Address); 8] = [
        (text.as_str().into(), &here),
        (text.clone().into(), &here),
        (path.as_path().into(), &here),
        (path.clone().into(), &here),
        (UnixAddress::from(&path).into(), &here),
        (here.clone().into(), &here),
        (format!("@{text}").into(), &nowhere),
        (nowhere.clone().into(), &nowhere),
    ];
    for (endpoint, addr) in rows {
        let builder = SocketFactory::listen(endpoint);
        assert_eq!(local_addr(socket_of(&builder)), *addr, "{builder:?}");
    }
}

#[test]
fn listen_everywhere_is_a_socket_of_each_family_on_one_port() {
    let ipv6 = has_any_ipv6();
    let reserved = Reserved::new(Ipv4Addr::UNSPECIFIED);
    let port = reserved.addr.port();
    for builder in
        [SocketFactory::listen_everywhere(0), SocketFactory::listen_everywhere(port.to_string())]
    {
        let bound: Vec<_> = sockets_of(&builder).iter().map(local_addr).collect();
        let port = bound[0].port();
        assert_ne!(port, Some(0));
        assert!(bound.iter().all(|addr| addr.port() == port), "{bound:?}");
        let families: Vec<_> = bound.iter().filter_map(Address::ip).collect();
        let (v6, v4) = (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        assert_eq!(families, if ipv6 { vec![v6, v4] } else { vec![v4] });
    }
}

#[test]
fn a_family_an_address_or_a_remote_end_says_that_it_is_not_everywhere() {
    let everywhere = || SocketFactory::listen_everywhere(0);
    let (_listener, addr) = net::listener();
    let rows: [(SocketFactoryBuilder, IpAddr); 2] = [
        (everywhere().socket_domain(Domain::Inet), Ipv4Addr::UNSPECIFIED.into()),
        (everywhere().bind_address("127.0.0.1"), Ipv4Addr::LOCALHOST.into()),
    ];
    for (builder, ip) in rows {
        assert_eq!(local_addr(socket_of(&builder)).ip(), Some(ip), "{builder:?}");
    }
    let connects = everywhere().remote_address(addr.ip()).remote_port(addr.port());
    assert_eq!(peer_addr(socket_of(&connects)), addr);
}

#[test]
fn also_adds_to_everywhere_and_takes_nothing_away() {
    let ipv6 = has_any_ipv6();
    let folder = Folder::new();
    let builder = SocketFactory::listen_everywhere(0).also(folder.at("socket")).also("127.0.0.1:0");
    let bound = sockets_of(&builder);
    // AF_INET6, AF_INET, AF_UNIX, and AF_INET once more.
    let families: Vec<_> = bound.iter().map(|socket| kind_of(socket).0).collect();
    assert_eq!(families, if ipv6 { vec![10, 2, 1, 2] } else { vec![2, 1, 2] });
}

/// Whether a socket can be bound to all addresses of IPv6, be there none.
fn has_any_ipv6() -> bool {
    std::net::TcpListener::bind("[::]:0").is_ok()
}
