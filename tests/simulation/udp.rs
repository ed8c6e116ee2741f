//! Datagrams: refused, cut, in order or not, lost and doubled.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States};
use testkit::{Conditions, Simulation};
use wheels::{
    Datagram, Established, Failure, Message, SocketFactory, SocketFactoryBuilder, SocketType,
};

use crate::kit::{Who, World, name, two_hosts};

const SECOND: Duration = Duration::from_secs(1);
const MADE: Event<Established> = Event::new("made");
const CAME: Event<Message> = Event::new("came");
const FAILED: Event<Failure> = Event::new("failed");
const SEND: Event<(Bytes, Option<SocketAddr>)> = Event::new("send");
const LEAVE: Event<()> = Event::new("leave");
const PLACE: Event<(), Option<SocketAddr>> = Event::new("place");

type Lines = Rc<RefCell<Vec<String>>>;

struct Mailbox {
    told: Lines,
    largest: usize,
    factory: Option<SocketFactory>,
    wheel: Option<Datagram>,
}

impl Mailbox {
    fn made(&mut self, cx: &mut Context<'_>, made: Established) {
        self.told.borrow_mut().push("made".to_owned());
        let builder = Datagram::builder(made.socket).largest(self.largest);
        self.wheel = Some(builder.build(cx, &CAME, &FAILED));
    }

    fn came(&mut self, _: &mut Context<'_>, message: Message) {
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        let cut = if message.is_truncated() { format!(" of {}", message.length) } else { text };
        self.told.borrow_mut().push(format!("{}: {cut}", message.payload.len()));
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) {
        let line = format!("{} {}", failure.operation, name(failure.errnum));
        self.told.borrow_mut().push(line);
    }

    fn send(&mut self, cx: &mut Context<'_>, (payload, to): (Bytes, Option<SocketAddr>)) {
        let wheel = self.wheel.as_ref().expect("a wheel");
        match to {
            Some(to) => wheel.send_to(cx, payload, to),
            None => wheel.send(cx, payload),
        };
    }

    /// A session with a socket of this builder.
    fn join(
        kernel: &mut Kernel,
        builder: SocketFactoryBuilder,
        largest: usize,
    ) -> (SessionId, Lines) {
        let told = Lines::default();
        let mailbox = Self { told: Rc::clone(&told), largest, factory: None, wheel: None };
        let states = States::new()
            .on_start(move |mailbox: &mut Self, cx: &mut Context<'_>, ()| {
                let builder = builder.clone();
                mailbox.factory = Some(builder.build(cx, &MADE, &FAILED));
            })
            .on(&MADE, Self::made)
            .on(&CAME, Self::came)
            .on(&FAILED, Self::failed)
            .on(&SEND, Self::send)
            .on(&PLACE, |mailbox: &mut Self, cx: &mut Context<'_>, ()| {
                mailbox.wheel.as_ref()?.local_addr(cx)?.as_ip()
            })
            .on(&LEAVE, |mailbox: &mut Self, _: &mut Context<'_>, ()| {
                (mailbox.wheel, mailbox.factory) = (None, None);
            });
        (kernel.spawn(&states, mailbox), told)
    }
}

fn send(kernel: &mut Kernel, who: SessionId, payload: &str, to: Option<SocketAddr>) {
    kernel.call(who, SEND, (Bytes::copy_from_slice(payload.as_bytes()), to)).expect("it sends");
}

#[test]
fn a_connected_sender_is_told_once_that_nobody_is_there_and_goes_on() {
    let story = |mut world: World| {
        let address = world.address();
        // Somebody who is gone.
        let (gone, lines) = world.on(Who::Server, |kernel| {
            Mailbox::join(kernel, SocketFactory::datagram((address, 0)), 100)
        });
        world.run_until("a socket", || !lines.borrow().is_empty());
        let place = world.on(Who::Server, |kernel| kernel.call(gone, PLACE, ()));
        let place = place.expect("it is there").expect("it is bound");
        world.on(Who::Server, |kernel| kernel.call(gone, LEAVE, ()).expect("it leaves"));
        world.settle();
        let builder = SocketFactory::connect(place).socket_type(SocketType::Dgram);
        let (client, told) = world.on(Who::Client, |kernel| Mailbox::join(kernel, builder, 100));
        world.run_until("a socket", || !told.borrow().is_empty());
        for _ in 0..2 {
            let before = told.borrow().len();
            world.on(Who::Client, |kernel| send(kernel, client, "anybody?", None));
            world.run_until("refusal", || told.borrow().len() > before);
        }
        world.on(Who::Client, |kernel| kernel.call(client, LEAVE, ()).expect("it leaves"));
        world.finish();
        told.take()
    };
    let real = story(World::real());
    let calm = World::simulated().into_iter().step_by(3);
    calm.for_each(|world| assert_eq!(story(world), real));
}

