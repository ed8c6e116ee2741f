//! Joining two streams, so that what comes by one goes out by the other.

use std::rc::Rc;

use filters::Filter;
use reactor::Context;

use super::ReadWrite;
use super::link::Pipe;

/// Pipes: what comes by one stream goes out by another without passing through a session.
impl<F: Filter> ReadWrite<F> {
    /// Sends what comes by this stream out by `sink`, from now on, instead of telling it to the session that
    /// built this one; [`pipe`] does it in both directions.
    ///
    /// Both wheels stay what they are: their handles, ids, filters, limits of time and events, but for the
    /// input event of this one. Each item is put to `sink` as if the session did it, so the two filters may
    /// differ. `sink` may be another session's, which it does not keep alive, may take from several, and may be
    /// this stream itself, which is an echo. Input that is [paused](Self::pause_input) stays so.
    ///
    /// Between two [`Stream`](filters::Stream)s on sockets, much at once passes this process by (`splice(2)`),
    /// which takes two descriptors for all pipes of a kernel together. Not if the sockets block (those of std's
    /// do unless told otherwise), nor if the process does not ignore `SIGPIPE`, as Rust's programs do from the
    /// start, when the first pipe is made: splicing raises it.
    ///
    /// *Back-pressure.* When `sink` has as much unsent as its [high mark](super::ReadWriteBuilder::high_mark),
    /// this stream is not read until no more is unsent than its low mark; so the peer of this one finds that it
    /// can send no more. Without a high mark, 64 KiB and 16 KiB hold, which are not told; the high mark is taken
    /// as no more than half of [`most_unsent`](super::ReadWriteBuilder::most_unsent), for which a pipe never
    /// makes its sink fail. Less than twice the high mark is kept, and one item. Such a pause and the session's
    /// do not undo each other, and neither counts as idle.
    ///
    /// *The end.* When this stream ends, the output of `sink` is [shut down](Self::shutdown_output) behind
    /// what came, and the end is told as ever: a [`Failure`](crate::Failure) of `read` with error number zero.
    /// Other failures of this stream are told and not passed on, for a stream that was cut off must not look
    /// like one that was completed. When there is no more to come in either direction,
    /// [shut both down](Self::shutdown): dropping them loses what is unsent.
    ///
    /// *The sink is gone:* it failed, which its own failure event tells with what is unsent; its output was
    /// shut down; its handle was dropped; its filter was changed to one of another type, or panicked, which is the
    /// failure of its own session; it refused an item (`encode`, told by its own failure event, too). Then this stream is read no more, and a failure of
    /// `pipe`, `EPIPE`, is told, once. What was on its way to the sink is lost, what is unread is kept, for
    /// another sink or for [`unpipe`](Self::unpipe). Nothing of it is told if this stream has ended.
    ///
    /// What is closed already is no sink: that is told in the same way. If this stream has ended before, nothing
    /// happens.
    pub fn pipe_to<G: Filter>(&self, cx: &mut Context<'_>, sink: &ReadWrite<G>)
    where
        F::Item: Into<G::Out>,
    {
        if cx.wheel(self.handle()).is_none() {
            return;
        }
        let (from, to) = (self.handle().downgrade(), sink.handle().downgrade());
        let pipe = Pipe::new(from, to);
        let pipe = match cx.wheel(sink.handle()) {
            Some((stream, mut io)) => stream.take_from(&mut io, |gate, io| pipe.through(gate, io)),
            None => Rc::new(pipe),
        };
        if let Some((stream, mut io)) = cx.wheel(self.handle()) {
            stream.set_outlet(pipe, &mut io);
        }
    }

    /// Tells what comes by this stream to its session again, beginning with what was not passed on yet. Also
    /// after the pipe broke.
    pub fn unpipe(&self, cx: &mut Context<'_>) {
        if let Some((stream, mut io)) = cx.wheel(self.handle()) {
            stream.unpipe(&mut io);
        }
    }
}

/// Joins two streams in both directions: what comes by either goes out by the other. See
/// [`ReadWrite::pipe_to`], which does it in one.
///
/// A proxy, once it has both connections:
///
/// ```
/// use bytes::Bytes;
/// use reactor::{Context, Kernel, States};
/// use wheels::filter::Stream;
/// use wheels::{Failure, Input, ReadWrite, Socket};
///
/// struct Proxy { ends: Option<(ReadWrite<Stream>, ReadWrite<Stream>)>, open: u32 }
///
/// impl Proxy {
///     fn join(&mut self, cx: &mut Context<'_>, client: Socket, server: Socket) {
///         let [client, server] = [client, server]
///             .map(|socket| ReadWrite::builder(socket).build(cx, "got_input", "got_failure"));
///         wheels::pipe(cx, &client, &server);
///         (self.ends, self.open) = (Some((client, server)), 2);
///     }
///
///     fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
///         self.open = self.open.saturating_sub(1);
///         if failure.is_end() && self.open > 0 {
///             return; // passed on: the other direction may go on for long
///         }
///         if let Some((client, server)) = self.ends.take() {
///             if failure.is_end() {
///                 client.shutdown(cx);
///                 server.shutdown(cx);
///             } // else dropped here: cut off at both ends
///         }
///     }
/// }
/// # use std::io::{Read, Write};
/// # use std::os::unix::net::UnixStream;
/// # let (mut client, one) = UnixStream::pair()?;
/// # let (other, mut server) = UnixStream::pair()?;
/// # let pair = std::cell::Cell::new(Some((one, other)));
/// # let proxy = States::new()
/// #     .on_start(move |proxy: &mut Proxy, cx: &mut Context<'_>, ()| {
/// #         let (one, other) = pair.take().unwrap();
/// #         proxy.join(cx, one.try_into().unwrap(), other.try_into().unwrap());
/// #     })
/// #     .on("got_input", |_: &mut Proxy, _: &mut Context<'_>, _: Input<Bytes>| unreachable!())
/// #     .on("got_failure", Proxy::got_failure);
/// # client.write_all(b"question")?;
/// # client.shutdown(std::net::Shutdown::Write)?;
/// # server.write_all(b"answer")?;
/// # server.shutdown(std::net::Shutdown::Write)?;
/// # let mut kernel = Kernel::new()?;
/// # kernel.spawn(&proxy, Proxy { ends: None, open: 0 });
/// # let server = std::thread::spawn(move || {
/// #     let mut question = String::new();
/// #     server.read_to_string(&mut question).unwrap();
/// #     question
/// # });
/// # let client = std::thread::spawn(move || {
/// #     let mut answer = String::new();
/// #     client.read_to_string(&mut answer).unwrap();
/// #     answer
/// # });
/// # kernel.run()?;
/// # assert_eq!(server.join().unwrap(), "question");
/// # assert_eq!(client.join().unwrap(), "answer");
/// # std::io::Result::Ok(())
/// ```
pub fn pipe<F: Filter, G: Filter>(cx: &mut Context<'_>, one: &ReadWrite<F>, other: &ReadWrite<G>)
where
    F::Item: Into<G::Out>,
    G::Item: Into<F::Out>,
{
    one.pipe_to(cx, other);
    other.pipe_to(cx, one);
}
