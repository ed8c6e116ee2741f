//! A thousand clients that send a byte a second, and a good one beside them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Clock, Context, Kernel, States, WheelId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use wheels::filter::Line;
use wheels::{Failure, Input, Operation, ReadWrite};

const CLIENTS: usize = 1000;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Server {
    clients: HashMap<WheelId, ReadWrite<Line>>,
    /// Why each went.
    gone: Rc<RefCell<Vec<Operation>>>,
}

fn got(server: &mut Server, cx: &mut Context<'_>, input: Input<Bytes>) {
    let _put = server.clients[&input.wheel].put(cx, input.item);
}

fn failed(server: &mut Server, _: &mut Context<'_>, failure: Failure) {
    server.gone.borrow_mut().push(failure.operation);
    server.clients.remove(&failure.wheel);
}

/// Their bytes are as good as none: at the deadline of the record they are gone, all of them and at once.
pub(crate) fn p43_a_thousand_slow_clients_go_at_the_deadline_and_a_good_one_is_served() {
    let before = getrlimit(Resource::Nofile);
    let enough = before.maximum.map_or(8192, |maximum| maximum.min(8192));
    setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..before }).expect("setrlimit");

    let (mut slow, gone) = (Vec::new(), Rc::default());
    let mut ours = Vec::new();
    for _ in 0..=CLIENTS {
        let (near, far) = UnixStream::pair().expect("a pair");
        ours.push(near);
        slow.push(far);
    }
    let mut good = slow.pop().expect("there are some");
    let begin = RefCell::new(ours);
    let states = States::new()
        .on_start(move |server: &mut Server, cx: &mut Context<'_>, ()| {
            for near in begin.take() {
                let builder = ReadWrite::builder(near).filter(Line::new());
                // No client is idle for as long as this.
                let builder = builder.idle_timeout(5 * SECOND).frame_timeout(10 * SECOND);
                let wheel = builder.build(cx, "got", "failed");
                server.clients.insert(wheel.id(), wheel);
            }
        })
        .on("got", got)
        .on("failed", failed);
    let clock = Clock::virtual_time();
    let mut kernel = Kernel::builder().clock(clock.clone()).build().expect("a kernel");
    kernel.spawn(&states, Server { gone: Rc::clone(&gone), ..Server::default() });

    for second in 0..30 {
        // Those that were closed cannot.
        let sent = slow.iter_mut().filter_map(|client| client.write_all(b"x").ok()).count();
        assert_eq!(sent, if second <= 10 { CLIENTS } else { 0 }, "in second {second}");
        good.write_all(b"ping\n").expect("write");
        for _ in 0..3 {
            kernel.run_one_turn(Duration::ZERO).expect("a turn");
        }
        let mut answer = [0; 6];
        good.set_nonblocking(true).expect("non-blocking");
        good.read_exact(&mut answer).expect("the answer is there");
        assert_eq!(&answer, b"ping\r\n");
        let count = gone.borrow().len();
        assert_eq!(count, if second < 10 { 0 } else { CLIENTS }, "in second {second}");
        clock.advance(SECOND);
    }
    assert!(gone.borrow().iter().all(|why| *why == Operation::FrameTimeout));
    drop(kernel);
    setrlimit(Resource::Nofile, before).expect("setrlimit");
}
