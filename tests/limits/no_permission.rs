//! What an ordinary user may not do: a failure of the call that was refused, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use socket2::Type;
use testkit::machine;
use testkit::rig::{Rig, cause};
use testkit::unix::{Folder, listening};
use wheels::{Address, Operation, SocketFactory, SocketFactoryBuilder, SocketOptions};

use crate::unix_paths::unprivileged;

const EPERM: i32 = 1;
const EACCES: i32 = 13;
const EAFNOSUPPORT: i32 = 97;

/// A factory, and what it tells.
type Row = (SocketFactoryBuilder, Operation, i32);

pub(crate) fn a_port_for_the_privileged_is_refused() {
    // Where it is not known, it is as it was before it could be set.
    let first = machine::setting("net/ipv4/ip_unprivileged_port_start").unwrap_or(1024);
    if first <= 1 {
        machine::skip("a_port_for_the_privileged_is_refused", "every port is for everybody");
    } else {
        let mut rows = vec![
            (SocketFactory::listen("127.0.0.1:1"), Operation::Bind, EACCES),
            (SocketFactory::datagram("127.0.0.1:1"), Operation::Bind, EACCES),
            (SocketFactory::connect("127.0.0.1:2").bind_port(1), Operation::Bind, EACCES),
            (SocketFactory::listen("*:1"), Operation::Bind, EACCES),
        ];
        if machine::has_ipv6("a_port_for_the_privileged_is_refused over IPv6") {
            rows.push((SocketFactory::listen("[::1]:1"), Operation::Bind, EACCES));
            rows.push((SocketFactory::listen_everywhere(1), Operation::Bind, EACCES));
        }
        refused(rows);
    }
    let vsock = SocketFactory::listen(Address::Vsock { cid: u32::MAX, port: 1 });
    let has_vsock = socket2::Socket::new(socket2::Domain::VSOCK, Type::STREAM, None).is_ok();
    let (operation, errnum) =
        if has_vsock { (Operation::Bind, EACCES) } else { (Operation::Socket, EAFNOSUPPORT) };
    refused(vec![(vsock, operation, errnum)]);
}

pub(crate) fn a_path_that_one_may_not_go_is_refused() {
    let folder = Folder::new();
    let (closed, locked) = (folder.at("closed"), folder.at("locked"));
    fs::create_dir(&closed).unwrap();
    let _theirs = listening(&locked, 5);
    let _hidden = listening(&closed.join("socket"), 5);
    let rights = |path: &Path, rights| {
        fs::set_permissions(path, PermissionsExt::from_mode(rights)).unwrap();
    };
    rights(&closed, 0o000);
    rights(&locked, 0o000);
    refused(vec![
        (SocketFactory::unix_listen(closed.join("new")), Operation::Bind, EACCES),
        (SocketFactory::datagram(closed.join("new")), Operation::Bind, EACCES),
        (SocketFactory::unix_connect(closed.join("socket")), Operation::Connect, EACCES),
        (SocketFactory::unix_connect(&locked), Operation::Connect, EACCES),
    ]);
    rights(&closed, 0o700);
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 1);
}

pub(crate) fn an_option_for_the_privileged_is_refused() {
    let marked = SocketFactory::listen("127.0.0.1:0").options(SocketOptions::new().mark(1));
    refused(vec![(marked, Operation::SetSockOpt, EPERM)]);
}

fn refused(rows: Vec<Row>) {
    unprivileged(|| {
        for (builder, operation, errnum) in rows {
            let again = builder.clone();
            let rig = Rig::start(|host, cx| {
                host.build(cx, again);
            });
            assert_eq!(cause(&rig.only_failure()), (operation, errnum), "{builder:?}");
        }
    });
}