/// What arrives of so many numbered datagrams from one host at another.
fn arrivals(seed: u64, conditions: Option<Conditions>, count: usize) -> Vec<usize> {
    let (mut simulation, here, there) = two_hosts(seed);
    conditions.into_iter().for_each(|conditions| simulation.set_conditions(conditions));
    let at = SocketAddr::new(simulation.address(here), 9);
    let anywhere = SocketFactory::datagram(("0.0.0.0", 9));
    let (_, told) = simulation.on(here, |kernel| Mailbox::join(kernel, anywhere.clone(), 100));
    let (sender, _) = simulation.on(there, |kernel| Mailbox::join(kernel, anywhere, 100));
    simulation.run_for(SECOND).expect("it runs");
    for number in 0..count {
        simulation.on(there, |kernel| send(kernel, sender, &number.to_string(), Some(at)));
        simulation.run_for(Duration::from_millis(1)).expect("it runs");
    }
    simulation.run_for(10 * SECOND).expect("it runs");
    let lines = told.borrow();
    let numbers = lines.iter().filter_map(|line| line.split_once(": ")?.1.parse().ok());
    numbers.collect()
}

#[test]
fn on_a_calm_network_all_datagrams_arrive_in_order() {
    for seed in 0..10 {
        assert_eq!(arrivals(seed, None, 200), (0..200).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn on_a_rough_network_some_are_lost_doubled_or_late() {
    let (mut lost, mut doubled, mut late) = (0, 0, 0);
    for seed in 0..5 {
        let numbers = arrivals(seed, Some(Conditions::rough()), 400);
        lost += (0..400).filter(|number| !numbers.contains(number)).count();
        let twice = |number: &usize| numbers.iter().filter(|other| *other == number).count() > 1;
        doubled += (0..400).filter(twice).count();
        late += usize::from(!numbers.is_sorted());
    }
    // Of 2000: some 62 are lost and some 31 doubled.
    assert!((20..150).contains(&lost), "{lost} lost");
    assert!((5..100).contains(&doubled), "{doubled} doubled");
    assert!(late > 0, "nothing was overtaken");
}

#[test]
fn a_datagram_that_is_too_long_for_its_reader_is_cut() {
    let (mut simulation, here, there) = two_hosts(1);
    let at = SocketAddr::new(simulation.address(here), 9);
    let anywhere = SocketFactory::datagram(("0.0.0.0", 9));
    let (_, told) = simulation.on(here, |kernel| Mailbox::join(kernel, anywhere.clone(), 4));
    let (sender, _) = simulation.on(there, |kernel| Mailbox::join(kernel, anywhere, 4));
    simulation.run_for(SECOND).expect("it runs");
    for payload in ["abcdef", "", "abcd"] {
        simulation.on(there, |kernel| send(kernel, sender, payload, Some(at)));
    }
    simulation.run_for(SECOND).expect("it runs");
    assert_eq!(*told.borrow(), ["made", "4:  of 6", "0: ", "4: abcd"]);
}

#[test]
fn datagrams_do_not_pass_a_partition_and_are_not_sent_again() {
    let (mut simulation, here, there) = two_hosts(1);
    let at = SocketAddr::new(simulation.address(here), 9);
    let anywhere = SocketFactory::datagram(("0.0.0.0", 9));
    let (_, told) = simulation.on(here, |kernel| Mailbox::join(kernel, anywhere.clone(), 9));
    let (sender, _) = simulation.on(there, |kernel| Mailbox::join(kernel, anywhere, 9));
    simulation.run_for(SECOND).expect("it runs");
    let say = |simulation: &mut Simulation, payload: &str| {
        simulation.on(there, |kernel| send(kernel, sender, payload, Some(at)));
        simulation.run_for(SECOND).expect("it runs");
    };
    simulation.partition(here, there);
    say(&mut simulation, "lost");
    simulation.heal(here, there);
    say(&mut simulation, "heard");
    assert_eq!(*told.borrow(), ["made", "5: heard"]);
}
