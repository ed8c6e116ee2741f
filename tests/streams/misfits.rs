//! Filters that do not do what a filter has to: whose failure that is, and that nobody else notices.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::TcpStream;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Kernel, OnException, States};
use testkit::net;
use wheels::filter::{Filter, FilterError, Input, Output};
use wheels::{Failure, ReadWrite};

use crate::support::pair;

/// Bytes as they come, but for one thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Misfit {
    Sound,
    /// What is put makes it panic, when a part of it is encoded.
    PanicsInEncode,
    /// It says that it has an answer, and has none.
    AnswersNothing,
}

impl Filter for Misfit {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut Input<'_>) -> Result<Option<Bytes>, FilterError> {
        Ok((!input.is_empty()).then(|| input.take(input.len())))
    }

    fn has_answer(&self) -> bool {
        *self == Self::AnswersNothing
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        assert_ne!(*self, Self::PanicsInEncode);
        Ok(())
    }
}

type Shared = Rc<RefCell<Option<ReadWrite<Misfit>>>>;
type Told = Rc<RefCell<Vec<String>>>;

/// A session with a stream, whose handle is `held`; says whom the stream is connected to.
fn spawn(
    kernel: &mut Kernel,
    name: &'static str,
    filter: Misfit,
    held: &Shared,
    told: &Told,
) -> TcpStream {
    let (socket, peer) = pair();
    let (socket, held) = (Cell::new(Some(socket)), Rc::clone(held));
    let tell = |told: &mut Told, what: String| told.borrow_mut().push(what);
    let states = States::new()
        .on_start(move |_: &mut Told, cx: &mut Context<'_>, ()| {
            let builder = ReadWrite::builder(socket.take().expect("it starts once"));
            *held.borrow_mut() = Some(builder.filter(filter).build(cx, "came", "failed"));
        })
        .on("came", move |told: &mut Told, _: &mut Context<'_>, it: wheels::Input<Bytes>| {
            tell(told, format!("{name}: {}", it.item.escape_ascii()));
        })
        .on("failed", move |told: &mut Told, _: &mut Context<'_>, it: Failure| {
            tell(told, format!("{name}: {it}"));
        })
        .on_stop(move |told: &mut Told, _: &mut Context<'_>, ()| {
            tell(told, format!("{name} stopped"));
        });
    kernel.spawn(&states, Rc::clone(told));
    peer
}

/// Two sessions with a stream each, of which the first is piped to the second.
struct Two {
    kernel: Kernel,
    source: TcpStream,
    sink: TcpStream,
    told: Told,
}

impl Two {
    fn new(source: Misfit, sink: Misfit) -> Self {
        let kernel = Kernel::builder().on_exception(OnException::Isolate).build();
        let (mut kernel, told) = (kernel.expect("a kernel"), Told::default());
        let (first, second) = (Shared::default(), Shared::default());
        let source = spawn(&mut kernel, "source", source, &first, &told);
        let sink = spawn(&mut kernel, "sink", sink, &second, &told);
        let join = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            let (first, second) = (first.borrow(), second.borrow());
            first.as_ref().expect("it is built").pipe_to(cx, second.as_ref().expect("it is built"));
        });
        kernel.spawn(&join, ());
        Self { kernel, source, sink, told }
    }

    /// Runs until so much was told; gives it.
    fn hear(&mut self, count: usize) -> Vec<String> {
        let told = Rc::clone(&self.told);
        net::run_until(&mut self.kernel, "news", || told.borrow().len() >= count);
        self.told.take()
    }
}

#[test]
fn p22_a_sink_whose_filter_panics_is_the_failure_of_its_own_session() {
    let mut two = Two::new(Misfit::Sound, Misfit::PanicsInEncode);
    two.source.write_all(b"lost").expect("write");
    assert_eq!(
        two.hear(3),
        ["sink stopped", "source: pipe: what it was piped to takes no more", "source stopped"]
    );
    assert_eq!(two.kernel.stats().failures, 1);
    assert_eq!(two.kernel.wheel_count(), 0);
    assert_eq!(net::read_to_end(&mut two.sink), net::Ending::Closed(Vec::new()));
}

#[test]
fn a_filter_that_has_an_answer_for_ever_and_says_nothing_does_not_keep_a_pipe_awake() {
    let mut two = Two::new(Misfit::AnswersNothing, Misfit::Sound);
    two.source.write_all(b"come").expect("write");
    for _ in 0..20 {
        two.kernel.run_one_turn(Duration::ZERO).expect("a turn");
    }
    assert_eq!(net::read_exact(&mut two.sink, 4), b"come");
    assert_eq!(two.kernel.next_timeout(), None, "there is nothing to do");
}

#[test]
fn p22_a_stream_that_is_its_own_sink_and_whose_filter_panics_has_failed_once() {
    let kernel = Kernel::builder().on_exception(OnException::Isolate).build();
    let (mut kernel, told, held) = (kernel.expect("a kernel"), Told::default(), Shared::default());
    let mut peer = spawn(&mut kernel, "echo", Misfit::PanicsInEncode, &held, &told);
    let echo = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let stream = held.take().expect("it is built");
        stream.pipe_to(cx, &stream);
        *held.borrow_mut() = Some(stream);
    });
    kernel.spawn(&echo, ());
    peer.write_all(b"lost").expect("write");
    net::run_to_end(&mut kernel);
    assert_eq!((told.take(), kernel.stats().failures), (vec!["echo stopped".to_owned()], 1));
    assert_eq!(net::read_to_end(&mut peer), net::Ending::Closed(Vec::new()));
}
