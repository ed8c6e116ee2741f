//! Kernels on several threads, who talk by their handles.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use reactor::{Context, Kernel, Remote, SessionId, States};

use crate::parts::stay;

type Address = (Remote, SessionId);

const ROUNDS: u32 = 50_000;

/// Sends back what it is sent, until the number is used up.
struct Player {
    other: Option<Address>,
    caught: u32,
}

impl Player {
    fn ball(&mut self, cx: &mut Context<'_>, left: u32) {
        self.caught += 1;
        let (remote, session) = self.other.as_ref().expect("told before the game");
        if left > 0 {
            remote.post(*session, "ball", left - 1).expect("the other waits for it");
        }
        if left <= 1 {
            cx.stop();
        }
    }
}

fn play(mine: &Sender<Address>, theirs: &Receiver<Address>, serves: bool) -> u64 {
    let states = States::new()
        .on_start(|_: &mut Player, cx: &mut Context<'_>, ()| stay(cx))
        .on("other", |player: &mut Player, _: &mut Context<'_>, other: Address| {
            player.other = Some(other);
        })
        .on("ball", Player::ball)
        .on_stop(|player: &mut Player, _: &mut Context<'_>, ()| assert_eq!(player.caught, ROUNDS));
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&states, Player { other: None, caught: 0 });
    let remote = kernel.remote().expect("a handle");
    mine.send((remote, session)).expect("the other listens");
    let (remote, other) = theirs.recv().expect("the other begins");
    if serves {
        remote.post(other, "ball", 2 * ROUNDS - 1).expect("the other is there");
    }
    kernel.post(session, "other", (remote, other)).expect("the session is there");
    kernel.run().expect("to the end");
    kernel.stats().posted
}

#[test]
fn p47_a_hundred_thousand_single_posts_between_two_kernels_wake_each_other() {
    let ((a, from_a), (b, from_b)) = (channel(), channel());
    let other = thread::spawn(move || play(&b, &from_a, true));
    let mine = play(&a, &from_b, false);
    let theirs = other.join().expect("the other player");
    assert_eq!((mine, theirs), (u64::from(ROUNDS) + 1, u64::from(ROUNDS) + 1));
}

const KERNELS: u32 = 4;
const LAPS: u32 = 1_000;

/// One of a ring: passes a token on, has a timer, and posts to itself; done when it has done enough of each.
#[derive(Default)]
struct Runner {
    next: Option<Address>,
    laps: u32,
    ticks: u32,
    yields: u32,
}

impl Runner {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.delay("tick", Duration::from_micros(100), ());
        cx.yield_("again", ());
    }

    fn token(&mut self, cx: &mut Context<'_>, hops: u32) {
        self.laps += 1;
        let (remote, session) = self.next.as_ref().expect("told before the race");
        if hops > 0 {
            remote.post(*session, "token", hops - 1).expect("the next is there");
        }
        self.end(cx);
    }

    fn tick(&mut self, cx: &mut Context<'_>, (): ()) {
        self.ticks += 1;
        cx.delay("tick", Duration::from_micros(100), ());
        self.end(cx);
    }

    fn again(&mut self, cx: &mut Context<'_>, (): ()) {
        self.yields += 1;
        if self.yields < 10_000 {
            cx.yield_("again", ());
        }
        self.end(cx);
    }

    fn end(&self, cx: &mut Context<'_>) {
        if self.laps == LAPS && self.ticks >= 10 && self.yields == 10_000 {
            cx.stop();
        }
    }
}

fn run_in_ring(mine: &Sender<Address>, next: &Receiver<Address>) {
    let states = States::new()
        .on_start(Runner::start)
        .on("next", |runner: &mut Runner, _: &mut Context<'_>, next: Address| {
            runner.next = Some(next);
        })
        .on("token", Runner::token)
        .on("tick", Runner::tick)
        .on("again", Runner::again)
        .on_stop(|runner: &mut Runner, _: &mut Context<'_>, ()| assert_eq!(runner.laps, LAPS));
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&states, Runner::default());
    mine.send((kernel.remote().expect("a handle"), session)).expect("the ring is made");
    let next = next.recv().expect("the ring is made");
    kernel.post(session, "next", next).expect("the session is there");
    kernel.run().expect("to the end");
}

#[test]
fn kernels_on_several_threads_have_timers_and_posts_and_pass_a_token_around() {
    let (mut threads, mut runners) = (Vec::new(), Vec::new());
    for _ in 0..KERNELS {
        let ((mine, address), (tell, next)) = (channel(), channel());
        threads.push(thread::spawn(move || run_in_ring(&mine, &next)));
        runners.push((address.recv().expect("a runner"), tell));
    }
    for (index, (_, tell)) in runners.iter().enumerate() {
        let (next, _) = &runners[(index + 1) % runners.len()];
        tell.send(next.clone()).expect("a runner waits");
    }
    // Every runner posts to itself who is next before it runs, so the token may come at any time.
    let ((remote, session), _) = &runners[0];
    remote.post(*session, "token", KERNELS * LAPS - 1).expect("the first is there");
    for thread in threads {
        thread.join().expect("no panic");
    }
}
