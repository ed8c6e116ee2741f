//! A master and three workers, each a session: `job N` is queued, done in N steps by a worker who is idle,
//! and answered with the square of N. After `end` the workers go when the queue is empty, and with them
//! the program. Its twin in Perl is `workers.pl`.

use std::collections::VecDeque;
use std::error::Error;
use std::process::ExitCode;

use bytes::Bytes;
use reactor::{Child, Context, Event, Fate, Kernel, SessionId, States, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

struct Master {
    port: u16,
    worker: States<Worker>,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
    idle: VecDeque<SessionId>,
    queue: VecDeque<Job>,
    jobs: u32,
    workers: usize,
    ending: bool,
}

struct Worker {
    number: u32,
    done: u32,
}

#[derive(Clone, Copy)]
struct Job {
    number: u32,
    n: u64,
    client: WheelId,
}

const WORK: Event<(Job, u64, u64)> = Event::new("work");
const GOT_RESULT: Event<(Job, u64)> = Event::new("got_result");

fn main() -> ExitCode {
    examples::main("port_workers [PORT]", examples::port, |port| {
        let master = States::new()
            .try_on("_start", Master::start)
            .on_child(Master::child)
            .on("got_client", Master::got_client)
            .on("got_listen_error", Master::got_listen_error)
            .on("got_line", Master::got_line)
            .on("got_flush", Master::got_flush)
            .on("got_client_error", Master::got_client_error)
            .on(&GOT_RESULT, Master::got_result)
            .on("got_signal", examples::got_signal);
        let worker = States::new()
            .try_on("_start", Worker::hire)
            .on_stop(Worker::leave)
            .on(&WORK, Worker::work)
            .try_on("retire", Worker::retire);
        let heap = Master {
            port,
            worker,
            listener: None,
            clients: WheelMap::default(),
            idle: VecDeque::new(),
            queue: VecDeque::new(),
            jobs: 0,
            workers: 0,
            ending: false,
        };
        let mut kernel = Kernel::new()?;
        kernel.spawn(&master, heap);
        kernel.run()
    })
}

impl Master {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        cx.alias_set("master")?;
        let listener = SocketFactory::listen(("127.0.0.1", self.port));
        let listener = listener.build(cx, "got_client", "got_listen_error");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        for number in 1..=3 {
            cx.spawn(&self.worker, Worker { number, done: 0 });
        }
        Ok(())
    }

    fn child(&mut self, cx: &mut Context<'_>, mut child: Child) {
        examples::say(child.take::<String>().unwrap_or_default());
        if child.fate() == Fate::Create {
            self.workers += 1;
            self.idle.push_back(child.session());
        } else {
            self.workers -= 1;
            if self.workers == 0 {
                self.clients.values().for_each(|client| drop(client.put(cx, "all done")));
                self.listener = None;
            }
        }
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket)
            .filter(Line::new())
            .flushed_event("got_flush")
            .build(cx, "got_line", "got_client_error");
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_listen_error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
        self.ending = true;
        self.hand_out(cx);
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        let n = job(&line.item).filter(|_| !self.ending);
        if let Some(n) = n {
            self.jobs += 1;
            self.queue.push_back(Job { number: self.jobs, n, client: line.wheel });
        } else if line.item == "end" {
            self.ending = true;
        } else if let Some(client) = self.clients.get(&line.wheel) {
            client.put(cx, "no");
        }
        self.hand_out(cx);
    }

    fn got_flush(&mut self, _: &mut Context<'_>, id: WheelId) {
        if self.workers == 0 {
            self.clients.remove(&id);
        }
    }

    fn got_client_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        self.clients.remove(&failure.wheel);
    }

    fn got_result(&mut self, cx: &mut Context<'_>, (job, result): (Job, u64)) {
        if let Some(client) = self.clients.get(&job.client) {
            client.put(cx, format!("job {} done: {result}", job.number));
        }
        self.idle.push_back(cx.sender());
        self.hand_out(cx);
    }

    fn hand_out(&mut self, cx: &mut Context<'_>) {
        while !self.queue.is_empty()
            && let Some(worker) = self.idle.pop_front()
            && let Some(job) = self.queue.pop_front()
        {
            cx.post(worker, &WORK, (job, job.n, 0)).ok();
        }
        if self.ending && self.idle.len() == self.workers {
            for worker in self.idle.drain(..) {
                cx.post(worker, "retire", ()).ok();
            }
        }
    }
}

/// The number of `job NUMBER`, which has five digits at most.
fn job(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"job ").filter(|digits| (1..=5).contains(&digits.len()))?;
    digits
        .iter()
        .try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u64::from(digit - b'0')))
}

impl Worker {
    fn hire(&mut self, cx: &mut Context<'_>, (): ()) -> Result<String, Box<dyn Error>> {
        cx.refcount_increment(cx.session(), "hired")?;
        Ok(format!("worker {} is hired", self.number))
    }

    fn leave(&mut self, _: &mut Context<'_>, (): ()) -> String {
        format!("worker {} leaves, jobs done: {}", self.number, self.done)
    }

    fn work(&mut self, cx: &mut Context<'_>, (job, steps, sum): (Job, u64, u64)) {
        if steps > 0 {
            cx.yield_(&WORK, (job, steps - 1, sum + job.n));
        } else {
            self.done += 1;
            cx.post("master", &GOT_RESULT, (job, sum)).ok();
        }
    }

    fn retire(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        cx.refcount_decrement(cx.session(), "hired")?;
        Ok(())
    }
}
