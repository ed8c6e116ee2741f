//! What is between two streams of which one is piped to the other.
//!
//! Owns whether more is taken. The source keeps a [`Link`], the sink an [`Intake`]; neither keeps the other
//! alive. Promises that a source that waits is woken when the sink takes more, and when it never will.

use std::any::TypeId;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use filters::Filter;
use reactor::{Deliver, Io, Kernel, WeakHandle};

use super::bypass::Bypass;
use super::settings::Marks;
use super::stream::Stream;

/// Whether a sink takes more.
///
/// ```text
/// Free, Open --high mark--> Shut --low mark--> Free, Open
/// Free --something unsent--> Open --nothing unsent--> Free
/// Free, Open, Shut --output shut down, failed, closed--> Broken
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gate {
    /// It has nothing to send, and may be given so many bytes past this process.
    Free(usize),
    Open,
    /// Not before what it has is sent.
    Shut,
    /// Never again.
    Broken,
}

/// Where the input of a stream goes.
#[derive(Default)]
pub(super) enum Outlet<T> {
    #[default]
    Session,
    Stream(Rc<dyn Link<T>>),
    /// Nowhere: what it was piped to takes no more, and that was told.
    Broken,
}

/// The way of items of one type to a stream that is written to. What it cannot bring there breaks it.
pub(crate) trait Link<T> {
    fn gate(&self) -> Gate;
    /// The way past this process, if the sink's bytes are the source's.
    fn bypass(&self) -> Option<&Bypass>;
    fn put(&self, item: T, kernel: &mut Kernel);
    /// Puts so many bytes, which are in the system's pipe.
    fn put_bypassed(&self, count: usize, kernel: &mut Kernel);
    /// The source has ended.
    fn end(&self, kernel: &mut Kernel);
}

/// A stream that pipes to another, as that one knows it.
pub(super) trait Source {
    fn wake(&self);
}

/// What a stream knows of those that pipe to it. When it is dropped they are told.
pub(super) struct Intake {
    gate: Rc<Cell<Gate>>,
    sources: Vec<Rc<dyn Source>>,
}

pub(super) struct Pipe<F: Filter, G: Filter> {
    source: WeakHandle<Stream<F>>,
    sink: WeakHandle<Stream<G>>,
    /// The sink's, of all that pipe to it.
    gate: Rc<Cell<Gate>>,
    /// This one is broken, whatever the others are.
    broken: Cell<bool>,
    bypass: Option<Bypass>,
}

impl Intake {
    pub(super) fn new() -> Self {
        Self { gate: Rc::new(Cell::new(Gate::Open)), sources: Vec::new() }
    }

    pub(super) fn gate(&self) -> Rc<Cell<Gate>> {
        Rc::clone(&self.gate)
    }

    pub(super) fn add(&mut self, source: Rc<dyn Source>) {
        self.forget_leavers();
        self.sources.push(source);
    }

    /// Whether nobody pipes here any more.
    pub(super) fn is_idle(&mut self) -> bool {
        self.forget_leavers();
        self.sources.is_empty()
    }

    /// So much is unsent now. If it is nothing, the gate is `free`.
    pub(super) fn set(&self, unsent: usize, free: Gate, marks: &Marks) {
        let open = if unsent == 0 { free } else { Gate::Open };
        match self.gate.get() {
            Gate::Free(_) | Gate::Open if marks.holds_up(unsent) => self.gate.set(Gate::Shut),
            Gate::Free(_) | Gate::Open => self.gate.set(open),
            Gate::Shut if marks.lets_go(unsent) => self.turn(open),
            Gate::Shut | Gate::Broken => {}
        }
    }

    fn turn(&self, gate: Gate) {
        self.gate.set(gate);
        self.sources.iter().for_each(|source| source.wake());
    }

    /// A source lets go of its link when it pipes elsewhere, or closes.
    fn forget_leavers(&mut self) {
        self.sources.retain(|source| Rc::strong_count(source) > 1);
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.turn(Gate::Broken);
    }
}

impl<F: Filter, G: Filter> Pipe<F, G> {
    /// A pipe that is broken, unless it gets the gate of its sink.
    pub(super) fn new(source: WeakHandle<Stream<F>>, sink: WeakHandle<Stream<G>>) -> Self {
        let gate = Rc::new(Cell::new(Gate::Broken));
        Self { source, sink, gate, broken: Cell::new(false), bypass: None }
    }

    /// A pipe to the stream of this gate.
    pub(super) fn through(self, gate: Rc<Cell<Gate>>, io: &mut Io<'_>) -> Self {
        let is_raw = TypeId::of::<(F, G)>() == TypeId::of::<(filters::Stream, filters::Stream)>();
        let bypass = if is_raw { Bypass::new(io) } else { None };
        Self { gate, bypass, ..self }
    }
}

impl<F: Filter, G: Filter> Source for Pipe<F, G> {
    fn wake(&self) {
        self.source.wake();
    }
}

impl<F: Filter, G: Filter> Link<F::Item> for Pipe<F, G>
where
    F::Item: Into<G::Out>,
{
    fn gate(&self) -> Gate {
        if self.broken.get() { Gate::Broken } else { self.gate.get() }
    }

    fn bypass(&self) -> Option<&Bypass> {
        self.bypass.as_ref()
    }

    fn put(&self, item: F::Item, kernel: &mut Kernel) {
        // If its filter panics it is the sink that failed, and that is gone.
        let taken = kernel.with_wheel(&self.sink, |sink, io| sink.take_in(item.into(), io));
        let Err(told) = taken.unwrap_or(Err(None)) else { return };
        self.broken.set(true);
        if let Some(told) = told {
            told.deliver(kernel);
        }
    }

    fn put_bypassed(&self, count: usize, kernel: &mut Kernel) {
        let sink = kernel.wheel(&self.sink).zip(self.bypass.as_ref());
        let taken = sink.is_some_and(|((sink, mut io), bypass)| {
            sink.take_in_bypassed(bypass.conduit(), count, &mut io)
        });
        self.broken.set(!taken);
    }

    fn end(&self, kernel: &mut Kernel) {
        if let Some((sink, mut io)) = kernel.wheel(&self.sink) {
            sink.shutdown_output(&mut io);
        }
    }
}

impl<T> fmt::Debug for Outlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("Session"),
            Self::Stream(link) => write!(f, "Stream({:?})", link.gate()),
            Self::Broken => f.write_str("Broken"),
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intake({:?}, {} sources)", self.gate.get(), self.sources.len())
    }
}
