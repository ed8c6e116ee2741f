//! Aliases: `k_aliases` and the aliases of `20_resources`.

use reactor::SessionId;

use crate::parts::{Family, Member};

#[test]
fn k_aliases() {
    let mut family = Family::new();
    let a = family.member("a", |member, cx| {
        for _ in 0..2 {
            assert_eq!(cx.alias_set("new name"), Ok(()));
        }
        assert_eq!(cx.alias_resolve("new name"), Some(cx.session()));
        assert_eq!(cx.alias_resolve("unknown"), None);
        assert_eq!(cx.alias_list(), ["new name"]);
        assert_eq!(cx.alias_set("second name"), Ok(()));
        assert_eq!(cx.alias_list(), ["new name", "second name"]);
        // One handler of both signals: it handles them, and is stopped by the second all the same.
        member.at_signal(cx, "IDLE", |_, cx, _| cx.sig_handled());
        cx.sig("ZOMBIE", "signal").unwrap();
    });
    family.member("b", |member, cx| {
        assert_eq!(cx.alias_set("a while"), Ok(()));
        assert_eq!(cx.alias_remove("a while"), Ok(()));
        member.at_signal(cx, "IDLE", |_, cx, _| cx.sig_handled());
        cx.sig("ZOMBIE", "signal").unwrap();
    });
    assert_eq!(family.kernel.why_alive(a).as_deref(), Some("1 queued event, 2 aliases"));
    family.run();
    family.assert(["a: _start", "b: _start", "b: _stop", "a: IDLE", "a: ZOMBIE", "a: _stop"]);
    assert_eq!(family.kernel.alias_resolve("new name"), None);
}

#[test]
fn t20_resources_aliases() {
    let mut family = Family::new();
    let a = family.member("a", |_, _| {});
    let holds = |family: &Family| family.kernel.why_alive(a).expect("it is alive");
    assert_eq!(holds(&family), "1 queued event");
    for (name, reasons) in
        [("alias 1", "1 queued event, 1 alias"), ("alias 2", "1 queued event, 2 aliases")]
    {
        family.kernel.alias_set(a, name).unwrap();
        assert_eq!(holds(&family), reasons);
        assert_eq!(family.kernel.alias_resolve(name), Some(a));
    }
    assert_eq!(family.kernel.alias_list(a).unwrap(), ["alias 1", "alias 2"]);
    assert_eq!(family.kernel.alias_list(SessionId::KERNEL).unwrap(), [""; 0]);
    for name in ["alias 1", "alias 2"] {
        family.kernel.alias_remove(a, name).unwrap();
    }
    assert_eq!(holds(&family), "1 queued event");
    assert_eq!(family.kernel.alias_resolve("alias 1"), None);
    family.run();
    assert!(family.kernel.alias_list(a).is_err(), "it is gone");
}

#[test]
fn an_alias_means_who_had_it_when_the_event_was_posted() {
    let mut family = Family::new();
    let a = family.stays("a", |_, cx| cx.alias_set("name").unwrap());
    let b = family.stays("b", |_, _| {});
    family.story.take();
    family.kernel.post("name", "first", ()).unwrap();
    family.act(a, |_: &mut Member, cx| cx.alias_remove("name").unwrap());
    family.act(b, |_: &mut Member, cx| cx.alias_set("name").unwrap());
    family.kernel.post("name", "second", ()).unwrap();
    family.turn();
    family.assert(["a: first", "b: second"]);
    family.end();
    assert_eq!(family.kernel.alias_resolve("name"), None, "it went with its session");
}
