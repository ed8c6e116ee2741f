//! Wheels that watch several descriptors: one that reads from streams and tells which a byte came from.

mod gone;
mod told;
mod watched;

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Bound, Context, Handle, Io, Readiness, SessionId, Symbol, WatchId, Watched, Wheel};
use testkit::story::{Actor, Stage};

use crate::parts::pair;

/// What a wheel was told: of which of its descriptors, and whether there is something to read.
type Notes = Rc<RefCell<Vec<(usize, bool)>>>;

/// Reads from several streams, a byte at a time, and tells which each byte came from.
struct Many {
    sources: Vec<Source>,
    event: Symbol,
    notes: Notes,
    /// Bytes that it takes in one turn.
    share: usize,
    left: usize,
    /// Unwatches the others when it has read its first byte.
    jealous: bool,
}

struct Source {
    number: usize,
    watch: Option<WatchId>,
    stream: UnixStream,
    readable: bool,
}

impl Many {
    /// A wheel that watches the streams, and nothing by `Io::watch`.
    fn new(io: &mut Io<'_>, event: Symbol, streams: impl IntoIterator<Item = UnixStream>) -> Self {
        let sources = streams.into_iter().enumerate().map(|(number, stream)| {
            let (watch, watched) = io.watch_also(&stream).expect("a stream can be watched");
            assert_eq!(watched, Watched::WhenReady);
            Source { number, watch: Some(watch), stream, readable: false }
        });
        let sources = sources.collect();
        let (share, notes) = (usize::MAX, Notes::default());
        Self { sources, event, notes, share, left: share, jealous: false }
    }

    fn start(
        cx: &mut Context<'_>,
        streams: impl IntoIterator<Item = UnixStream>,
        with: impl FnOnce(&mut Self),
    ) -> Handle<Self> {
        let event = cx.symbol("came");
        cx.add_wheel(|io| {
            let mut many = Self::new(io, event, streams);
            with(&mut many);
            many
        })
    }

    fn stop(&mut self, number: usize, io: &mut Io<'_>) {
        if let Some(watch) = self.sources[number].watch.take() {
            io.unwatch_also(watch);
        }
    }

    fn read(&mut self) -> Option<usize> {
        // Who had the last byte is the last to have another.
        let place = self.sources.iter().position(|source| source.readable)?;
        let source = &mut self.sources[place];
        match (&source.stream).read(&mut [0]) {
            Ok(1) => {
                let number = source.number;
                if self.sources.len() > 1 {
                    self.sources[place..].rotate_left(1);
                }
                Some(number)
            }
            Ok(_) => {
                source.readable = false;
                self.read()
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                source.readable = false;
                self.read()
            }
        }
    }
}

impl Wheel for Many {
    type Event = (Bound<u64>, u64);

    fn ready(&mut self, _: Readiness) {
        panic!("it watches nothing by itself");
    }

    fn ready_also(&mut self, watch: &WatchId, readiness: Readiness) {
        let source = self.sources.iter_mut().find(|source| source.watch.as_ref() == Some(watch));
        let source = source.expect("a watch of this wheel");
        let readable = readiness.contains(Readiness::READABLE);
        source.readable |= readable;
        self.notes.borrow_mut().push((source.number, readable));
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if self.left == 0 {
            self.left = self.share;
            io.again();
            return None;
        }
        let Some(number) = self.read() else {
            self.left = self.share;
            return None;
        };
        self.left -= 1;
        if std::mem::take(&mut self.jealous) {
            for place in 0..self.sources.len() {
                if self.sources[place].number != number {
                    self.stop(place, io);
                }
            }
        }
        Some((Bound::new(io.session(), self.event), number as u64))
    }
}

fn pairs<const N: usize>() -> ([UnixStream; N], [UnixStream; N]) {
    let mut theirs = Vec::new();
    let ours = std::array::from_fn(|_| {
        let (ours, other) = pair();
        theirs.push(other);
        ours
    });
    (ours, theirs.try_into().expect("as many"))
}

fn write(stream: &UnixStream, bytes: &[u8]) {
    (&mut &*stream).write_all(bytes).expect("there is room");
}

/// The wheel of an actor that holds nothing else.
fn many(actor: &Actor) -> &Handle<Many> {
    actor.held[0].downcast_ref().expect("held first")
}

/// An actor with a wheel of so many streams, the other ends, and what the wheel is told. One turn has
/// passed, in which each was told to be writable.
fn stage_with<const N: usize>(
    with: impl FnOnce(&mut Many) + 'static,
) -> (Stage, SessionId, [UnixStream; N], Notes) {
    let mut stage = Stage::new();
    let (ours, theirs) = pairs::<N>();
    let notes = Notes::default();
    let noted = Rc::clone(&notes);
    let session = stage.actor("a", move |actor, cx| {
        let handle = Many::start(cx, ours, |many| {
            many.notes = noted;
            with(many);
        });
        actor.held.push(Box::new(handle));
    });
    stage.turn();
    let mut first = notes.take();
    first.sort_unstable();
    assert_eq!(first, std::array::from_fn::<_, N, _>(|number| (number, false)));
    (stage, session, theirs, notes)
}

fn let_go(stage: &mut Stage, session: SessionId) {
    stage.act(session, |actor, _| actor.held.clear());
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
}
