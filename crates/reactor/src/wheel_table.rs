//! The table of wheels, and the cells that they are in.
//!
//! Owns every wheel, in a cell that the table and the wheel's handle share and that the table alone opens. So a
//! wheel is found by its handle without a search, its type is known, and nobody reaches it but through the
//! kernel. Promises that a wheel that is closed is gone from its cell, however long a handle is held.
//! `kernel/wheels.rs` makes and closes wheels, `kernel/serve.rs` serves them.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use qcell::{QCell, QCellOwner};

use crate::arena::Arena;
use crate::desk::Meta;
use crate::further::WatchId;
use crate::ids::{SessionId, WheelId};
use crate::kernel::{Kernel, Pulled};
use crate::outbox::Outbox;
use crate::wheel::{Deliver, Readiness, Wheel};

/// The cells of a kernel's wheels, and what opens them.
pub(crate) struct WheelTable {
    cells: Arena<Rc<dyn AnyWheelCell>>,
    opener: QCellOwner,
}

/// Where a wheel is, and how a handle reaches the kernel.
pub(crate) struct WheelCell<W> {
    id: WheelId,
    /// The kernel's.
    outbox: Rc<Outbox>,
    place: QCell<Place<W>>,
}

/// A wheel, and what the kernel notes about it.
pub(crate) struct Place<W> {
    pub(crate) meta: Meta,
    /// Absent while it is being made, and when it is closed.
    pub(crate) wheel: Option<W>,
}

impl WheelTable {
    pub(crate) fn new() -> Self {
        Self { cells: Arena::new(), opener: QCellOwner::new() }
    }

    /// The cell of a wheel that `session` is making.
    pub(crate) fn insert<W: Wheel>(
        &mut self,
        session: SessionId,
        outbox: &Rc<Outbox>,
    ) -> Rc<WheelCell<W>> {
        let mut made = None;
        let opener = &self.opener;
        self.cells.insert_with(|key| {
            let cell = new_cell(opener, WheelId(key), session, outbox);
            made = Some(Rc::clone(&cell));
            cell
        });
        made.expect("it was made for its key the line before")
    }

    /// A cell for a wheel of another type in the place of a cell that was emptied, with all that is noted.
    pub(crate) fn replace<W: Wheel, V: Wheel>(&mut self, old: &WheelCell<W>) -> Rc<WheelCell<V>> {
        let new = self.empty_cell(old.id, &old.outbox);
        let noted =
            std::mem::replace(&mut self.opener.rw(&old.place).meta, Meta::new(SessionId::KERNEL));
        self.opener.rw(&new.place).meta = noted;
        if let Some(place) = self.cells.get_mut(old.id.0) {
            let new = Rc::clone(&new);
            *place = new;
        }
        new
    }

    /// A cell with nothing in it that is not in the table.
    pub(crate) fn empty_cell<W>(&self, id: WheelId, outbox: &Rc<Outbox>) -> Rc<WheelCell<W>> {
        new_cell(&self.opener, id, SessionId::KERNEL, outbox)
    }

    #[inline]
    pub(crate) fn get(&self, id: WheelId) -> Option<&Rc<dyn AnyWheelCell>> {
        self.cells.get(id.0)
    }

    /// Takes a cell out of the table. The wheel is still in it.
    pub(crate) fn remove(&mut self, id: WheelId) -> Option<Rc<dyn AnyWheelCell>> {
        self.cells.remove(id.0)
    }

    /// What is in a cell of this table.
    #[inline(always)]
    pub(crate) fn open<'a, W>(&'a mut self, cell: &'a WheelCell<W>) -> &'a mut Place<W> {
        self.opener.rw(&cell.place)
    }

    pub(crate) fn meta(&self, id: WheelId) -> Option<&Meta> {
        self.cells.get(id.0).map(|cell| cell.meta(&self.opener))
    }

    #[inline]
    pub(crate) fn meta_mut(&mut self, id: WheelId) -> Option<&mut Meta> {
        self.cells.get(id.0).map(|cell| cell.meta_mut(&mut self.opener))
    }

    /// What is noted in a cell, which may be out of the table.
    pub(crate) fn meta_in<'a>(&'a mut self, cell: &'a dyn AnyWheelCell) -> &'a mut Meta {
        cell.meta_mut(&mut self.opener)
    }

    /// Drops the wheel in a cell.
    pub(crate) fn empty(&mut self, cell: &dyn AnyWheelCell) {
        cell.empty(&mut self.opener);
    }

    /// All cells.
    pub(crate) fn cells(&self) -> Vec<Rc<dyn AnyWheelCell>> {
        self.cells.iter().map(|(_, cell)| Rc::clone(cell)).collect()
    }

