//! The wheel that moves framed data.
//!
//! [`ReadWrite`] is the handle and [`ReadWriteBuilder`] its parameters. `stream.rs` is the wheel as the
//! kernel keeps it, `asked.rs` and `ending.rs` are more of it; `ends.rs` has its descriptors, `inbound.rs`
//! and `outbound.rs` are its two directions, `health.rs` its limits of time, `settings.rs` what many
//! streams have in common, `told.rs` what it tells. `pipe.rs` joins two: `piped.rs` is the stream at either
//! end, `link.rs` what is between them, `bypass.rs` the way past this process.

mod asked;
mod builder;
mod bypass;
mod ending;
mod ends;
mod events;
mod health;
mod inbound;
mod link;
mod outbound;
mod pipe;
mod piped;
mod settings;
mod stream;
mod told;

use std::fmt;
use std::os::fd::BorrowedFd;

use filters::{Filter, FilterError, Pair};
use reactor::{Context, EventName, Handle, Io, WheelId};

use crate::descriptor::Descriptor;
pub use builder::ReadWriteBuilder;
pub use pipe::pipe;
use stream::Stream;

/// A stream read and written in items, held; dropping it closes the stream
/// (POE: `POE::Wheel::ReadWrite`).
///
/// Each item that comes is an [`Input`] to the session that built the wheel. Items to send are
/// [put](Self::put); they leave when the running handlers are done, all that were put in one write.
///
/// When the peer ends, its unfinished last record is delivered if the filter can make an item of it,
/// then a [`Failure`](crate::Failure) of `read` with error number zero. What is still unsent can be sent:
/// drop the handle to close at once, or [shut it down](Self::shutdown) to let it leave first.
///
/// A wheel keeps its session alive while it reads or has something to send. See the [crate's example](crate).
pub struct ReadWrite<F: Filter> {
    handle: Handle<Stream<F>>,
}

/// An item came in (POE: the arguments of `InputEvent`). Not to be confused with
/// [`filter::Input`](filters::Input), the bytes that a filter makes items of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input<T> {
    /// What the filter made of the bytes.
    pub item: T,
    /// The wheel it came in by.
    pub wheel: WheelId,
}

/// What became of an item that was put. Ignoring it is fine for small answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Put<T> {
    /// It will be sent.
    Queued,
    /// It will be sent, and the high mark is reached: stop putting until the low mark's event.
    High,
    /// The stream was shut down, has failed, is closed, or keeps as much as it may: here it is again.
    Refused(T),
    /// The filter cannot express it; nothing was queued.
    Unencodable(FilterError),
}

impl<F: Filter> ReadWrite<F> {
    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub fn id(&self) -> WheelId {
        self.handle.id()
    }

    /// Sends an item (POE: `put`): it is encoded now, and written when the running handlers are done, all that
    /// they put in one write. Written is not received: a wheel that is dropped before loses it, so
    /// [shut it down](Self::shutdown) instead.
    #[inline]
    pub fn put(&self, cx: &mut Context<'_>, item: impl Into<F::Out>) -> Put<F::Out> {
        match cx.wheel(&self.handle) {
            Some((stream, mut io)) => stream.put(item.into(), &mut io),
            None => Put::Refused(item.into()),
        }
    }

    /// Writes now what the system takes, instead of when the running handler returns (POE: `flush`); says
    /// how many bytes are left. Rarely needed. What is to be told of it is told when the handler returns.
    pub fn flush(&self, cx: &mut Context<'_>) -> usize {
        cx.wheel(&self.handle).map_or(0, |(stream, mut io)| stream.flush_now(&mut io))
    }

    /// How many encoded bytes wait to be sent (POE: `get_driver_out_octets`).
    #[must_use]
    pub fn unsent(&self, cx: &mut Context<'_>) -> usize {
        cx.wheel(&self.handle).map_or(0, |(stream, _)| stream.outbound.unsent())
    }

