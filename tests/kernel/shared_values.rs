//! What wheels of one kind share.

use std::cell::Cell;
use std::rc::Rc;

use testkit::story::Stage;

use crate::parts::made;

#[derive(Default)]
struct Count(u32);

#[derive(Default)]
struct Other(u32);

/// How often a wheel was made in this kernel before, by a value that it shares with the others.
fn counted(stage: &mut Stage) -> u32 {
    let seen: Rc<Cell<u32>> = Rc::default();
    let told = Rc::clone(&seen);
    stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        let _closed = cx.add_wheel(|io| {
            let Count(count) = io.shared_value();
            told.set(*count);
            *count += 1;
            assert_eq!(io.shared_value::<Other>().0, 0, "another type's is another");
            made(event, |_| None)
        });
    });
    stage.turn();
    seen.get()
}

#[test]
fn wheels_share_one_value_for_each_kernel_and_type() {
    let (mut one, mut two) = (Stage::new(), Stage::new());
    assert_eq!((counted(&mut one), counted(&mut one)), (0, 1));
    assert_eq!(counted(&mut two), 0);
    one.run();
    assert_eq!(counted(&mut one), 2, "it outlives the sessions");
    one.run();
    two.run();
}

#[derive(Default)]
struct Told(Option<Rc<Cell<bool>>>);

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(told) = &self.0 {
            told.set(true);
        }
    }
}

#[test]
fn a_shared_value_is_dropped_with_its_kernel() {
    let dropped: Rc<Cell<bool>> = Rc::default();
    let told = Rc::clone(&dropped);
    let mut stage = Stage::new();
    stage.actor("a", move |_, cx| {
        let event = cx.symbol("came");
        let _closed = cx.add_wheel(|io| {
            io.shared_value::<Told>().0 = Some(told);
            made(event, |_| None)
        });
    });
    stage.run();
    assert!(!dropped.get());
    drop(stage);
    assert!(dropped.get());
}
