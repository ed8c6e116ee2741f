//! Who sent it: the sender of every kind of event.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, Event, Handle, Kernel, SessionId, States};

use crate::parts::{Made, made};

const ASK: Event<(), SessionId> = Event::new("ask");

#[derive(Default)]
struct Asked {
    maker: Option<SessionId>,
    heard: u32,
    wheel: Option<Handle<Made>>,
}

impl Asked {
    fn by_itself(&mut self, cx: &mut Context<'_>, (): ()) {
        assert_eq!(cx.sender(), cx.session(), "{}", cx.event());
        self.heard += 1;
    }

    fn by_its_wheel(&mut self, cx: &mut Context<'_>, _: u64) {
        self.by_itself(cx, ());
        self.wheel = None;
    }

    fn by_the_kernel(&mut self, cx: &mut Context<'_>, (): ()) {
        assert_eq!(cx.sender(), SessionId::KERNEL, "{}", cx.event());
        self.heard += 1;
    }

    fn by_its_maker(&mut self, cx: &mut Context<'_>, (): ()) {
        assert_eq!(Some(cx.sender()), self.maker, "{}", cx.event());
        self.heard += 1;
    }

    fn stop(&mut self, cx: &mut Context<'_>, (): ()) {
        assert_eq!(cx.sender(), SessionId::KERNEL, "_stop");
        assert_eq!(cx.event(), "_stop");
        assert_eq!(self.heard, 7);
    }
}

fn asked() -> States<Asked> {
    States::new()
        .on_start(|asked: &mut Asked, cx: &mut Context<'_>, ()| {
            asked.by_its_maker(cx, ());
            cx.yield_("yielded", ());
            cx.delay("delayed", Duration::from_secs(1), ());
            cx.delay_set("set", Duration::from_secs(1), ());
            let event = cx.symbol("turned");
            let mut left = 1..=1;
            asked.wheel = Some(cx.add_wheel(|io| {
                io.again();
                made(event, move |_| left.next())
            }));
        })
        .on(&ASK, |_: &mut Asked, cx: &mut Context<'_>, ()| cx.sender())
        .on("yielded", Asked::by_itself)
        .on("delayed", Asked::by_itself)
        .on("set", Asked::by_itself)
        .on("turned", Asked::by_its_wheel)
        .on("by kernel", Asked::by_the_kernel)
        .on("by maker", Asked::by_its_maker)
        .on_stop(Asked::stop)
}

#[test]
fn the_sender_of_every_kind_of_event_is_who_caused_it() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let (asked, made) = (asked(), Rc::new(Cell::new(SessionId::KERNEL)));
    let child = Rc::clone(&made);
    let maker = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        let maker = cx.session();
        assert_eq!(cx.sender(), SessionId::KERNEL);
        let child = cx.spawn(&asked, Asked { maker: Some(maker), ..Asked::default() });
        made.set(child);
        cx.post(child, "by maker", ()).unwrap();
        assert_eq!(cx.call(child, &ASK, ()), Ok(maker));
        assert_eq!((cx.session(), cx.sender()), (maker, SessionId::KERNEL), "after the call");
    });
    kernel.spawn(&maker, ());
    assert_eq!(kernel.call(child.get(), &ASK, ()), Ok(SessionId::KERNEL));
    kernel.post(child.get(), "by kernel", ()).unwrap();
    kernel.run().unwrap();
}