    /// How many items were put since all was sent last (POE: `get_driver_out_messages`, which does not
    /// count those that are sent already).
    #[must_use]
    pub fn unsent_items(&self, cx: &mut Context<'_>) -> usize {
        cx.wheel(&self.handle).map_or(0, |(stream, _)| stream.outbound.unsent_items())
    }

    /// How many bytes have come by this stream in all, those included that went on to another
    /// [past this process](Self::pipe_to). What it was built with as [unread](ReadWriteBuilder::unread) does not
    /// count. Zero if the stream is closed.
    #[must_use]
    pub fn received(&self, cx: &mut Context<'_>) -> u64 {
        cx.wheel(&self.handle).map_or(0, |(stream, _)| stream.inbound.received())
    }

    /// Whether bytes have come that are not delivered: of an unfinished record, or of records that wait
    /// because the input is paused. Records that came together with the one that is being handled count.
    #[must_use]
    pub fn has_unread(&self, cx: &mut Context<'_>) -> bool {
        cx.wheel(&self.handle).is_some_and(|(stream, mut io)| stream.has_unread(&mut io))
    }

    /// Whether more may have come than was read: the system has not said yet that this was all, or others had
    /// to be served first. Known for sure in the next turn, if the input is not paused.
    #[must_use]
    pub fn is_reading(&self, cx: &mut Context<'_>) -> bool {
        cx.wheel(&self.handle).is_some_and(|(stream, _)| stream.inbound.is_flowing())
    }

    /// Whether the output has failed, and that is still to be told. What was put is lost then, though
    /// nothing is [unsent](Self::unsent) any more.
    #[must_use]
    pub fn is_failing(&self, cx: &mut Context<'_>) -> bool {
        cx.wheel(&self.handle).is_some_and(|(stream, _)| stream.has_failure())
    }

    /// Whether the [flushed event](ReadWriteBuilder::flushed_event) is still to come: what was put is not sent yet, or
    /// that it is was not told yet.
    #[must_use]
    pub fn is_flushing(&self, cx: &mut Context<'_>) -> bool {
        cx.wheel(&self.handle).is_some_and(|(stream, _)| stream.outbound.is_flushing())
    }

    /// Delivers no more input until [`resume_input`](Self::resume_input), not even what was read already
    /// (POE: `pause_input`). The peer soon finds that it can send no more. What has come is kept: at most
    /// 64 KiB and an unfinished record.
    pub fn pause_input(&self, cx: &mut Context<'_>) {
        if let Some((stream, io)) = cx.wheel(&self.handle) {
            stream.pause(&io);
        }
    }

