//! Families that change while their members are told of a change.

use std::cell::Cell;
use std::rc::Rc;

use reactor::{CallError, DetachError, Fate, SessionId};

use crate::parts::{Family, deed, fail, stay};

/// The child was left with a parent that was gone, and the kernel's own children were forgotten.
#[test]
fn nobody_can_have_a_session_start_children_once_it_has_had_its_stop() {
    let mut family = Family::new();
    family.stays("elder", |_, _| {});
    let parent = family.stays("parent", |member, cx| {
        member.at_child(|member, cx, child| {
            if child.fate() == Fate::Lose {
                let late = deed(|member, cx| {
                    member.spawn(cx, "late", |_, cx| stay(cx));
                });
                let called: Result<(), _> = cx.call(child.session(), "do", late);
                member.tell(format_args!("{called:?}"));
            }
        });
        member.spawn(cx, "child", |_, _| {});
    });
    family.stays("younger", |_, _| {});
    family.story.take();
    family.turn();
    family.assert(["child: _stop", "parent: lose child", "parent: Err(NoSuchSession)"]);
    assert_eq!(family.children(parent), [""; 0]);
    assert_eq!(family.children(SessionId::KERNEL), ["elder", "parent", "younger"]);
    family.end();
}

#[test]
fn a_session_that_ends_can_be_called_until_it_has_had_its_stop() {
    let mut family = Family::isolated();
    let parent = family.stays("parent", |member, cx| {
        member.at_child(|member, cx, child| {
            let word = deed(|member, _| member.tell("here"));
            let called: Result<(), _> = cx.call(child.session(), "do", word);
            member.tell(format_args!("{called:?}"));
        });
        member.spawn(cx, "child", |member, cx| {
            member.spawn(cx, "grandchild", |member, cx| {
                stay(cx);
                member.at_parent(|member, cx, change| {
                    let word = deed(|member, _| member.tell("here"));
                    let called: Result<(), _> = cx.call(change.old, "do", word);
                    member.tell(format_args!("{called:?}"));
                });
            });
        });
    });
    let child = family.kernel.children(parent)[0];
    family.story.take();
    let failed: Result<(), _> = family.kernel.call(child, "do", deed(|_, _| fail("on purpose")));
    assert_eq!(failed, Err(CallError::Failed));
    family.assert([
        "parent: gain grandchild",
        "grandchild: here",
        "parent: Ok(())",
        "grandchild: from child to parent",
        "child: here",
        "grandchild: Ok(())",
        "child: _stop",
        "parent: lose child",
        "parent: Err(NoSuchSession)",
    ]);
    family.end();
}

/// It was handed on all the same.
#[test]
fn one_that_detaches_itself_when_it_is_handed_on_is_nobodys() {
    let mut family = Family::isolated();
    let parent = family.stays("parent", |_, _| {});
    family.act(parent, |member, cx| {
        member.spawn(cx, "child", |member, cx| {
            member.spawn(cx, "grandchild", |member, cx| {
                stay(cx);
                member.at_parent(|member, cx, change| {
                    if change.new != SessionId::KERNEL {
                        member.tell(format_args!("{:?}", cx.detach_myself()));
                    }
                });
            });
            cx.yield_("do", deed(|_, _| fail("on purpose")));
        });
    });
    family.story.take();
    family.turn();
    family.assert([
        "parent: gain grandchild",
        "grandchild: from child to parent",
        "parent: lose grandchild",
        "grandchild: Ok(())",
        "grandchild: from parent to kernel",
        "child: _stop",
        "parent: lose child",
    ]);
    assert_eq!(family.children(parent), [""; 0]);
    assert_eq!(family.children(SessionId::KERNEL), ["parent", "grandchild"]);
    family.end();
}

#[test]
fn one_that_fails_while_its_brothers_are_handed_on_is_handed_on_and_then_stopped() {
    let mut family = Family::isolated();
    let parent = family.stays("parent", |_, _| {});
    family.act(parent, |member, cx| {
        let child = member.spawn(cx, "child", |member, cx| {
            for name in ["first", "second", "third"] {
                member.spawn(cx, name, |_, cx| stay(cx));
            }
        });
        member.at_child(move |member, cx, told| {
            if member.name_of(told.session()) == "first" {
                let second = cx.kernel().children(child)[0];
                let called: Result<(), _> = cx.call(second, "do", deed(|_, _| fail("second")));
                assert_eq!(called, Err(CallError::Failed));
            }
        });
        cx.post(child, "do", deed(|_, _| fail("first"))).unwrap();
    });
    family.story.take();
    family.turn();
    family.assert([
        "parent: gain first",
        "first: from child to parent",
        "parent: gain second",
        "second: from child to parent",
        "parent: gain third",
        "third: from child to parent",
        "child: _stop",
        "parent: lose child",
        "second: _stop",
        "parent: lose second",
    ]);
    assert_eq!(family.children(parent), ["first", "third"]);
    family.end();
}

