//! Listening, and letting in who comes.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::Path;

use reactor::Kernel;
use socket2::Type;
use testkit::net;
use testkit::unix::{self, Folder};
use wheels::{ListenAccept, SocketFactory, SocketFactoryBuilder};

use crate::actor::{FAILED, Heard, Held, MADE};
use crate::stage::Stage;

/// An actor that listens and lets so many in, whom it forgets.
fn doorkeeper(
    stage: &Stage,
    kernel: &mut Kernel,
    builder: SocketFactoryBuilder,
    guests: usize,
) -> Option<SocketAddr> {
    let place = std::rc::Rc::new(std::cell::Cell::new(None));
    let told = std::rc::Rc::clone(&place);
    let mut left = guests;
    stage.actor(
        kernel,
        "doorkeeper",
        move |actor, cx| told.set(actor.telling_factory(cx, builder)),
        move |actor, cx, heard| match heard {
            Heard::Made(_) => {
                left -= 1;
                if left == 0 {
                    actor.end(cx);
                }
            }
            Heard::Up if left == 0 => actor.end(cx),
            // When descriptors run out, it goes on.
            Heard::Failed(failure) if failure.operation == wheels::Operation::Accept => {}
            Heard::Failed(_) => actor.end(cx),
            _ => {}
        },
    );
    place.get()
}

pub(crate) fn listen(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let builder = SocketFactory::listen("127.0.0.1:0").reuse(true);
    let guest = doorkeeper(stage, &mut kernel, builder, 1).map(net::connect);
    stage.run(kernel);
    drop(guest);
}

pub(crate) fn listen_at_several(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let builder = SocketFactory::listen("127.0.0.1:0").also("127.0.0.1:0").also("127.0.0.1:0");
    doorkeeper(stage, &mut kernel, builder, 0);
    stage.run(kernel);
}

fn at_path(stage: &Stage, path: &Path, mode: Option<u32>) {
    let Some(mut kernel) = stage.kernel() else { return };
    let mut builder = SocketFactory::unix_listen(path);
    if let Some(mode) = mode {
        builder = builder.mode(mode);
    }
    let _nowhere = doorkeeper(stage, &mut kernel, builder, 1);
    let guest = unix::try_connect(path, Type::STREAM);
    stage.run(kernel);
    drop(guest);
}

pub(crate) fn listen_on_a_fresh_path(stage: &Stage) {
    let folder = Folder::new();
    at_path(stage, &folder.at("socket"), None);
    stage.teller("folder").tell(format_args!("{:?}", folder.names()));
}

pub(crate) fn listen_on_a_stale_path(stage: &Stage) {
    let folder = Folder::new();
    drop(unix::listening(&folder.at("socket"), 1));
    at_path(stage, &folder.at("socket"), None);
}

pub(crate) fn listen_on_a_taken_path(stage: &Stage) {
    let folder = Folder::new();
    let owner = unix::listening(&folder.at("socket"), 9);
    at_path(stage, &folder.at("socket"), None);
    drop(owner);
}

pub(crate) fn listen_with_a_mode(stage: &Stage) {
    let folder = Folder::new();
    at_path(stage, &folder.at("socket"), Some(0o666));
}

pub(crate) fn adopt_a_listener(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let (listener, addr) = net::listener();
    let listener = OwnedFd::from(listener);
    stage.actor(
        &mut kernel,
        "doorkeeper",
        move |actor, cx| {
            let acceptor = ListenAccept::builder(listener).build(cx, &MADE, &FAILED);
            actor.held.insert(acceptor.id(), Held::Acceptor(acceptor));
        },
        |actor, cx, _| actor.end(cx),
    );
    let guest = std::net::TcpStream::connect(addr);
    stage.run(kernel);
    drop(guest);
}

pub(crate) fn accept_a_burst(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let builder = SocketFactory::listen("127.0.0.1:0");
    let guests = doorkeeper(stage, &mut kernel, builder, 8).map(|addr| net::connect_all(addr, 8));
    stage.run(kernel);
    drop(guests);
}

pub(crate) fn pause_accepting(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let place = std::rc::Rc::new(std::cell::Cell::new(None));
    let told = std::rc::Rc::clone(&place);
    let mut made = 0;
    stage.actor(
        &mut kernel,
        "doorkeeper",
        move |actor, cx| {
            let factory = SocketFactory::listen("127.0.0.1:0").also("127.0.0.1:0");
            let factory = factory.build(cx, &MADE, &FAILED);
            let addrs = factory.local_addrs(cx);
            told.set(Some(addrs.into_iter().filter_map(|addr| addr.as_ip()).collect::<Vec<_>>()));
            factory.pause_accept(cx);
            actor.held.insert(factory.id(), Held::Factory(factory));
            cx.delay(&crate::actor::WORD, std::time::Duration::from_secs(1), "resumes".into());
        },
        move |actor, cx, heard| match heard {
            Heard::Word => {
                for held in actor.held.values() {
                    if let Held::Factory(factory) = held {
                        factory.resume_accept(cx);
                    }
                }
            }
            Heard::Made(_) => {
                made += 1;
                if made == 2 {
                    actor.end(cx);
                }
            }
            Heard::Failed(failure) if failure.operation == wheels::Operation::Accept => {}
            _ => actor.end(cx),
        },
    );
    let addrs = place.take().unwrap_or_default();
    let guests: Vec<_> = addrs.into_iter().map(net::connect).collect();
    stage.run(kernel);
    drop(guests);
}

pub(crate) fn listen_everywhere(stage: &Stage) {
    let Some(mut kernel) = stage.kernel() else { return };
    let _nowhere = doorkeeper(stage, &mut kernel, SocketFactory::listen_everywhere(0), 0);
    stage.run(kernel);
}