    /// Delivers input again, first what was kept.
    pub fn resume_input(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.resume(&mut io);
        }
    }

    /// Wants no more input (POE: `shutdown_input`): what was read and not delivered is dropped, no end is
    /// told, and output goes on. A socket is told (`SHUT_RD`): at once the peer of a UNIX socket can send no
    /// more, that of a TCP connection when what the system keeps is full. A descriptor for reading alone is closed.
    pub fn shutdown_input(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.shutdown_input(&mut io);
        }
    }

    /// Ends the stream in one direction: what was put is sent, and then the peer is told that no more
    /// comes (`SHUT_WR`). Input goes on (POE: `shutdown_output`, which loses what was put). A descriptor for
    /// writing alone is closed.
    pub fn shutdown_output(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.shutdown_output(&mut io);
        }
    }

    /// Closes in order: lets go of the wheel, which sends what was put, tells the peer that no more
    /// comes, reads and throws away what the peer still sends, and closes when the peer does.
    ///
    /// So the peer gets all of it, which it does not when a socket with unread input is closed. A wheel
    /// that makes no progress for its [linger time](ReadWriteBuilder::linger) is closed all the same, with a
    /// [reset](Self::abort) if not all was sent, and one that cannot write any more at once. A pipe or a file is closed as soon as all is sent; of
    /// two descriptors the one for reading is read to its end, unless it is a terminal.
    /// No input and no end of stream is told any more; the marks and that everything was sent are, to their
    /// events, and that it could not be, to the failure event. The session stays alive until it is over.
    pub fn shutdown(self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(&self.handle) {
            stream.shutdown(&mut io);
            self.handle.release();
        }
    }

    /// Closes at once, and tells the peer that something is lost: a TCP connection is reset (`SO_LINGER` of
    /// zero, socket(7)), so that what was cut off does not look whole. What was put and not sent is lost, and
    /// so is what the system has not sent yet. Nothing is told any more.
    ///
    /// To whoever is at the other end of a UNIX socket or a pipe it is the end, as when the handle is dropped.
    pub fn abort(self, cx: &mut Context<'_>) {
        if let Some((stream, _)) = cx.wheel(&self.handle) {
            stream.ends.reset_on_close();
        }
    }

    /// Reads and writes by another filter from now on, whose items may be of another type (POE:
    /// `set_filter`): `input` is told each. The wheel, its id and its other events stay.
    ///
    /// Nothing is lost in between: what was read and not consumed is offered to the new filter, beginning
    /// as soon as the running handler returns (POE: before `set_filter` returns); what was put is sent as it
    /// was encoded. A stream whose filter [refused](FilterError) what came begins anew. Only items that
    /// the old filter [holds](Filter::holds_items) made up already go with it.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use reactor::{Context, Event};
    /// use wheels::filter::{Line, Stream};
    /// use wheels::{Input, ReadWrite};
    ///
    /// /// A head of lines is followed by a body without any.
    /// enum Client { Head(ReadWrite<Line>), Body(ReadWrite<Stream>) }
    ///
    /// fn got_line(client: Client, cx: &mut Context<'_>, line: Input<Bytes>) -> Client {
    ///     match client {
    ///         Client::Head(wheel) if line.item.is_empty() => {
    ///             Client::Body(wheel.set_filter(cx, Stream, "got_body"))
    ///         }
    ///         other => other,
    ///     }
    /// }
    /// ```
    pub fn set_filter<G: Filter>(
        self,
        cx: &mut Context<'_>,
        filter: G,
        input: impl EventName<Input<G::Item>>,
    ) -> ReadWrite<G> {
        self.change_input(cx, |_| filter, input)
    }

    /// Puts another filter of the same type in the place of the one there is, which comes back; else as
    /// [`set_filter`](Self::set_filter). With a `Box<dyn Filter<..>>` this changes between framings of the
    /// same items. `None` if the stream is closed.
    pub fn replace_filter(&self, cx: &mut Context<'_>, filter: F) -> Option<F> {
        let (stream, mut io) = cx.wheel(&self.handle)?;
        Some(stream.replace_filter(filter, &mut io))
    }

    /// Looks at the filter, or changes something about it (POE: `get_input_filter`, `get_output_filter`):
    /// what was read and not consumed is offered to it again. `None` if the stream is closed.
    pub fn with_filter<R>(
        &self,
        cx: &mut Context<'_>,
        with: impl FnOnce(&mut F) -> R,
    ) -> Option<R> {
        let (stream, mut io) = cx.wheel(&self.handle)?;
        let result = with(&mut stream.filter);
        stream.offer_anew(Vec::new(), &mut io);
        Some(result)
    }

    /// Lends what is read from (POE: `get_input_handle`), to ask the system something about it. `None` if
    /// the stream is closed.
    pub fn with_input_handle<R>(
        &self,
        cx: &mut Context<'_>,
        with: impl FnOnce(BorrowedFd<'_>) -> R,
    ) -> Option<R> {
        cx.wheel(&self.handle).and_then(|(stream, _)| stream.ends.input().map(with))
    }

    /// Lends what is written to (POE: `get_output_handle`). `None` if the stream is closed.
    pub fn with_output_handle<R>(
        &self,
        cx: &mut Context<'_>,
        with: impl FnOnce(BorrowedFd<'_>) -> R,
    ) -> Option<R> {
        cx.wheel(&self.handle).and_then(|(stream, _)| stream.ends.output().map(with))
    }

    /// Takes the stream out of the wheel, which is over: for another session to build a wheel on, or for a
    /// layer of encryption to be put in between. Nothing is lost, and nothing is told any more. `None` if
    /// the stream is closed.
    pub fn into_parts(self, cx: &mut Context<'_>) -> Option<ReadWriteParts<F>> {
        let (stream, mut io) = cx.wheel(&self.handle)?;
        stream.prepare_to_leave(&mut io);
        cx.take_wheel(self.handle).map(Stream::into_parts)
    }

    const fn new(handle: Handle<Stream<F>>) -> Self {
        Self { handle }
    }

    const fn handle(&self) -> &Handle<Stream<F>> {
        &self.handle
    }

    /// The same stream, read by a filter that is made of the old one.
    fn change_input<G: Filter>(
        self,
        cx: &mut Context<'_>,
        make: impl FnOnce(F) -> G,
        input: impl EventName<Input<G::Item>>,
    ) -> ReadWrite<G> {
        let input = cx.symbol_of(input);
        let change = |stream: Stream<F>, io: &mut Io<'_>| stream.change_input(make, input, io);
        ReadWrite::new(cx.replace_wheel(self.handle, change))
    }
}

/// Of a wheel with a filter for each direction, which was built with [`Pair`].
impl<I: Filter, O: Filter> ReadWrite<Pair<I, O>> {
    /// Reads by another filter from now on, as [`set_filter`](Self::set_filter); what is put is encoded as
    /// before (POE: `set_input_filter`).
    pub fn set_input_filter<J: Filter>(
        self,
        cx: &mut Context<'_>,
        filter: J,
        input: impl EventName<Input<J::Item>>,
    ) -> ReadWrite<Pair<J, O>> {
        self.change_input(cx, |old| Pair::new(filter, old.into_parts().1), input)
    }

    /// Encodes what is put from now on by another filter; what was put is sent as it was encoded, and input
    /// goes on as before (POE: `set_output_filter`).
    pub fn set_output_filter<P: Filter>(
        self,
        cx: &mut Context<'_>,
        filter: P,
    ) -> ReadWrite<Pair<I, P>> {
        let change = |stream: Stream<Pair<I, O>>, _: &mut Io<'_>| {
            stream.convert_output(|old| Pair::new(old.into_parts().0, filter))
        };
        ReadWrite::new(cx.replace_wheel(self.handle, change))
    }
}

