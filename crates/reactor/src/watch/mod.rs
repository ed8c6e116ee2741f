//! Descriptors that a session reads and writes itself (POE: "selects").
//!
//! A [`Watch`] is the handle: it owns the descriptor, lends it out, and gives it back. `watcher.rs` is
//! the wheel as the kernel keeps it, `selected.rs` what it tells, `refused.rs` what cannot be watched.
//! Never reads, writes or configures the descriptor. Made of the public parts of a wheel and nothing
//! else.

mod refused;
mod selected;
mod watcher;

use std::fmt;
use std::ops::Deref;
use std::os::fd::AsFd;
use std::rc::Rc;

use crate::context::Context;
use crate::event::EventName;
use crate::handle::Handle;
use crate::ids::WheelId;

pub use refused::Refused;
pub use selected::{SelectMode, Selected};
use watcher::Watcher;

/// A descriptor that its session is told about when it is ready (POE: `select_read` and its kin).
///
/// Got from [`Context::select_read`], [`select_write`](Context::select_write) or
/// [`select_expedite`](Context::select_expedite), and then good for all three. It owns what it was given
/// and lends it by `Deref`, with or without a context. So a watched descriptor cannot be closed, and its
/// number cannot become another's. What belongs to it, POE's extra arguments, a session keeps by its id, as
/// in a [`WheelMap`](crate::WheelMap). Dropping the watch ends it and closes the descriptor;
/// [`into_inner`](Self::into_inner) ends it and gives the descriptor back.
///
/// The events go to the session that made the watch, whoever holds it: one [`Selected`] for each mode
/// and turn, *as long as* the descriptor is ready. A handler that leaves something behind is called again
/// in the next turn. In one turn reading comes before writing, and writing before urgent data. Each
/// time the system is asked before the event is told, so what another handler has read meanwhile is not
/// told.
///
/// - A peer that is gone and an error are told in every mode that is watched; reading or writing says
///   which it is. Told in every turn, until the watch is paused, stopped or dropped.
/// - A regular file and `/dev/null` are always ready, at the end of the file too.
/// - A watch keeps its session alive, once, however many modes it has, paused or not. With no mode left
///   it does not.
/// - A blocking descriptor stays blocking, because that belongs to everybody who has it open, such as the
///   shell that started the program (POE makes it non-blocking). One call of read(2) does not block when
///   reading was told; a second may, and so may a write(2) of more than the system has room for. On
///   rare occasions the system goes back on its word, for a datagram with a wrong checksum for one: make
///   sockets of your own non-blocking.
/// - A handle that reads ahead, such as [`std::io::Stdin`] or a `BufReader`, keeps what the system does not
///   know of any more: read on until it has nothing left, or hand over the plain descriptor,
///   `File::from(stdin().as_fd().try_clone_to_owned()?)`.
/// - One descriptor has one watch or other wheel. For two sessions, `try_clone` gives the second a
///   descriptor of its own, and both are told.
///
/// ```
/// use std::net::UdpSocket;
/// use reactor::{Context, Kernel, Selected, States, Watch};
///
/// #[derive(Default)]
/// struct Echo { socket: Option<Watch<UdpSocket>> }
///
/// impl Echo {
///     fn start(&mut self, cx: &mut Context<'_>, (): ()) {
///         let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
/// #       let peer = UdpSocket::bind("127.0.0.1:0").expect("a socket");
/// #       peer.send_to(b"hello", socket.local_addr().expect("bound")).expect("sent");
///         socket.set_nonblocking(true).expect("a socket can be");
///         self.socket = cx.select_read(socket, "got_datagram").ok();
///     }
///     fn got_datagram(&mut self, _: &mut Context<'_>, _: Selected) {
///         let Some(socket) = &self.socket else { return };
///         let mut bytes = [0; 1500];
///         if let Ok((length, peer)) = socket.recv_from(&mut bytes) {
///             let _ = socket.send_to(&bytes[..length], peer);
/// #           assert_eq!(&bytes[..length], b"hello");
///         }
/// #       self.socket = None;
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let states = States::new().on_start(Echo::start).on("got_datagram", Echo::got_datagram);
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&states, Echo::default());
/// kernel.run()
/// # }
/// ```
pub struct Watch<F> {
    wheel: Handle<Watcher<F>>,
    descriptor: Rc<F>,
}