    /// The wheel in this slot.
    pub(crate) fn at(&self, slot: u32) -> Option<WheelId> {
        self.cells.key_of(slot).map(WheelId)
    }

    pub(crate) const fn len(&self) -> usize {
        self.cells.len()
    }

    /// All wheels, with their types' names and what is noted about them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WheelId, &'static str, &Meta)> {
        self.cells.iter().map(|(key, cell)| (WheelId(key), cell.kind(), cell.meta(&self.opener)))
    }
}

fn new_cell<W>(
    opener: &QCellOwner,
    id: WheelId,
    session: SessionId,
    outbox: &Rc<Outbox>,
) -> Rc<WheelCell<W>> {
    let place = opener.cell(Place { meta: Meta::new(session), wheel: None });
    Rc::new(WheelCell { id, outbox: Rc::clone(outbox), place })
}

impl<W> WheelCell<W> {
    #[inline(always)]
    pub(crate) const fn id(&self) -> WheelId {
        self.id
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether the cell is of the kernel with this outbox, of which each has one.
    #[inline(always)]
    pub(crate) fn is_of(&self, outbox: &Rc<Outbox>) -> bool {
        Rc::ptr_eq(&self.outbox, outbox)
    }
}

/// The same cell, if it is one for wheels of type `V`.
pub(crate) fn same_type<W: Wheel, V: Wheel>(cell: &Rc<WheelCell<W>>) -> Option<Rc<WheelCell<V>>> {
    let cell = Rc::clone(cell);
    let cell: Rc<dyn Any> = cell;
    cell.downcast().ok()
}

/// An event of a wheel, to be delivered.
pub(crate) type News = Box<dyn FnOnce(&mut Kernel)>;

/// The cell of a wheel of any type, as the kernel keeps it.
pub(crate) trait AnyWheelCell: Any {
    /// Tells the wheel what it is ready for, pulls and flushes.
    fn serve(&self, kernel: &mut Kernel, readiness: Readiness);
    /// Pulls events out of the wheel and delivers them, at most so many.
    fn pull_many(&self, kernel: &mut Kernel, most: &mut u32) -> Pulled;
    fn ready_also(&self, kernel: &mut Kernel, watch: &WatchId, readiness: Readiness);
    /// Flushes the wheel; says whether it has something to tell.
    fn flush(&self, kernel: &mut Kernel) -> bool;
    fn park(&self, kernel: &mut Kernel);
    /// What tells that the wheel has panicked.
    fn panicked(&self, kernel: &mut Kernel) -> Option<News>;
    fn meta<'a>(&'a self, opener: &'a QCellOwner) -> &'a Meta;
    fn meta_mut<'a>(&'a self, opener: &'a mut QCellOwner) -> &'a mut Meta;
    /// Drops the wheel.
    fn empty(&self, opener: &mut QCellOwner);
    /// The wheel's type, for people.
    fn kind(&self) -> &'static str;
}

impl<W: Wheel> AnyWheelCell for WheelCell<W> {
    fn serve(&self, kernel: &mut Kernel, readiness: Readiness) {
        kernel.serve(self, readiness);
    }

    fn pull_many(&self, kernel: &mut Kernel, most: &mut u32) -> Pulled {
        kernel.pull_many(self, most)
    }

    fn ready_also(&self, kernel: &mut Kernel, watch: &WatchId, readiness: Readiness) {
        if let Some((wheel, _)) = kernel.open(self) {
            wheel.ready_also(watch, readiness);
        }
    }

    fn flush(&self, kernel: &mut Kernel) -> bool {
        kernel.open(self).is_some_and(|(wheel, mut io)| wheel.flush(&mut io))
    }

    fn park(&self, kernel: &mut Kernel) {
        if let Some((wheel, mut io)) = kernel.open(self) {
            wheel.park(&mut io);
        }
    }

    fn panicked(&self, kernel: &mut Kernel) -> Option<News> {
        let (wheel, mut io) = kernel.open(self)?;
        let event = wheel.panicked(&mut io)?;
        Some(Box::new(move |kernel| event.deliver(kernel)))
    }

    fn meta<'a>(&'a self, opener: &'a QCellOwner) -> &'a Meta {
        &opener.ro(&self.place).meta
    }

    fn meta_mut<'a>(&'a self, opener: &'a mut QCellOwner) -> &'a mut Meta {
        &mut opener.rw(&self.place).meta
    }

    fn empty(&self, opener: &mut QCellOwner) {
        drop(opener.rw(&self.place).wheel.take());
    }

    fn kind(&self) -> &'static str {
        std::any::type_name::<W>()
    }
}

impl fmt::Debug for WheelTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WheelTable({} wheels)", self.len())
    }
}