/// The children of one that ended then were left with a parent that was gone.
#[test]
fn what_is_left_by_one_that_ends_while_its_parent_does_goes_to_the_grandparent() {
    let mut family = Family::isolated();
    let top = family.stays("top", |_, _| {});
    family.act(top, |member, cx| {
        let parent = member.spawn(cx, "parent", |member, _| {
            member.at_stop(|member, cx| {
                member.spawn(cx, "first", |_, cx| stay(cx));
                member.spawn(cx, "second", |member, cx| {
                    member.spawn(cx, "grandchild", |_, cx| stay(cx));
                });
            });
        });
        member.at_child(move |member, cx, told| {
            if member.name_of(told.session()) == "first" {
                let second = cx.kernel().children(parent)[0];
                let called: Result<(), _> = cx.call(second, "do", deed(|_, _| fail("second")));
                assert_eq!(called, Err(CallError::Failed));
            }
        });
    });
    family.story.take();
    family.turn();
    family.assert([
        "parent: _stop",
        "first: _start",
        "second: _start",
        "grandchild: _start",
        "second: create grandchild",
        "parent: create first",
        "parent: create second",
        "top: gain first",
        "grandchild: from second to parent",
        "second: _stop",
        "first: from parent to top",
        "top: gain grandchild",
        "grandchild: from parent to top",
        "top: lose parent",
    ]);
    assert_eq!(family.children(top), ["first", "grandchild"]);
    family.end();
}

#[test]
fn a_parent_that_fails_when_it_is_told_of_a_gain_hands_on_all_that_it_has() {
    let mut family = Family::isolated();
    let top = family.stays("top", |_, _| {});
    family.act(top, |member, cx| {
        member.spawn(cx, "parent", |member, cx| {
            stay(cx);
            member.at_child(|_, _, child| {
                if child.fate() == Fate::Gain {
                    fail("on purpose");
                }
            });
            member.spawn(cx, "child", |member, cx| {
                member.spawn(cx, "grandchild", |_, cx| stay(cx));
                cx.yield_("do", deed(|_, _| fail("on purpose")));
            });
        });
    });
    family.story.take();
    family.turn();
    let told = family.story.take();
    // The grandchild is told of one change at a time, and who told it last is right.
    let moves: Vec<_> = told.iter().filter(|line| line.starts_with("grandchild: from")).collect();
    assert_eq!(moves.last().map(|line| line.rsplit(' ').next()), Some(Some("top")), "{told:?}");
    assert_eq!(family.children(top), ["grandchild"]);
    let ends = |name: &str| told.iter().filter(|line| **line == format!("{name}: _stop")).count();
    assert_eq!((ends("parent"), ends("child"), ends("grandchild")), (1, 1, 0), "{told:?}");
    assert!(told.contains(&"top: gain grandchild".to_owned()), "{told:?}");
    family.end();
}

/// It was told of the loss twice, and the child of its new parent.
#[test]
fn a_parent_that_lets_a_child_go_which_is_just_leaving_is_told_that_it_is_no_child_any_more() {
    let mut family = Family::new();
    let parent = family.stays("parent", |member, cx| {
        member.at_child(|member, cx, child| {
            if child.fate() == Fate::Lose {
                let detached = cx.detach_child(child.session());
                member.tell(format_args!("{detached:?}"));
                assert_eq!(detached, Err(DetachError::NotAChild));
            }
        });
        member.spawn(cx, "child", |_, cx| stay(cx));
    });
    let child = family.kernel.children(parent)[0];
    family.story.take();
    family.act(child, |member, cx| {
        cx.detach_myself().unwrap();
        member.tell("detached");
    });
    family.assert([
        "parent: lose child",
        "parent: Err(NotAChild)",
        "child: detached",
        "child: from parent to kernel",
    ]);
    assert_eq!(family.children(SessionId::KERNEL), ["parent", "child"]);
    family.end();
}

/// It was told of the loss of one that it had never been told to have.
#[test]
fn one_that_fails_in_its_start_is_a_child_that_comes_and_goes() {
    let mut family = Family::isolated();
    let parent = family.stays("parent", |_, _| {});
    family.act(parent, |member, cx| {
        member.spawn(cx, "child", |_, _| fail("on purpose"));
        member.tell("goes on");
    });
    family.assert([
        "parent: _start",
        "child: _start",
        "child: _stop",
        "parent: goes on",
        "parent: create child",
        "parent: lose child",
    ]);
    family.end();
}

/// Each ended within the end of the one before, until there was no stack left.
#[test]
fn ten_thousand_ancestors_that_fail_one_because_of_the_other_end_one_after_the_other() {
    let mut family = Family::isolated();
    let mut youngest = family.member("0", |_, _| {});
    for number in 1..10_000 {
        let made = Rc::new(Cell::new(youngest));
        let make = Rc::clone(&made);
        family.act(youngest, move |member, cx| {
            make.set(member.spawn(cx, number, |_, _| {}));
            member.at_child(|_, _, child| {
                if child.fate() == Fate::Lose {
                    fail("on purpose");
                }
            });
        });
        youngest = made.get();
    }
    let failed: Result<(), _> = family.kernel.call(youngest, "do", deed(|_, _| fail("first")));
    assert_eq!(failed, Err(CallError::Failed));
    assert_eq!((family.kernel.session_count(), family.kernel.stats().failures), (0, 10_000));
    family.run();
}

/// Each child that came looked at all the notices that waited.
#[test]
fn a_hundred_thousand_children_of_one_handler_are_told_of_while_one_watches() {
    let mut family = Family::new();
    let heard: Rc<Cell<u32>> = Rc::default();
    let hears = Rc::clone(&heard);
    family.member("parent", move |member, cx| {
        member.at_child(move |member, _, child| {
            member.story.take();
            hears.set(hears.get() + u32::from(child.fate() == Fate::Create));
        });
        for number in 0..100_000 {
            member.spawn(cx, number, |_, _| {});
        }
    });
    assert_eq!(heard.get(), 100_000);
    family.run();
}