impl<F: AsFd + 'static> Watch<F> {
    /// The watch's id, as its events carry it.
    #[must_use]
    #[inline]
    pub fn id(&self) -> WheelId {
        self.wheel.id()
    }

    /// Sends `event` when the descriptor can be read (POE: `select_read`), instead of the event that was
    /// sent so far, and also if it was paused.
    ///
    /// Nothing is watched any more when the session that made the watch has stopped.
    pub fn select_read(&self, cx: &mut Context<'_>, event: impl EventName<Selected>) {
        self.select(cx, SelectMode::Read, event);
    }

    /// As [`select_read`](Self::select_read), when the descriptor can be written to (POE:
    /// `select_write`).
    pub fn select_write(&self, cx: &mut Context<'_>, event: impl EventName<Selected>) {
        self.select(cx, SelectMode::Write, event);
    }

    /// As [`select_read`](Self::select_read), when urgent data can be read (POE: `select_expedite`).
    pub fn select_expedite(&self, cx: &mut Context<'_>, event: impl EventName<Selected>) {
        self.select(cx, SelectMode::Expedite, event);
    }

    /// Tells of reading no more (POE: `select_read` without an event). Harmless if it was not watched.
    pub fn select_stop_read(&self, cx: &mut Context<'_>) {
        self.stop(cx, SelectMode::Read);
    }

    /// Tells of writing no more (POE: `select_write` without an event).
    pub fn select_stop_write(&self, cx: &mut Context<'_>) {
        self.stop(cx, SelectMode::Write);
    }

    /// Tells of urgent data no more (POE: `select_expedite` without an event).
    pub fn select_stop_expedite(&self, cx: &mut Context<'_>) {
        self.stop(cx, SelectMode::Expedite);
    }

    /// Tells of reading no more until it is [resumed](Self::select_resume_read) or selected again (POE:
    /// `select_pause_read`). Says whether it is watched. Costs no system call, and nothing is lost.
    pub fn select_pause_read(&self, cx: &mut Context<'_>) -> bool {
        self.pause(cx, SelectMode::Read)
    }

    /// Tells of writing no more until it is [resumed](Self::select_resume_write) or selected again (POE:
    /// `select_pause_write`). Says whether it is watched.
    pub fn select_pause_write(&self, cx: &mut Context<'_>) -> bool {
        self.pause(cx, SelectMode::Write)
    }

    /// Tells of reading again, in the next turn if there is something to read already (POE:
    /// `select_resume_read`). Says whether it is watched.
    pub fn select_resume_read(&self, cx: &mut Context<'_>) -> bool {
        self.resume(cx, SelectMode::Read)
    }

    /// Tells of writing again (POE: `select_resume_write`). Says whether it is watched.
    pub fn select_resume_write(&self, cx: &mut Context<'_>) -> bool {
        self.resume(cx, SelectMode::Write)
    }

    /// Ends the watch and gives the descriptor back, open and as it was (POE: `select` with a handle
    /// alone). At once, even while one of the watch's own events is handled: it may be watched again, by
    /// this or another session, or given to another wheel. No event of this watch is told any more.
    ///
    /// # Panics
    ///
    /// If `cx` is of another kernel than the watch.
    pub fn into_inner(self, cx: &mut Context<'_>) -> F {
        if let Some((watcher, mut io)) = cx.wheel(&self.wheel) {
            watcher.let_go(&mut io);
        }
        // A wheel that is closed has dropped its share.
        Rc::into_inner(self.descriptor)
            .expect("the watch is of this kernel, whose share is dropped")
    }

    pub(crate) fn start(
        cx: &mut Context<'_>,
        handle: F,
        mode: SelectMode,
        event: impl EventName<Selected>,
    ) -> Result<Self, Refused<F>> {
        let event = cx.symbol_of(event);
        let descriptor = Rc::new(handle);
        let mut watched = Ok(());
        let wheel = cx.add_wheel(|io| {
            watched = io.watch(&descriptor).map(drop);
            Watcher::new(Rc::clone(&descriptor), mode, event)
        });
        let watch = Self { wheel, descriptor };
        match watched {
            Ok(()) => Ok(watch),
            Err(error) => Err(Refused { handle: watch.into_inner(cx), error }),
        }
    }

    fn select(&self, cx: &mut Context<'_>, mode: SelectMode, event: impl EventName<Selected>) {
        let event = cx.symbol_of(event);
        if let Some((watcher, mut io)) = cx.wheel(&self.wheel) {
            watcher.select(mode, event, &mut io);
        }
    }

    fn stop(&self, cx: &mut Context<'_>, mode: SelectMode) {
        if let Some((watcher, mut io)) = cx.wheel(&self.wheel) {
            watcher.stop(mode, &mut io);
        }
    }

    fn pause(&self, cx: &mut Context<'_>, mode: SelectMode) -> bool {
        cx.wheel(&self.wheel).is_some_and(|(watcher, _)| watcher.pause(mode))
    }

    fn resume(&self, cx: &mut Context<'_>, mode: SelectMode) -> bool {
        cx.wheel(&self.wheel).is_some_and(|(watcher, mut io)| watcher.resume(mode, &mut io))
    }
}

impl<F> Deref for Watch<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.descriptor
    }
}

impl<F> fmt::Debug for Watch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("id", &self.wheel.id()).finish_non_exhaustive()
    }
}
