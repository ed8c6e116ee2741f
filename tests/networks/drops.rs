//! Wheels of every kind, made and dropped at random, at every stage of their lives.

use std::cell::RefCell;
use std::fs;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Context, Event, Kernel, SessionId, States};
use testkit::leak::{self, Descriptors};
use testkit::net;
use testkit::random::Random;
use wheels::filter::Stream;
use wheels::{
    Address, Datagram, Established, Failure, Input, Listening, Message, ReadWrite, Socket,
    SocketFactory, SocketFactoryBuilder, SocketType,
};

use crate::kinds::World;

/// Connections made and connections accepted, together.
const CONNECTIONS: u64 = 10_000;

const MADE: Event<Established> = Event::new("made");
const ALSO_MADE: Event<Established> = Event::new("also_made");
const LISTENS: Event<Listening> = Event::new("listens");
const FAILED: Event<Failure> = Event::new("failed");
const ALSO_FAILED: Event<Failure> = Event::new("also_failed");
const CAME: Event<Input<Bytes>> = Event::new("came");
const MESSAGE: Event<Message> = Event::new("message");
const CHANGE: Event<Random> = Event::new("change");
const CLEAR: Event<()> = Event::new("clear");

/// What the session has.
#[derive(Default)]
struct Crowd {
    factories: Vec<SocketFactory>,
    sockets: Vec<Socket>,
    streams: Vec<ReadWrite<Stream>>,
    mailboxes: Vec<Datagram>,
    /// Sockets that were a listener's.
    doors: Vec<Vec<OwnedFd>>,
    told: Rc<RefCell<Told>>,
    world: Option<Rc<RefCell<World>>>,
}

#[derive(Default, Debug)]
struct Told {
    made: u64,
    failed: u64,
    messages: u64,
    listening: u64,
}

pub(crate) fn p39_wheels_of_every_kind_dropped_at_any_stage_leave_nothing() {
    let world = Rc::new(RefCell::new(World::new()));
    let (before, threads) = (Descriptors::note(), leak::threads());
    let told: Rc<RefCell<Told>> = Rc::default();
    let crowd =
        Crowd { world: Some(Rc::clone(&world)), told: Rc::clone(&told), ..Crowd::default() };
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&states(), crowd);
    let mut dice = Random::from_environment();
    let mut round = |connections| {
        churn(&mut kernel, session, &mut dice, || told.borrow().made >= connections);
        let heard = format!("{told:?}");
        kernel.run_one_turn(Duration::ZERO).expect("a turn");
        // What a lookup on another thread has open, it closes. The kernel has its own.
        net::run_until(&mut kernel, "the last lookups", || {
            before.opened_since().values().all(|target| target.starts_with("anon_inode:"))
        });
        assert_eq!(format!("{told:?}"), heard, "nothing is told of what was dropped");
        assert_eq!(kernel.next_timeout(), None, "{}", kernel.snapshot());
        assert_eq!(kernel.snapshot().queued, 0, "{}", kernel.snapshot());
        assert_eq!((kernel.wheel_count(), kernel.session_count()), (0, 1));
        assert_eq!(world.borrow().folder.names(), ["full"]);
        (leak::descriptors(), watched())
    };
    let first = round(CONNECTIONS / 4);
    assert_eq!(round(CONNECTIONS), first);
    let seen = told.borrow();
    assert!(seen.failed > 0 && seen.messages > 0 && seen.listening > 0, "{seen:?}");

    kernel.stop();
    drop(kernel);
    // One that looks a name up has it to its end.
    let began = Instant::now();
    while leak::threads() > threads {
        assert!(began.elapsed() < net::PATIENCE, "a thread that nobody needs");
        thread::yield_now();
    }
    before.assert_same();
}

/// Changes what the session has, at every stage of it, until it is `done`. Then all of it is dropped.
fn churn(kernel: &mut Kernel, session: SessionId, dice: &mut Random, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < 4 * net::PATIENCE, "{kernel:?}");
        for _ in 0..dice.below(12) {
            kernel.call(session, &CHANGE, dice.fork()).expect("the session stays");
        }
        for _ in 0..dice.below(4) {
            kernel.run_one_turn(Duration::from_micros(dice.below(300))).expect("a turn");
        }
    }
    kernel.call(session, &CLEAR, ()).expect("the session stays");
}

fn states() -> States<Crowd> {
    States::new()
        .on_start(|_: &mut Crowd, cx: &mut Context<'_>, ()| {
            let session = cx.session();
            cx.refcount_increment(session, "stay").expect("it is there");
        })
        .on(&MADE, Crowd::made)
        .on(&ALSO_MADE, Crowd::made)
        .on(&LISTENS, |crowd: &mut Crowd, _: &mut Context<'_>, _: Listening| {
            crowd.told.borrow_mut().listening += 1;
        })
        .on(&FAILED, Crowd::failed)
        .on(&ALSO_FAILED, Crowd::failed)
        .on(&CAME, |_: &mut Crowd, _: &mut Context<'_>, _: Input<Bytes>| {})
        .on(&MESSAGE, |crowd: &mut Crowd, _: &mut Context<'_>, _: Message| {
            crowd.told.borrow_mut().messages += 1;
        })
        .on(&CHANGE, Crowd::change)
        .on(&CLEAR, |crowd: &mut Crowd, _: &mut Context<'_>, ()| crowd.clear())
}

