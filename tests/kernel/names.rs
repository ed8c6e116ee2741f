//! Names: equal text is one event, however it is made.

use reactor::{Clock, Context, Event, Kernel, States};

const SAY: Event<u32> = Event::new("say");

#[test]
fn a_constant_a_literal_and_a_string_of_one_text_name_one_event() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new()
        .on("say", |sum: &mut u32, _: &mut Context<'_>, more: u32| *sum += more)
        .on_stop(|sum: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*sum, 1_111));
    let session = kernel.spawn(&states, 0);
    kernel.post(session, &SAY, 1).unwrap();
    kernel.post(session, SAY.clone(), 10).unwrap();
    kernel.post(session, "say", 100_u32).unwrap();
    kernel.post(session, String::from("s") + "ay", 1_000_u32).unwrap();
    kernel.run().unwrap();
    assert_eq!(kernel.stats().posted, 4);
}

#[test]
fn names_that_share_their_first_bytes_in_memory_are_not_mixed_up() {
    static TEXT: &str = "tick_tock";
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let (short, long, empty) = (&TEXT[..4], TEXT, &TEXT[..0]);
    let states = States::new()
        .on_start(move |_: &mut Vec<u8>, cx: &mut Context<'_>, ()| {
            for _ in 0..2 {
                cx.yield_(long, ());
                cx.yield_(short, ());
                cx.yield_(empty, ());
            }
        })
        .on(long, |heard: &mut Vec<u8>, _: &mut Context<'_>, ()| heard.push(2))
        .on(short, |heard: &mut Vec<u8>, _: &mut Context<'_>, ()| heard.push(1))
        .on(empty, |heard: &mut Vec<u8>, _: &mut Context<'_>, ()| heard.push(0))
        .on_stop(|heard: &mut Vec<u8>, _: &mut Context<'_>, ()| {
            assert_eq!(*heard, [2, 1, 0, 2, 1, 0]);
        });
    kernel.spawn(&states, Vec::new());
    kernel.run().unwrap();
}

#[test]
fn more_names_than_are_remembered_by_address_are_all_told_apart() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let mut states = States::new();
    for number in 0..1_000_usize {
        let heard = move |heard: &mut Vec<usize>, _: &mut Context<'_>, ()| heard.push(number);
        states = states.on(format!("event {number}"), heard);
    }
    let states = states.on_stop(|heard: &mut Vec<usize>, _: &mut Context<'_>, ()| {
        assert_eq!(*heard, (0..1_000).collect::<Vec<_>>());
    });
    let session = kernel.spawn(&states, Vec::new());
    for number in 0..1_000 {
        let name: &'static str = format!("event {number}").leak();
        kernel.post(session, name, ()).unwrap();
    }
    kernel.run().unwrap();
}

#[test]
fn a_name_that_begins_with_an_underscore_is_only_special_if_it_is_the_kernels() {
    let mut kernel = Kernel::builder().clock(Clock::virtual_time()).build().unwrap();
    let states = States::new()
        .on("_mine", |heard: &mut u32, _: &mut Context<'_>, ()| *heard += 1)
        .on_stop(|heard: &mut u32, _: &mut Context<'_>, ()| assert_eq!(*heard, 1));
    let session = kernel.spawn(&states, 0);
    kernel.post(session, "_mine", ()).unwrap();
    kernel.run().unwrap();
}
