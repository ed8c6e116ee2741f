//! Calls: the reply, or the reason why there is none.

use std::cell::RefCell;
use std::rc::Rc;

use reactor::{
    CallError, Clock, Context, Event, Kernel, OnException, SessionId, States, Unhandled,
};
use testkit::logs;

const LEN: Event<String, usize> = Event::new("len");
const PASS: Event<SessionId, Result<(), CallError>> = Event::new("pass");

fn kernel(on_exception: OnException) -> Kernel {
    let builder = Kernel::builder().clock(Clock::virtual_time());
    builder.on_exception(on_exception).build().unwrap()
}

fn measurer() -> States<u32> {
    States::new()
        .on(&LEN, |calls: &mut u32, _: &mut Context<'_>, text: String| {
            *calls += 1;
            text.len()
        })
        .try_on("fail", |_: &mut u32, _: &mut Context<'_>, ()| Err::<(), _>("no"))
        .on("panic", |_: &mut u32, _: &mut Context<'_>, ()| -> () {
            crate::parts::fail("on purpose")
        })
}

#[test]
fn a_call_returns_what_the_handler_returns() {
    let mut kernel = kernel(OnException::Stop);
    let server = kernel.spawn(&measurer(), 0);
    assert_eq!(kernel.call(server, &LEN, "four".to_string()), Ok(4));
    let client = States::new().on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
        assert_eq!(cx.call(server, &LEN, "seven!!".to_string()), Ok(7));
    });
    kernel.spawn(&client, ());
    kernel.run().unwrap();
    assert_eq!(kernel.stats().failures, 0);
}

#[test]
fn a_call_to_the_dead_says_that_there_is_no_such_session() {
    let mut kernel = kernel(OnException::Stop);
    let server = kernel.spawn(&measurer(), 0);
    kernel.run().unwrap();
    let reply = kernel.call(server, &LEN, String::new());
    assert_eq!(reply, Err(CallError::NoSuchSession));
    let reply: Result<(), _> = kernel.call(SessionId::KERNEL, "anything", ());
    assert_eq!(reply, Err(CallError::NoSuchSession));
}

#[test]
fn a_call_to_oneself_or_back_up_a_chain_of_calls_is_busy() {
    let mut kernel = kernel(OnException::Stop);
    // Passes the call on to the session it is given; that one calls back the first.
    let first: Rc<RefCell<Option<SessionId>>> = Rc::default();
    let back = Rc::clone(&first);
    let second = States::new().on(&PASS, move |_: &mut (), cx: &mut Context<'_>, _: SessionId| {
        let first = back.borrow().expect("set by the test");
        let reply: Result<Result<(), CallError>, CallError> = cx.call(first, &PASS, first);
        reply.and_then(|reply| reply)
    });
    let second = kernel.spawn(&second, ());
    let states = States::new().on(&PASS, |_: &mut (), cx: &mut Context<'_>, to: SessionId| {
        let reply: Result<Result<(), CallError>, CallError> = cx.call(to, &PASS, cx.session());
        reply.and_then(|reply| reply)
    });
    let id = kernel.spawn(&states, ());
    first.replace(Some(id));
    assert_eq!(kernel.call(id, &PASS, id), Ok(Err(CallError::Busy)), "itself");
    assert_eq!(kernel.call(id, &PASS, second), Ok(Err(CallError::Busy)), "by way of another");
    kernel.run().unwrap();
}

#[test]
fn a_call_that_does_not_fit_says_what_does_not_and_runs_nothing() {
    let mut kernel = kernel(OnException::Stop);
    let server = kernel.spawn(&measurer(), 0);
    let (replies, warnings) = logs::capture_warnings(|| {
        let no_handler: Result<(), _> = kernel.call(server, "lenn", String::new());
        let payload: Result<usize, _> = kernel.call(server, "len", 7_u32);
        let reply: Result<u8, _> = kernel.call(server, "len", String::new());
        (no_handler, payload, reply)
    });
    assert_eq!(replies.0, Err(CallError::NoHandler));
    assert_eq!(replies.1, Err(CallError::OtherPayload));
    assert_eq!(replies.2, Err(CallError::OtherReply));
    assert_eq!(warnings, [], "the caller knows already");
    kernel.run().unwrap();
}

#[test]
fn a_call_that_default_takes_has_no_reply() {
    let mut kernel = kernel(OnException::Stop);
    let states = States::new().on_default(
        |taken: &mut Rc<RefCell<Vec<String>>>, _: &mut Context<'_>, mut event: Unhandled<'_>| {
            taken.borrow_mut().extend(event.take::<String>());
        },
    );
    let taken = Rc::default();
    let server = kernel.spawn(&states, Rc::clone(&taken));
    let reply: Result<usize, _> = kernel.call(server, "anything", "payload".to_string());
    assert_eq!(reply, Err(CallError::Default));
    assert_eq!(*taken.borrow(), ["payload"]);
    kernel.run().unwrap();
}

#[test]
fn a_call_whose_handler_fails_says_so_and_the_caller_lives_on() {
    for event in ["fail", "panic"] {
        let mut kernel = kernel(OnException::Isolate);
        let server = kernel.spawn(&measurer(), 0);
        let client = States::new()
            .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
                let reply: Result<(), _> = cx.call(server, event, ());
                assert_eq!(reply, Err(CallError::Failed));
                // It was stopped there and then.
                let reply = cx.call(server, &LEN, String::new());
                assert_eq!(reply, Err(CallError::NoSuchSession));
                cx.yield_("alive", ());
            })
            .on("alive", |(): &mut (), _: &mut Context<'_>, (): ()| {});
        kernel.spawn(&client, ());
        kernel.run().unwrap();
        assert_eq!((kernel.stats().failures, kernel.stats().posted), (1, 1), "{event}");
    }
}

#[test]
fn the_payload_of_a_call_that_is_refused_is_dropped_before_the_call_returns() {
    let mut kernel = kernel(OnException::Stop);
    let server = kernel.spawn(&measurer(), 0);
    let precious = Rc::new(());
    let reply: Result<(), _> = kernel.call(server, "nothing", Rc::clone(&precious));
    assert_eq!(reply, Err(CallError::NoHandler));
    assert_eq!(Rc::strong_count(&precious), 1);
    kernel.run().unwrap();
}
