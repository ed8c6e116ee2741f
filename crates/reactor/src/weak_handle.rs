//! What one wheel keeps of another.
//!
//! A [`WeakHandle`] is a share in the cell that the wheel is in, as a [`Handle`](crate::Handle) is, but does not hold
//! the wheel: that lives and closes as if it were not there. What it keeps is the cell's memory.

use std::fmt;
use std::rc::Rc;

use crate::ids::WheelId;
use crate::wheel_table::WheelCell;

/// A wheel of type `W`, known to another wheel. Got from [`Handle::downgrade`](crate::Handle::downgrade).
///
/// So that what one wheel makes can go to another one, and not through a session: the event is an enum
/// whose [`Deliver::deliver`](crate::Deliver::deliver) borrows the other wheel with
/// [`Kernel::wheel`](crate::Kernel::wheel). A chain of wheels, each of which passes a number on:
///
/// ```
/// use reactor::{Bound, Context, Deliver, Handle, Io, Kernel, Readiness, States, Symbol, WeakHandle, Wheel};
///
/// struct Stage { number: Option<u32>, next: Option<WeakHandle<Stage>>, done: Symbol }
///
/// enum Told { Passed(WeakHandle<Stage>, u32), Done(Bound<u32>, u32) }
///
/// impl Deliver for Told {
///     fn deliver(self, kernel: &mut Kernel) {
///         match self {
///             Self::Passed(next, number) => {
///                 if let Some((stage, mut io)) = kernel.wheel(&next) {
///                     stage.number = Some(number + 1);
///                     io.again();
///                 }
///             }
///             Self::Done(bound, number) => (bound, number).deliver(kernel),
///         }
///     }
/// }
///
/// impl Wheel for Stage {
///     type Event = Told;
///
///     fn ready(&mut self, _: Readiness) {}
///
///     fn next(&mut self, io: &mut Io<'_>) -> Option<Told> {
///         let number = self.number.take()?;
///         Some(match &self.next {
///             Some(next) => Told::Passed(next.clone(), number),
///             None => Told::Done(Bound::new(io.session(), self.done), number),
///         })
///     }
/// }
///
/// let owner = States::new()
///     .on_start(|stages: &mut Vec<Handle<Stage>>, cx: &mut Context<'_>, ()| {
///         let done = cx.symbol("done");
///         stages.push(cx.add_wheel(|_| Stage { number: None, next: None, done }));
///         let next = Some(stages[0].downgrade());
///         stages.push(cx.add_wheel(|_| Stage { number: Some(1), next, done }));
///         stages[1].downgrade().wake();
///     })
///     .on("done", |stages: &mut Vec<Handle<Stage>>, _: &mut Context<'_>, number: u32| {
///         assert_eq!(number, 2);
///         stages.clear();
///     });
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&owner, Vec::new());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
pub struct WeakHandle<W> {
    cell: Rc<WheelCell<W>>,
}

impl<W> WeakHandle<W> {
    pub(crate) const fn new(cell: Rc<WheelCell<W>>) -> Self {
        Self { cell }
    }

    /// The wheel's id, as its events carry it.
    #[must_use]
    #[inline]
    pub fn id(&self) -> WheelId {
        self.cell.id()
    }

    /// Asks for the wheel's [`next`](crate::Wheel::next) to be called in the next turn, as
    /// [`Io::again`](crate::Io::again) does for the wheel that is called: something was done that concerns it.
    /// Possible anywhere, in a wheel's `Drop` too. Nothing happens if it is closed by then.
    pub fn wake(&self) {
        self.cell.outbox().wake_wheel(self.cell.id());
    }

    #[inline]
    pub(crate) const fn cell(&self) -> &Rc<WheelCell<W>> {
        &self.cell
    }
}

impl<W> Clone for WeakHandle<W> {
    fn clone(&self) -> Self {
        Self::new(Rc::clone(&self.cell))
    }
}

impl<W> fmt::Debug for WeakHandle<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakHandle({})", self.id())
    }
}
