//! Readiness: what a wheel is told that watches a socket and leaves everything as it is, on the machine's
//! loopback and on the simulated network.

use std::cell::RefCell;
use std::rc::Rc;

use reactor::{Bound, Context, Io, Readiness, Wheel};
use wheels::{Descriptor, SocketFactory, SocketOptions};

use crate::kit::{Part, Player, Who, World};

type Notes = Rc<RefCell<Vec<String>>>;

/// Notes what it is told, and does nothing.
struct Lookout {
    notes: Notes,
    _watched: Descriptor,
}

impl Wheel for Lookout {
    type Event = (Bound<()>, ());

    fn ready(&mut self, readiness: Readiness) {
        if readiness != Readiness::NONE {
            self.notes.borrow_mut().push(format!("{readiness:?}"));
        }
    }

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        None
    }
}

/// Watches what a part has: its last socket, or the one of its last stream.
fn look_out(part: &mut Part, cx: &mut Context<'_>, notes: Notes) {
    let watched = match part.sockets.pop() {
        Some(socket) => socket.into(),
        None => {
            let stream = part.streams.pop().expect("a stream");
            let parts = stream.into_parts(cx).expect("it is there");
            parts.input.expect("it is open")
        }
    };
    let handle = cx.add_wheel(|io: &mut Io<'_>| {
        io.watch(&watched).expect("it can be watched");
        Lookout { notes, _watched: watched }
    });
    part.kept.push(Box::new(handle));
}

/// Two who are connected, and what the client is told from when it looks out.
struct Scene {
    world: World,
    server: Player,
    client: Player,
    notes: Notes,
}

impl Scene {
    fn new(mut world: World) -> Self {
        let narrow = || SocketOptions::new().send_buffer(10_000).receive_buffer(10_000);
        let (server, address) =
            world.listen(move |builder| builder.options(narrow()), |_, _, _| {});
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.connect(cx, SocketFactory::connect(address).options(narrow()));
        });
        let (here, there) = (server.told.clone(), client.told.clone());
        world.run_until("a connection", || here.has("made") && there.has("made"));
        Self { world, server, client, notes: Notes::default() }
    }

    /// Has somebody do something, lets it arrive, and asks that the client is told this last; nothing: that
    /// it is told nothing.
    fn step(
        &mut self,
        who: Who,
        act: impl FnOnce(&mut Part, &mut Context<'_>) + 'static,
        expected: &[Readiness],
    ) {
        self.notes.borrow_mut().clear();
        let player = if who == Who::Server { &self.server } else { &self.client };
        self.world.act(who, player, act);
        let expected = expected.iter().fold(Readiness::NONE, |all, flag| all.with(*flag));
        let (notes, words) = (Rc::clone(&self.notes), format!("{expected:?}"));
        if expected == Readiness::NONE {
            self.world.settle();
            assert_eq!(*notes.borrow(), Vec::<String>::new());
        } else {
            self.world.run_until(&words, || notes.borrow().last() == Some(&words));
        }
    }

    fn look_out(&mut self, expected: &[Readiness]) {
        let notes = Rc::clone(&self.notes);
        self.step(Who::Client, |part, cx| look_out(part, cx, notes), expected);
    }

    fn finish(mut self) {
        for (who, player) in [(Who::Client, &self.client), (Who::Server, &self.server)] {
            if self.world.on(who, |kernel| kernel.has_session(player.session)) {
                self.world.act(who, player, |part, cx| part.leave(cx));
            }
        }
        self.world.finish();
    }
}

/// Who was the last to be told something is back in its place when the turn is over.
#[test]
fn nobody_runs_between_two_turns() {
    play(|scene| {
        scene.step(Who::Server, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Client, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Server, |part, cx| part.put(cx, "a word"), &[]);
        for who in [Who::Client, Who::Server] {
            let snapshot = scene.world.on(who, |kernel| kernel.snapshot());
            assert!(!snapshot.sessions.is_empty());
            assert!(snapshot.sessions.iter().all(|session| !session.is_running));
        }
    });
}

/// Plays a scene in all worlds.
fn play(scene: impl Fn(&mut Scene)) {
    for world in std::iter::once(World::real()).chain(World::simulated()) {
        let mut stage = Scene::new(world);
        scene(&mut stage);
        stage.finish();
    }
}

const IN: Readiness = Readiness::READABLE;
const OUT: Readiness = Readiness::WRITABLE;
const NO_MORE_IN: Readiness = Readiness::READ_CLOSED;
const NO_MORE_OUT: Readiness = Readiness::WRITE_CLOSED;

#[test]
fn each_arrival_is_an_edge_though_nothing_was_read() {
    play(|scene| {
        scene.look_out(&[OUT]);
        scene.step(Who::Server, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Server, |part, cx| part.put(cx, "a"), &[IN, OUT]);
        scene.step(Who::Server, |part, cx| part.put(cx, "b"), &[IN, OUT]);
        let end = |part: &mut Part, cx: &mut Context<'_>| part.streams[0].shutdown_output(cx);
        scene.step(Who::Server, end, &[IN, OUT, NO_MORE_IN]);
    });
}

#[test]
fn what_is_there_already_is_told_when_the_watch_begins() {
    play(|scene| {
        scene.step(Who::Server, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Server, |part, cx| part.put(cx, "a"), &[]);
        scene.look_out(&[IN, OUT]);
        scene.step(Who::Server, |part, cx| part.leave(cx), &[IN, OUT, NO_MORE_IN]);
    });
}

#[test]
fn an_end_of_both_directions_hangs_up() {
    play(|scene| {
        scene.step(Who::Client, |part, cx| part.stream(cx), &[]);
        let end = |part: &mut Part, cx: &mut Context<'_>| part.streams[0].shutdown_output(cx);
        scene.step(Who::Client, end, &[]);
        scene.look_out(&[OUT]);
        scene.step(Who::Server, |part, cx| part.leave(cx), &[IN, OUT, NO_MORE_IN, NO_MORE_OUT]);
    });
}

#[test]
fn a_reset_is_an_error_in_both_directions() {
    play(|scene| {
        scene.step(Who::Client, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Client, |part, cx| part.put(cx, "n"), &[]);
        scene.look_out(&[OUT]);
        scene.step(Who::Server, |part, cx| part.leave(cx), &[IN, OUT, NO_MORE_IN, NO_MORE_OUT]);
    });
}

#[test]
fn a_write_that_was_cut_short_is_followed_by_an_edge_when_there_is_room() {
    play(|scene| {
        scene.step(Who::Client, |part, cx| part.stream(cx), &[]);
        scene.step(Who::Client, |part, cx| part.put(cx, vec![b'.'; 300_000]), &[]);
        scene.look_out(&[]);
        scene.step(Who::Server, |part, cx| part.stream(cx), &[OUT]);
    });
}