impl Crowd {
    fn made(&mut self, _: &mut Context<'_>, made: Established) {
        self.told.borrow_mut().made += u64::from(made.socket.socket_type() != SocketType::Dgram);
        self.sockets.push(made.socket);
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) {
        self.told.borrow_mut().failed += 1;
        // At times in the handler of what it told.
        if failure.wheel.to_string().ends_with('1') {
            self.factories.retain(|factory| factory.id() != failure.wheel);
            self.streams.retain(|stream| stream.id() != failure.wheel);
            self.mailboxes.retain(|mailbox| mailbox.id() != failure.wheel);
        }
    }

    /// One change to what the session has.
    fn change(&mut self, cx: &mut Context<'_>, mut dice: Random) {
        match dice.below(20) {
            0..3 => {
                let near = self.world().borrow_mut().near(&mut dice);
                self.build(cx, near.listening_event(&LISTENS));
            }
            3..10 => {
                let near: Vec<Address> =
                    self.factories.iter().flat_map(|factory| factory.local_addrs(cx)).collect();
                let far = self.world().borrow().far(&near, &mut dice);
                self.build(cx, far);
            }
            10..12 => drop(take(&mut self.factories, &mut dice)),
            12..14 => self.wrap(cx, &mut dice),
            14 => drop(take(&mut self.sockets, &mut dice)),
            15 => drop(take(&mut self.streams, &mut dice)),
            16 => drop(take(&mut self.mailboxes, &mut dice)),
            17 => self.pause_or_resume(cx, &mut dice),
            18 => self.rename(cx, &mut dice),
            _ => self.move_doors(cx, &mut dice),
        }
        if self.factories.len() > 100 || self.sockets.len() > 1_000 {
            self.clear();
        }
    }

    fn world(&self) -> &RefCell<World> {
        self.world.as_deref().expect("set by the test")
    }

    fn build(&mut self, cx: &mut Context<'_>, builder: SocketFactoryBuilder) {
        self.factories.push(builder.build(cx, &MADE, &FAILED));
    }

    /// Makes a wheel of a socket, and sends something.
    fn wrap(&mut self, cx: &mut Context<'_>, dice: &mut Random) {
        let Some(socket) = take(&mut self.sockets, dice) else { return };
        match socket.socket_type() {
            SocketType::Stream => {
                let stream = ReadWrite::builder(socket).build(cx, &CAME, &FAILED);
                stream.put(cx, "hello");
                self.streams.push(stream);
            }
            _ => {
                let mailbox = Datagram::builder(socket).build(cx, &MESSAGE, &FAILED);
                if let Some(own) = mailbox.local_addr(cx) {
                    mailbox.send_to(cx, "hello", own);
                }
                self.mailboxes.push(mailbox);
            }
        }
    }

    fn pause_or_resume(&self, cx: &mut Context<'_>, dice: &mut Random) {
        for factory in &self.factories {
            match dice.below(4) {
                0 => factory.pause_accept(cx),
                1 | 2 => factory.resume_accept(cx),
                _ => {}
            }
        }
    }

    fn rename(&self, cx: &mut Context<'_>, dice: &mut Random) {
        for factory in &self.factories {
            match dice.below(4) {
                0 => factory.set_success_event(cx, &ALSO_MADE),
                1 => factory.set_failure_event(cx, &ALSO_FAILED),
                2 => factory.set_success_event(cx, &MADE),
                _ => factory.set_failure_event(cx, &FAILED),
            }
        }
    }

    /// Takes sockets from a factory, or gives them to another.
    fn move_doors(&mut self, cx: &mut Context<'_>, dice: &mut Random) {
        match dice.below(4) {
            0 => {
                let sockets =
                    take(&mut self.factories, dice).map(|factory| factory.into_sockets(cx));
                self.sockets.extend(sockets.into_iter().flatten());
            }
            1 => {
                let place = dice.below(self.factories.len().max(1) as u64);
                let factory = self.factories.get(usize::try_from(place).expect("small"));
                let doors = factory.map(|factory| factory.try_clone_fds(cx).expect("a copy"));
                self.doors.extend(doors);
            }
            2 => {
                if let Some(doors) = take(&mut self.doors, dice) {
                    let builder = SocketFactory::builder();
                    self.factories.push(builder.build_on(cx, doors, &MADE, &FAILED));
                }
            }
            _ => drop(take(&mut self.doors, dice)),
        }
    }

    fn clear(&mut self) {
        self.factories.clear();
        self.sockets.clear();
        self.streams.clear();
        self.mailboxes.clear();
        self.doors.clear();
    }
}

fn take<T>(list: &mut Vec<T>, dice: &mut Random) -> Option<T> {
    if list.is_empty() {
        return None;
    }
    let place = dice.below(list.len() as u64);
    Some(list.swap_remove(usize::try_from(place).expect("a small number")))
}

/// How many descriptors the process has the system watch (proc(5), fdinfo).
fn watched() -> usize {
    let of = |fd: &i32| {
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        info.lines().filter(|line| line.starts_with("tfd:")).count()
    };
    leak::descriptors().keys().map(of).sum()
}
