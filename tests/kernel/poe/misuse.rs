//! `all_errors` and the three tests of assertions: what the caller did wrong is a `Result`. What POE checks
//! when it runs and the compiler checks here (methods that need a session, undefined arguments, handlers
//! that are not functions) has no test.

use reactor::{
    AliasError, CallError, Context, DetachError, NoSuchSession, RefcountError, SessionId,
    StateError, States,
};

use crate::parts::{Family, stay};

/// The id of a session that is gone: POE's tests take a number that was never given.
fn nobody(family: &mut Family) -> SessionId {
    let nobody = family.member("nobody", |_, _| {});
    family.run();
    family.story.take();
    nobody
}

#[test]
fn all_errors_call_post_and_signal_to_nobody() {
    let mut family = Family::new();
    let nobody = nobody(&mut family);
    family.member("a", move |_, cx| {
        let called: Result<(), _> = cx.call(nobody, "event", ());
        assert_eq!(called, Err(CallError::NoSuchSession));
        assert_eq!(cx.post(nobody, "event", 7), Err(NoSuchSession(7)));
        assert_eq!(cx.signal(nobody, "NAME", 7), Err(NoSuchSession(7)));
        // And by an alias that nobody has.
        let called: Result<(), _> = cx.call("nobody", "event", ());
        assert_eq!(called, Err(CallError::NoSuchSession));
        assert_eq!(cx.post("nobody", "event", 7), Err(NoSuchSession(7)));
        assert_eq!(cx.signal("nobody", "NAME", 7), Err(NoSuchSession(7)));
    });
    family.run();
    family.assert(["a: _start", "a: _stop"]);
}

#[test]
fn all_errors_an_alias_of_the_kernels() {
    let mut family = Family::new();
    let kernel = SessionId::KERNEL;
    assert_eq!(family.kernel.alias_set(kernel, "kernel_alias"), Ok(()));
    family.member("a", move |_, cx| {
        assert_eq!(cx.alias_set("kernel_alias"), Err(AliasError::InUse(kernel)));
        assert_eq!(cx.alias_remove("kernel_alias"), Err(AliasError::NotYours(kernel)));
        assert_eq!(cx.alias_remove("unknown"), Err(AliasError::NoSuchAlias));
        assert_eq!(cx.alias_resolve("kernel_alias"), Some(kernel));
    });
    family.run();
    assert_eq!(family.kernel.alias_remove(kernel, "kernel_alias"), Ok(()));
    assert_eq!(family.kernel.alias_resolve("kernel_alias"), None);
}

#[test]
fn all_errors_ids_and_references_of_nobody() {
    let mut family = Family::new();
    let nobody = nobody(&mut family);
    let kernel = &mut family.kernel;
    // POE: ID_id_to_session, ID_session_to_id. An id is the session here.
    assert!(!kernel.has_session(nobody));
    assert_eq!((kernel.parent(nobody), kernel.why_alive(nobody)), (None, None));
    assert_eq!(kernel.refcount_increment(nobody, "tag"), Err(NoSuchSession(())));
    assert_eq!(kernel.refcount_decrement(nobody, "tag"), Err(RefcountError::NoSuchSession));
    assert_eq!(kernel.alias_list(nobody), Err(NoSuchSession(())));
    assert_eq!(kernel.alias_set(nobody, "alias"), Err(AliasError::NoSuchSession));
    assert_eq!(kernel.options(nobody), Err(NoSuchSession(())));
}

#[test]
fn all_errors_a_handler_for_another_state_or_under_a_reserved_name() {
    let mut family = Family::new();
    let states = States::new().on_start(|_: &mut u32, cx: &mut Context<'_>, ()| {
        let other = cx.state("event", |_: &mut String, _: &mut Context<'_>, ()| {});
        assert_eq!(other, Err(StateError::OtherState));
        for name in ["_start", "_default"] {
            let reserved = cx.state(name, |_: &mut u32, _: &mut Context<'_>, ()| {});
            assert_eq!(reserved, Err(StateError::Reserved), "{name}");
            assert_eq!(cx.state_clear(name), Err(StateError::Reserved), "{name}");
        }
    });
    family.kernel.spawn(&states, 0);
    family.run();
    assert_eq!(family.kernel.stats().failures, 0);
}

#[test]
fn t11_assert_usage_aliases_that_clash() {
    let mut family = Family::new();
    let owner = family.stays("owner", |_, cx| cx.alias_set("mine").unwrap());
    family.member("other", move |_, cx| {
        assert_eq!(cx.alias_set("mine"), Err(AliasError::InUse(owner)));
        assert_eq!(cx.alias_remove("mine"), Err(AliasError::NotYours(owner)));
        assert_eq!(cx.alias_remove("nobody's"), Err(AliasError::NoSuchAlias));
        // The name is as free as any before.
        assert_eq!(cx.alias_set("nobody's"), Ok(()));
    });
    family.end();
}

#[test]
fn t12_assert_retval_errors_that_are_returned_say_what_they_are() {
    let mut family = Family::new();
    let owner = family.stays("owner", |_, cx| cx.alias_set("mine").unwrap());
    let taken = family.kernel.alias_set(SessionId::KERNEL, "mine").unwrap_err();
    assert_eq!(taken.to_string(), format!("the alias is in use by session {owner}"));
    let unknown = family.kernel.refcount_decrement(owner, "tag").unwrap_err();
    assert_eq!(unknown, RefcountError::NoSuchTag);
    assert_eq!(unknown.to_string(), "nothing is counted under this name");
    assert_eq!(NoSuchSession(7).to_string(), "no such session");
    family.end();
}

#[test]
fn t13_assert_data_nobody_can_be_signalled_detached_posted_to_or_called() {
    let mut family = Family::new();
    let nobody = nobody(&mut family);
    // A post to nobody is fatal in strict mode, as it is there under ASSERT_DATA (`kernel/inspection.rs`).
    let other = family.stays("other", |_, _| {});
    family.member("a", move |_, cx| {
        assert_eq!(cx.signal(nobody, "NAME", ()), Err(NoSuchSession(())));
        assert_eq!(cx.detach_child(nobody), Err(DetachError::NoSuchSession));
        assert_eq!(cx.detach_child(other), Err(DetachError::NotAChild));
        assert_eq!(cx.detach_myself(), Err(DetachError::NoParent));
        assert_eq!(cx.post(nobody, "event", ()), Err(NoSuchSession(())));
        let called: Result<(), _> = cx.call(nobody, "event", ());
        assert_eq!(called, Err(CallError::NoSuchSession));
        stay(cx);
    });
    family.end();
}
