//! What one wheel keeps of another: it finds it while it is there, and wakes it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reactor::{Context, Handle, Io, Kernel, Readiness, States, WeakHandle, Wheel};

use crate::parts::made;

/// A wheel that counts how often it is asked, and tells nothing.
struct Asked(Rc<Cell<u32>>);

impl Wheel for Asked {
    type Event = (reactor::Bound<()>, ());

    fn ready(&mut self, _: Readiness) {}

    fn next(&mut self, _: &mut Io<'_>) -> Option<Self::Event> {
        self.0.set(self.0.get() + 1);
        None
    }
}

/// What holds the wheel.
type Held = Rc<RefCell<Option<Handle<Asked>>>>;

/// A kernel with such a wheel, its handle, and how often it was asked.
fn begin() -> (Kernel, Held, Rc<Cell<u32>>) {
    let (asked, held) = (Rc::<Cell<u32>>::default(), Rc::<RefCell<_>>::default());
    let (count, place) = (Rc::clone(&asked), Rc::clone(&held));
    let owner = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let handle = cx.add_wheel(|_| Asked(Rc::clone(&count)));
        *place.borrow_mut() = Some(handle);
    });
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&owner, ());
    (kernel, held, asked)
}

fn weak(held: &Held) -> WeakHandle<Asked> {
    held.borrow().as_ref().expect("it is held").downgrade()
}

fn turn(kernel: &mut Kernel) {
    kernel.run_one_turn(std::time::Duration::ZERO).expect("a turn");
}

#[test]
fn a_wheel_that_is_woken_is_asked_in_the_next_turn_once() {
    let (mut kernel, held, asked) = begin();
    turn(&mut kernel);
    assert_eq!(asked.get(), 0);
    weak(&held).wake();
    weak(&held).wake();
    (0..3).for_each(|_| turn(&mut kernel));
    assert_eq!(asked.get(), 1);
}

#[test]
fn a_wheel_that_is_closed_is_not_found_and_waking_it_is_harmless() {
    let (mut kernel, held, asked) = begin();
    let weak = weak(&held);
    assert!(kernel.wheel(&weak).is_some());
    held.take();
    turn(&mut kernel);
    assert!(kernel.wheel(&weak).is_none(), "a weak handle keeps nothing alive");
    weak.clone().wake();
    turn(&mut kernel);
    assert_eq!(asked.get(), 0);
    drop(kernel);
    weak.wake();
}

#[test]
fn the_same_id_in_another_kernel_is_another_wheel() {
    let (mut one, held, _) = begin();
    let (mut two, others, _) = begin();
    assert_eq!(weak(&held).id(), weak(&others).id());
    assert!(one.wheel(&weak(&held)).is_some() && two.wheel(&weak(&held)).is_none());
    assert!(one.wheel(&weak(&others)).is_none());
}

#[test]
fn a_handle_that_another_kernel_was_to_change_stands_for_nothing_in_either() {
    let (mut one, held, _) = begin();
    let (mut two, others, _) = begin();
    let place = Rc::clone(&held);
    let changer = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let foreign = place.take().expect("it is held");
        *place.borrow_mut() = Some(cx.replace_wheel(foreign, |old, _| old));
    });
    two.spawn(&changer, ());
    let weak = weak(&held);
    assert!(one.wheel(&weak).is_none() && two.wheel(&weak).is_none());
    turn(&mut one);
    assert_eq!(one.wheel_count(), 0, "nobody holds it any more");
    held.take();
    turn(&mut two);
    assert_eq!(two.wheel_count(), 1, "what the other kernel's was named like is not touched");
    assert!(others.borrow().is_some());
}

#[test]
fn a_wheel_of_another_type_in_its_place_is_not_it() {
    let (mut kernel, held, _) = begin();
    let weak = weak(&held);
    let new: Rc<RefCell<Option<Box<dyn Any>>>> = Rc::default();
    let place = Rc::clone(&new);
    let changer = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let event = cx.symbol("came");
        let old = held.take().expect("it is held");
        *place.borrow_mut() = Some(Box::new(cx.replace_wheel(old, |_, _| made(event, |_| None))));
    });
    kernel.spawn(&changer, ());
    assert_eq!(kernel.wheel_count(), 1);
    assert!(kernel.wheel(&weak).is_none());
    new.take();
    turn(&mut kernel);
    assert_eq!(kernel.wheel_count(), 0);
}

#[test]
fn a_wheel_of_the_same_type_in_its_place_is_known_as_the_old_one_was() {
    let (mut kernel, held, asked) = begin();
    let weak = weak(&held);
    let (place, count) = (Rc::clone(&held), Rc::clone(&asked));
    let changer = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let old = place.take().expect("it is held");
        let new = cx.replace_wheel(old, |_, _| Asked(Rc::clone(&count)));
        *place.borrow_mut() = Some(new);
    });
    kernel.spawn(&changer, ());
    assert!(kernel.wheel(&weak).is_some());
    weak.wake();
    turn(&mut kernel);
    assert_eq!(asked.get(), 1);
    held.take();
    turn(&mut kernel);
    assert_eq!(kernel.wheel_count(), 0);
    assert!(kernel.wheel(&weak).is_none());
}

#[test]
fn a_wheel_closes_with_its_kernel_though_handles_of_both_kinds_are_held() {
    let (kernel, held, asked) = begin();
    let weak = weak(&held);
    assert!(Rc::strong_count(&asked) > 2, "the wheel has a share in the count");
    drop(kernel);
    // That of the handlers is gone as well.
    assert_eq!(Rc::strong_count(&asked), 1);
    weak.wake();
    held.take();
}

#[test]
fn a_wheel_that_closed_itself_is_dropped_though_its_handle_is_held() {
    let (mut kernel, held, asked) = begin();
    let weak = weak(&held);
    let (_, mut io) = kernel.wheel(&weak).expect("it is there");
    io.close();
    turn(&mut kernel);
    // Its session had nothing else to live for.
    assert_eq!(Rc::strong_count(&asked), 1);
    assert!(held.borrow().is_some());
}

#[test]
fn p22_a_wheel_that_panics_while_another_has_it_is_the_one_that_failed() {
    let (mut kernel, held, asked) = begin();
    let weak = weak(&held);
    assert_eq!(
        kernel.with_wheel(&weak, |wheel, io| (wheel.0.get(), io.id())),
        Some((0, weak.id()))
    );
    let failed = kernel.with_wheel(&weak, |_, _| panic!("as it was told"));
    assert_eq!(failed, None::<()>);
    assert_eq!((kernel.wheel_count(), kernel.stats().failures), (0, 1));
    assert_eq!(kernel.with_wheel(&weak, |_, _| ()), None, "it is closed");
    let panic = catch_unwind(AssertUnwindSafe(|| kernel.run())).expect_err("nobody handled it");
    assert_eq!(panic.downcast_ref(), Some(&"as it was told"));
    assert_eq!((kernel.session_count(), asked.get()), (0, 0));
}
