//! Which descriptor it was, and in whose share of the turn.

use std::cell::{Cell, RefCell};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Bound, Handle, Io, Readiness, WatchId, Wheel};
use testkit::story::Stage;

use super::{let_go, pairs, stage_with, write};
use crate::parts::{Reader, made, pair};

#[test]
fn a_wheel_of_several_descriptors_is_told_which_is_ready() {
    let (mut stage, a, theirs, notes) = stage_with::<3>(|_| ());
    for number in [2, 0, 1] {
        write(&theirs[number], b"x");
        stage.turn();
        assert_eq!(notes.take(), [(number, true)]);
    }
    stage.turn();
    assert_eq!(notes.take(), [], "told once");
    stage.assert(["a: came", "a: came", "a: came"]);
    let_go(&mut stage, a);
}

#[test]
fn a_wheel_has_its_first_descriptor_beside_the_further_ones() {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<2>();
    let told: Rc<RefCell<Vec<&str>>> = Rc::default();
    let noted = Rc::clone(&told);
    let a = stage.actor("a", move |actor, cx| {
        let handle = cx.add_wheel(|io| {
            io.watch(&ours[0]).expect("watched");
            let (watch, _) = io.watch_also(&ours[1]).expect("watched beside");
            Both { told: noted, watch, _open: ours }
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    told.take();
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), ["further"]);
    write(&theirs[0], b"x");
    stage.turn();
    assert_eq!(told.take(), ["first"]);
    stage.act(a, |actor, cx| {
        let handle = actor.held[0].downcast_ref::<Handle<Both>>().expect("held");
        cx.wheel(handle).expect("open").1.unwatch();
    });
    write(&theirs[0], b"x");
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), ["further"], "the first is watched no more");
    let_go(&mut stage, a);
}

/// Watches in both ways.
struct Both {
    told: Rc<RefCell<Vec<&'static str>>>,
    watch: WatchId,
    _open: [UnixStream; 2],
}

impl Wheel for Both {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {
        self.told.borrow_mut().push("first");
    }

    fn ready_also(&mut self, watch: &WatchId, _: Readiness) {
        assert_eq!(*watch, self.watch);
        self.told.borrow_mut().push("further");
    }

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        None
    }
}

#[test]
fn a_wheel_that_does_not_tell_its_descriptors_apart_is_told_by_ready() {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<2>();
    let told: Rc<Cell<u32>> = Rc::default();
    let count = Rc::clone(&told);
    let a = stage.actor("a", move |actor, cx| {
        let event = cx.symbol("came");
        let handle = cx.add_wheel(|io| {
            for stream in &ours {
                let _ = io.watch_also(stream).expect("watched");
            }
            made(event, move |_| {
                let _open = &ours;
                None
            })
            .on_ready(move |_| count.set(count.get() + 1))
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    assert_eq!(told.take(), 2);
    write(&theirs[1], b"x");
    stage.turn();
    assert_eq!(told.take(), 1);
    let_go(&mut stage, a);
}

#[test]
fn a_wheel_with_more_than_its_share_goes_on_in_the_next_turn_with_all_its_descriptors() {
    let (mut stage, a, theirs, notes) = stage_with::<3>(|many| {
        many.share = 4;
        many.left = 4;
    });
    let (other, peer) = pair();
    stage.act(a, move |actor, cx| {
        actor.held.push(Box::new(Reader::start(cx, other, "other", 1)));
    });
    stage.turn();
    theirs.iter().for_each(|stream| write(stream, b"abcd"));
    for turn in 1..=3 {
        write(&peer, b"x");
        stage.turn();
        let told = stage.story.take();
        let came = told.iter().filter(|line| *line == "a: came").count();
        assert_eq!((came, told.len()), (4, 5), "turn {turn}: {told:?}");
    }
    assert_eq!(notes.take().len(), 3, "the system told each once");
    stage.turn();
    stage.assert([]);
    let_go(&mut stage, a);
}
