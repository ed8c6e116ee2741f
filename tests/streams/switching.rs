//! A session that reads two framings by turns, as clients of HTTP do: a line that is a number, then so many
//! bytes, then a line again.
//!
//! [`Talk::act`] runs a closure as one of the session's handlers.

use std::cell::RefCell;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States};
use testkit::net;
use wheels::filter::{self, Filter, FilterError, Line, Output};
use wheels::{Failure, Input, Operation, Put, ReadWrite, ReadWriteBuilder};

/// So many bytes, as they come; not one more.
#[derive(Debug)]
pub(crate) struct Exactly(pub(crate) usize);

impl Filter for Exactly {
    type Item = Bytes;
    type Out = Bytes;

    fn decode(&mut self, input: &mut filter::Input<'_>) -> Result<Option<Bytes>, FilterError> {
        let part = input.take(self.0);
        self.0 -= part.len();
        Ok((!part.is_empty()).then_some(part))
    }

    fn encode(&mut self, item: Bytes, out: &mut Output) -> Result<(), FilterError> {
        out.put_bytes(item);
        Ok(())
    }
}

/// What the session was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    Line(Bytes),
    /// What came in one piece or several.
    Body(Vec<u8>),
    Failed(Operation, i32),
    Word(&'static str),
}

pub(crate) const END: Said = Said::Failed(Operation::Read, 0);

pub(crate) fn line(text: &'static str) -> Said {
    Said::Line(text.into())
}

pub(crate) fn body(text: &str) -> Said {
    Said::Body(text.into())
}

/// The wheel, by what it reads now.
#[derive(Debug)]
pub(crate) enum Held {
    Lines(ReadWrite<Line>),
    Body(ReadWrite<Exactly>),
}

pub(crate) fn framing() -> Line {
    Line::literal(b"\r\n")
}

impl Held {
    pub(crate) fn into_lines(self, cx: &mut Context<'_>) -> Self {
        Self::Lines(match self {
            Self::Lines(wheel) => wheel.set_filter(cx, framing(), "line"),
            Self::Body(wheel) => wheel.set_filter(cx, framing(), "line"),
        })
    }

    pub(crate) fn into_body(self, cx: &mut Context<'_>, len: usize) -> Self {
        Self::Body(match self {
            Self::Lines(wheel) => wheel.set_filter(cx, Exactly(len), "body"),
            Self::Body(wheel) => wheel.set_filter(cx, Exactly(len), "body"),
        })
    }

    pub(crate) fn put(&self, cx: &mut Context<'_>, bytes: impl Into<Bytes>) -> Put<Bytes> {
        match self {
            Self::Lines(wheel) => wheel.put(cx, bytes),
            Self::Body(wheel) => wheel.put(cx, bytes),
        }
    }

    pub(crate) fn lines(&self) -> &ReadWrite<Line> {
        match self {
            Self::Lines(wheel) => wheel,
            Self::Body(_) => panic!("it does not read lines"),
        }
    }
}

/// The session's state.
pub(crate) struct Talker {
    pub(crate) held: Option<Held>,
    /// What the body lacks.
    left: usize,
    said: Rc<RefCell<Vec<Said>>>,
}

pub(crate) type Act = Box<dyn FnOnce(&mut Talker, &mut Context<'_>)>;

pub(crate) const ACT: Event<Act> = Event::new("act");
pub(crate) const WORD: Event<&'static str> = Event::new("word");

impl Talker {
    pub(crate) fn change(&mut self, change: impl FnOnce(Held) -> Held) {
        self.held = self.held.take().map(change);
    }

    /// Reads so many bytes from now on, and then lines.
    pub(crate) fn read_body(&mut self, cx: &mut Context<'_>, len: usize) {
        self.left = len;
        self.change(|held| held.into_body(cx, len));
    }

    fn line(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        let number = std::str::from_utf8(&input.item).ok().and_then(|text| text.parse().ok());
        self.said.borrow_mut().push(Said::Line(input.item));
        if let Some(len @ 1..) = number {
            self.read_body(cx, len);
        }
    }

    fn body(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        self.left = self.left.saturating_sub(input.item.len());
        let mut said = self.said.borrow_mut();
        match said.last_mut() {
            Some(Said::Body(bytes)) => bytes.extend_from_slice(&input.item),
            _ => said.push(Said::Body(input.item.into())),
        }
        drop(said);
        if self.left == 0 {
            self.change(|held| held.into_lines(cx));
        }
    }

    fn say(&self, said: Said) {
        self.said.borrow_mut().push(said);
    }
}

/// A kernel with one such session, and the other end of its stream.
pub(crate) struct Talk {
    pub(crate) kernel: Kernel,
    pub(crate) session: SessionId,
    pub(crate) peer: UnixStream,
    said: Rc<RefCell<Vec<Said>>>,
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::of(|builder| builder.filter(framing()))
    }

    pub(crate) fn of(
        parameters: impl FnOnce(ReadWriteBuilder<filter::Stream>) -> ReadWriteBuilder<Line>,
    ) -> Self {
        let states = States::new()
            .on(&ACT, |talker: &mut Talker, cx: &mut Context<'_>, act: Act| act(talker, cx))
            .on("line", Talker::line)
            .on("body", Talker::body)
            .on("failed", |talker: &mut Talker, _: &mut Context<'_>, it: Failure| {
                talker.say(Said::Failed(it.operation, it.errnum));
            })
            .on(&WORD, |talker: &mut Talker, _: &mut Context<'_>, word| {
                talker.say(Said::Word(word));
            })
            // It stays whatever becomes of its stream.
            .on_start(|_: &mut Talker, cx: &mut Context<'_>, ()| {
                cx.delay("never", Duration::from_secs(86_400), ());
            });
        let mut kernel = Kernel::builder().build().expect("a kernel");
        let said: Rc<RefCell<Vec<Said>>> = Rc::default();
        let talker = Talker { held: None, left: 0, said: Rc::clone(&said) };
        let session = kernel.spawn(&states, talker);
        let (ours, peer) = UnixStream::pair().expect("a pair");
        let mut talk = Self { kernel, session, peer, said };
        let builder = parameters(ReadWrite::builder(ours));
        talk.act(|talker, cx| {
            talker.held = Some(Held::Lines(builder.build(cx, "line", "failed")));
        });
        talk
    }

    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Talker, &mut Context<'_>) + 'static) {
        let act: Act = Box::new(act);
        self.kernel.call(self.session, &ACT, act).expect("the session is alive and idle");
    }

    pub(crate) fn turns(&mut self, count: u32) {
        for _ in 0..count {
            self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
        }
    }

    /// Runs until so much was said; says what.
    pub(crate) fn hear(&mut self, count: usize) -> Vec<Said> {
        let said = Rc::clone(&self.said);
        net::run_until(&mut self.kernel, "what is said", || said.borrow().len() >= count);
        self.said()
    }

    pub(crate) fn said(&self) -> Vec<Said> {
        self.said.borrow().clone()
    }
}