impl ReadWrite<filters::Stream> {
    /// A wheel on a stream: a [`Socket`](crate::Socket) as a rule, or a socket of std's, a pipe, the pipe of
    /// a child, a terminal, a file (POE: `Handle`).
    pub fn builder(stream: impl Into<Descriptor>) -> ReadWriteBuilder<filters::Stream> {
        ReadWriteBuilder::new(stream.into(), None, filters::Stream)
    }

    /// A wheel that reads from one descriptor and writes to another: two pipes, standard input and output
    /// (POE: `InputHandle`, `OutputHandle`).
    pub fn builder_of_two(
        input: impl Into<Descriptor>,
        output: impl Into<Descriptor>,
    ) -> ReadWriteBuilder<filters::Stream> {
        ReadWriteBuilder::new(input.into(), Some(output.into()), filters::Stream)
    }
}

/// What a wheel was made of: see [`ReadWrite::into_parts`].
#[derive(Debug)]
pub struct ReadWriteParts<F> {
    /// What it read from, and wrote to unless there is an `output`. `None` if it was closed.
    pub input: Option<Descriptor>,
    /// What it wrote to, if that was another descriptor and is not closed.
    pub output: Option<Descriptor>,
    /// The filter.
    pub filter: F,
    /// What was read and not consumed: [input](ReadWriteBuilder::unread) to the next wheel.
    pub unread: Vec<u8>,
    /// What was put and not sent, encoded.
    pub unsent: Vec<u8>,
}

impl<F: Filter> fmt::Debug for ReadWrite<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadWrite({})", self.id())
    }
}
