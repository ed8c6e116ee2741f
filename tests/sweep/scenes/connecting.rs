//! Connecting.

use std::rc::Rc;
use std::time::Duration;

use reactor::Kernel;
use socket2::Type;
use testkit::net::{self, Refusing};
use testkit::unix::{self, Folder};
use wheels::{Domain, SocketFactory, SocketFactoryBuilder, SocketOptions};

use crate::actor::Heard;
use crate::stage::Stage;

/// An actor that connects, once.
fn caller(stage: &Stage, kernel: &mut Kernel, builder: SocketFactoryBuilder) {
    stage.actor(
        kernel,
        "caller",
        move |actor, cx| {
            actor.factory(cx, builder);
        },
        |actor, cx, heard| {
            if let Heard::Made(made) = &heard {
                if let Err(error) = made.socket.local_addr() {
                    actor.teller.tell_io(&"getsockname", &error);
                }
            }
            actor.end(cx);
        },
    );
}

fn connect(stage: &Stage, builder: SocketFactoryBuilder) {
    let Some(mut kernel) = stage.kernel() else { return };
    caller(stage, &mut kernel, builder);
    stage.run(kernel);
}

pub(crate) fn connect_by_address(stage: &Stage) {
    let (listener, addr) = net::listener();
    connect(stage, SocketFactory::connect(addr).bind_address("127.0.0.1"));
    drop(listener);
}

pub(crate) fn connect_by_path(stage: &Stage) {
    let folder = Folder::new();
    let listener = unix::listening(&folder.at("socket"), 9);
    connect(stage, SocketFactory::unix_connect(folder.at("socket")));
    drop(listener);
}

/// The name is looked up by another thread.
fn by_name(stage: &Stage, builder: SocketFactoryBuilder) {
    let Some(mut kernel) = stage.kernel() else { return };
    stage.elsewhere.set(1);
    let elsewhere = Rc::clone(&stage.elsewhere);
    stage.actor(
        &mut kernel,
        "caller",
        move |actor, cx| {
            actor.factory(cx, builder);
        },
        move |actor, cx, _| {
            elsewhere.set(0);
            actor.end(cx);
        },
    );
    stage.run(kernel);
}

pub(crate) fn connect_by_localhost(stage: &Stage) {
    let (listener, addr) = net::listener();
    let builder = SocketFactory::connect(("localhost", addr.port()));
    by_name(stage, builder.socket_domain(Domain::Inet));
    drop(listener);
}

/// There are two addresses of this name, as a rule, and nobody listens at the first.
pub(crate) fn connect_races(stage: &Stage) {
    let (listener, addr) = net::listener();
    by_name(stage, SocketFactory::connect(("localhost", addr.port())));
    drop(listener);
}

pub(crate) fn connect_refused(stage: &Stage) {
    let refusing = Refusing::new();
    connect(stage, SocketFactory::connect(refusing.addr));
}

pub(crate) fn connect_with_options(stage: &Stage) {
    let (listener, addr) = net::listener();
    let options = SocketOptions::new()
        .keepalive(Duration::from_secs(60), Duration::from_secs(10), 3)
        .user_timeout(Duration::from_secs(30))
        .send_buffer(8192);
    connect(stage, SocketFactory::connect(addr).options(options));
    drop(listener);
}

/// The listener's queue stays full, so that it is tried until its time is up.
pub(crate) fn connect_to_a_full_queue(stage: &Stage) {
    let folder = Folder::new();
    let listener = unix::listening(&folder.at("socket"), 0);
    let waiting = unix::try_connect(&folder.at("socket"), Type::STREAM);
    let builder = SocketFactory::unix_connect(folder.at("socket"));
    connect(stage, builder.connect_timeout(Duration::from_secs(1)));
    drop((listener, waiting));
}

pub(crate) fn connect_from_a_path(stage: &Stage) {
    let folder = Folder::new();
    let listener = unix::listening(&folder.at("socket"), 9);
    let near = folder.at("near");
    connect(stage, SocketFactory::unix_connect(folder.at("socket")).bind_address(near.as_path()));
    drop(listener);
}

/// The protocol's number is in a file.
pub(crate) fn connect_by_protocol(stage: &Stage) {
    let (listener, addr) = net::listener();
    by_name(stage, SocketFactory::connect(addr).socket_protocol("tcp"));
    drop(listener);
}
