//! Whose readiness it is: descriptors that are closed, reused, shared, or always ready.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use reactor::{Clock, Context, Handle, Kernel, Readiness, States, Watched};
use rustix::io::fcntl_dupfd_cloexec;
use testkit::story::{Stage, act};

use crate::parts::{Made, Reader, made, pair};

/// Two readers with a notice each in one batch. Whichever is served first drops the other, and opens a
/// descriptor of the same number while the other's notice is still to be looked at.
#[derive(Default)]
struct Batch {
    readers: [Option<(Handle<Reader>, UnixStream)>; 2],
    number: Option<RawFd>,
    newcomer: Option<(Handle<Made>, UnixStream)>,
    noticed: Rc<RefCell<Vec<Readiness>>>,
    reused: Rc<Cell<bool>>,
}

impl Batch {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for (reader, event) in self.readers.iter_mut().zip(["first", "second"]) {
            let (ours, theirs) = pair();
            // A number that nobody else in the process is given soon.
            let ours = at_number(&ours, 700);
            (&theirs).write_all(b"ab").unwrap();
            *reader = Some((Reader::start(cx, ours, event, 1), theirs));
        }
    }

    fn came(&mut self, cx: &mut Context<'_>, bytes: &[u8], other: usize) {
        if bytes == b"a" {
            let (handle, _) = self.readers[other].take().expect("only the first served hears");
            let (wheel, _) = cx.wheel(&handle).expect("open");
            self.number = Some(wheel.stream().as_raw_fd());
            return; // and the other is closed
        }
        let number = self.number.expect("`a` came before");
        let (ours, theirs) = pair();
        let ours = at_number(&ours, number);
        self.reused.set(ours.as_raw_fd() == number);
        let (noticed, event) = (Rc::clone(&self.noticed), cx.symbol("never"));
        let wheel = cx.add_wheel(|io| {
            io.watch(&ours).expect("a stream can be watched");
            made(event, move |_| {
                let _open = &ours;
                None
            })
            .on_ready(move |readiness| noticed.borrow_mut().push(readiness))
        });
        self.newcomer = Some((wheel, theirs));
    }
}

/// The same stream by another number: this, or the next that is free.
fn at_number(stream: &UnixStream, number: RawFd) -> UnixStream {
    fcntl_dupfd_cloexec(stream, number).expect("a descriptor").into()
}

#[test]
fn p20_who_opens_a_descriptor_by_the_number_of_a_closed_one_hears_nothing_of_it() {
    let states = States::new()
        .on_start(Batch::start)
        .on("first", |batch: &mut Batch, cx: &mut Context<'_>, bytes: Vec<u8>| {
            batch.came(cx, &bytes, 1);
        })
        .on("second", |batch: &mut Batch, cx: &mut Context<'_>, bytes: Vec<u8>| {
            batch.came(cx, &bytes, 0);
        })
        .on("write", |batch: &mut Batch, _: &mut Context<'_>, ()| {
            let (_, theirs) = batch.newcomer.as_ref().expect("opened");
            (&mut &*theirs).write_all(b"fresh").unwrap();
        });
    let mut reused = 0;
    for _ in 0..20 {
        let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
        let batch = Batch::default();
        let (noticed, same) = (Rc::clone(&batch.noticed), Rc::clone(&batch.reused));
        let session = kernel.spawn(&states, batch);
        kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
        assert_eq!(kernel.stats().notices, 2, "both in one batch");
        assert_eq!((kernel.stats().direct, kernel.wheel_count()), (2, 2));
        assert_eq!(*noticed.borrow(), [], "the notice was the closed one's");
        kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
        assert_eq!(noticed.take(), [Readiness::WRITABLE]);
        let written: Result<(), _> = kernel.call(session, "write", ());
        written.unwrap();
        kernel.run_one_turn(std::time::Duration::ZERO).unwrap();
        assert!(noticed.borrow()[0].contains(Readiness::READABLE));
        kernel.stop();
        kernel.run().unwrap();
        reused += u32::from(same.get());
    }
    assert!(reused > 0, "no number was used again in 20 rounds");
}

#[test]
fn a_descriptor_is_watched_by_one_wheel_and_the_second_is_refused() {
    let mut stage = Stage::new();
    stage.actor("a", |actor, cx| {
        let (ours, theirs) = pair();
        let event = cx.symbol("came");
        let first = cx.add_wheel(|io| {
            assert_eq!(io.watch(&ours).unwrap(), Watched::WhenReady);
            // Again by the same wheel: instead of the first time.
            assert_eq!(io.watch(&ours).unwrap(), Watched::WhenReady);
            made(event, |_| None)
        });
        let second = cx.add_wheel(|io| {
            let refused = io.watch(&ours).unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
            made(event, |_| None)
        });
        drop(second);
        let (_, mut io) = cx.wheel(&first).expect("just made");
        io.unwatch();
        io.unwatch();
        let third = cx.add_wheel(|io| {
            assert_eq!(io.watch(&ours).unwrap(), Watched::WhenReady);
            made(event, |_| None)
        });
        let streams = (ours, theirs);
        actor.held.push(Box::new((first, third)));
        // Closed after the wheels that watch them: fields are dropped in order.
        actor.held.push(Box::new(streams));
        cx.yield_("act", act(|actor, _| drop(actor.held.remove(0))));
    });
    let (_, lines) = testkit::logs::capture_warnings(|| stage.run());
    assert_eq!(lines, []);
}

#[test]
fn p40_a_regular_file_and_dev_null_are_always_ready_and_asked_at_once() {
    let mut stage = Stage::new();
    let path = std::env::current_exe().unwrap();
    for path in [path.as_path(), std::path::Path::new("/dev/null")] {
        let file = File::open(path).unwrap();
        stage.actor("a", move |actor, cx| {
            let event = cx.symbol("came");
            let mut left = 1..=1;
            let handle = cx.add_wheel(|io| {
                assert_eq!(io.watch(&file).unwrap(), Watched::AlwaysReady);
                io.release_session();
                made(event, move |_| left.next())
            });
            actor.held.push(Box::new((handle, file)));
        });
        stage.turn();
        stage.assert(["a: came", "a: _stop"]);
    }
    stage.run();
}
