//! A kernel to a thread.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread;

use reactor::{Context, Handle, Kernel, States};

use crate::parts::Reader;

const ROUNDS: u32 = 2_000;

#[derive(Default)]
struct Player {
    ball: Option<UnixStream>,
    wheel: Option<Handle<Reader>>,
    caught: u32,
}

impl Player {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        let stream = self.ball.take().expect("a stream");
        self.wheel = Some(Reader::start(cx, stream, "caught", 1));
    }

    fn caught(&mut self, cx: &mut Context<'_>, ball: Vec<u8>) {
        let handle = self.wheel.as_ref().expect("it sent this");
        let (wheel, _) = cx.wheel(handle).expect("it is open");
        if ball.is_empty() || self.caught == ROUNDS {
            self.wheel = None;
            return;
        }
        self.caught += 1;
        wheel.stream().write_all(&ball).expect("the other is there");
    }

    fn stop(&mut self, _: &mut Context<'_>, (): ()) {
        assert!(self.caught >= ROUNDS - 1, "caught {}", self.caught);
    }
}

fn play(ball: UnixStream) -> u64 {
    let player =
        States::new().on_start(Player::start).on("caught", Player::caught).on_stop(Player::stop);
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&player, Player { ball: Some(ball), ..Player::default() });
    kernel.run().expect("to the end");
    kernel.stats().direct
}

#[test]
fn two_kernels_on_two_threads_play_ball() {
    let (a, b) = crate::parts::pair();
    (&a).write_all(b"o").expect("room for one byte");
    let other = thread::spawn(move || play(b));
    let mine = play(a);
    let theirs = other.join().expect("the other player");
    assert!(mine + theirs >= u64::from(2 * ROUNDS), "{mine} and {theirs}");
}

/// A kernel that counts to 5,000 from `first`.
fn count(first: u64) -> u64 {
    let states = States::new()
        .on_start(|_: &mut u64, cx: &mut Context<'_>, ()| cx.yield_("more", 5_000_u64))
        .on("more", |sum: &mut u64, cx: &mut Context<'_>, left: u64| {
            *sum += 1;
            if left > 1 {
                cx.yield_("more", left - 1);
            }
        })
        .on_stop(move |sum: &mut u64, _: &mut Context<'_>, ()| assert_eq!(*sum, 5_000 + first));
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&states, first);
    kernel.run().expect("to the end");
    kernel.stats().posted
}

#[test]
fn kernels_on_many_threads_do_not_know_of_each_other() {
    let threads: Vec<_> = (0..8).map(|first| thread::spawn(move || count(first))).collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), 5_000);
    }
}
