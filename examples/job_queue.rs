//! A queue of jobs in the spirit of beanstalkd: some clients put jobs, others get and do them. A job that
//! is not done in time, or whose worker fails or goes away, is for the next worker; one that was given out
//! several times in vain is buried. Nothing is kept on disk.
//!
//! ```text
//! cargo run --release -p examples --example job_queue -- 127.0.0.1:7777 --time 60000 --tries 3 --jobs 10000
//! nc 127.0.0.1 7777
//! ```
//!
//! | a client says | and hears |
//! |---|---|
//! | `put QUEUE TEXT` | `put ID`, or `full` |
//! | `get QUEUE [MS]` | `job ID TEXT`, or `none` if there is none within so many milliseconds |
//! | `done ID`, `fail ID` | `done`, `failed`, or `unknown` if the job is not, or no more, the client's |
//! | `kick QUEUE` | `kicked COUNT`: what was buried is to be done again |
//! | `stats` | `ready COUNT given COUNT buried COUNT done COUNT waiting COUNT` |
//! | `quit` | the end |

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use components::{Client, Clients, TcpServer};
use reactor::{Event, Kernel, TimerId, WheelId};
use wheels::filter::Line;
use wheels::{SocketFactory, SocketOptions};

const WAITED: Event<()> = Event::new("waited");
const IS_LATE: Event<u64> = Event::new("is_late");

/// For workers to finish what they have when the program ends.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Broker {
    most: Limits,
    jobs: HashMap<u64, Job>,
    /// Those that have something in them, or somebody waiting.
    queues: HashMap<String, Queue>,
    last_id: u64,
    done: u64,
}

#[derive(Default)]
pub(crate) struct Limits {
    /// How long a worker may have a job.
    pub(crate) time: Duration,
    /// How often a job is given out.
    pub(crate) tries: usize,
    /// How many there may be, in all queues, given out and buried.
    pub(crate) jobs: usize,
}

struct Job {
    queue: String,
    text: String,
    tries: usize,
    given: Option<Given>,
}

/// Who has it, and until when.
struct Given {
    worker: WheelId,
    timer: TimerId,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<u64>,
    buried: Vec<u64>,
    waiting: VecDeque<WheelId>,
}

/// What a connection has, or waits for.
#[derive(Default)]
struct Hands {
    jobs: BTreeSet<u64>,
    waits_at: Option<String>,
}

type Worker<'a> = Client<'a, Line, Hands>;
type Workers<'a> = Clients<'a, Line, Hands>;

impl Broker {
    fn got_line(&mut self, client: &mut Worker<'_>, line: Bytes) {
        let words: Vec<&str> = str::from_utf8(&line).unwrap_or("").splitn(3, ' ').collect();
        let answer = match *words {
            _ if client.state().waits_at.is_some() => String::from("error you wait for a job"),
            ["put", queue, text] if is_name(queue) => self.put(client, queue, text),
            ["get", queue] if is_name(queue) => return self.get(client, queue, 0),
            ["get", queue, ms] if is_name(queue) => match ms.parse() {
                Ok(ms) => return self.get(client, queue, ms),
                Err(error) => format!("error {ms}: {error}"),
            },
            ["done", id] => self.done(client, id),
            ["fail", id] => self.fail(client, id),
            ["kick", queue] => self.kick(client, queue),
            ["stats"] => self.stats(),
            ["quit"] => {
                self.ended(client);
                return client.shutdown();
            }
            _ => String::from("error no such command"),
        };
        client.put(answer);
    }

    fn put(&mut self, client: &mut Worker<'_>, queue: &str, text: &str) -> String {
        if self.jobs.len() >= self.most.jobs {
            return String::from("full");
        }
        self.last_id += 1;
        let (id, name) = (self.last_id, queue.to_owned());
        self.jobs.insert(id, Job { queue: name, text: text.to_owned(), tries: 0, given: None });
        self.queue(queue).ready.push_back(id);
        self.hand_out(&mut client.clients(), queue);
        format!("put {id}")
    }

    fn get(&mut self, client: &mut Worker<'_>, queue: &str, ms: u32) {
        client.state().waits_at = Some(queue.to_owned());
        self.queue(queue).waiting.push_back(client.id());
        client.delay(&WAITED, Duration::from_millis(ms.into()), ());
        self.hand_out(&mut client.clients(), queue);
        if ms == 0 {
            self.waited(client);
        }
    }

    /// Long enough, if it still does.
    fn waited(&mut self, client: &mut Worker<'_>) {
        if self.waits_no_more(client) {
            client.put("none");
        }
    }

    fn waits_no_more(&mut self, client: &mut Worker<'_>) -> bool {
        client.delay_clear(&WAITED);
        let Some(name) = client.state().waits_at.take() else { return false };
        let waiting = &mut self.queue(&name).waiting;
        if let Some(at) = waiting.iter().position(|waiting| *waiting == client.id()) {
            waiting.remove(at);
        }
        self.tidy(&name);
        true
    }

    /// Gives what is ready to those who wait, both in their order.
    fn hand_out(&mut self, clients: &mut Workers<'_>, name: &str) {
        while let queue = self.queue(name)
            && let (Some(id), Some(worker)) = (queue.ready.front(), queue.waiting.front())
            && let (id, Some(mut worker)) = (*id, clients.get(*worker))
        {
            queue.ready.pop_front();
            self.waits_no_more(&mut worker);
            self.give(&mut worker, id);
        }
        self.tidy(name);
    }

    fn give(&mut self, worker: &mut Worker<'_>, id: u64) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let timer = worker.cx().delay_set(&IS_LATE, self.most.time, id);
        job.tries += 1;
        job.given = Some(Given { worker: worker.id(), timer });
        worker.state().jobs.insert(id);
        worker.set_busy(true); // if the program is to end, it is waited for
        worker.put(format!("job {id} {}", job.text));
    }

    /// Takes a job out of a worker's hands, whatever becomes of it.
    fn take(&mut self, worker: &mut Worker<'_>, id: u64) -> Option<&mut Job> {
        let job = self.jobs.get_mut(&id)?;
        let given = job.given.take_if(|given| given.worker == worker.id())?;
        worker.cx().alarm_remove(given.timer).ok(); // it may have rung just now
        worker.state().jobs.remove(&id);
        let is_busy = !worker.state().jobs.is_empty();
        worker.set_busy(is_busy);
        Some(job)
    }

    fn done(&mut self, client: &mut Worker<'_>, id: &str) -> String {
        let Some(id) = id.parse().ok().filter(|id| self.take(client, *id).is_some()) else {
            return String::from("unknown");
        };
        self.jobs.remove(&id);
        self.done += 1;
        String::from("done")
    }

    fn fail(&mut self, client: &mut Worker<'_>, id: &str) -> String {
        let is_known = id.parse().is_ok_and(|id| self.give_back(client, id));
        String::from(if is_known { "failed" } else { "unknown" })
    }

    /// A job that was not done is the next to be done, or buried.
    fn give_back(&mut self, worker: &mut Worker<'_>, id: u64) -> bool {
        let most = self.most.tries;
        let Some(job) = self.take(worker, id) else { return false };
        let (name, tries) = (job.queue.clone(), job.tries);
        if tries < most {
            self.queue(&name).ready.push_front(id);
            self.hand_out(&mut worker.clients(), &name);
        } else {
            log::warn!("job {id} of {name} was given out {tries} times, and is buried");
            self.queue(&name).buried.push(id);
        }
        true
    }

    fn is_late(&mut self, clients: &mut Workers<'_>, id: u64) {
        let given = self.jobs.get(&id).and_then(|job| job.given.as_ref());
        if let Some(mut worker) = given.and_then(|given| clients.get(given.worker)) {
            self.give_back(&mut worker, id);
        }
    }

    /// The client says no more: what it has is for others.
    fn ended(&mut self, client: &mut Worker<'_>) {
        self.waits_no_more(client);
        for id in client.state().jobs.clone() {
            self.give_back(client, id);
        }
    }

    fn kick(&mut self, client: &mut Worker<'_>, name: &str) -> String {
        let kicked = std::mem::take(&mut self.queue(name).buried);
        for id in &kicked {
            self.jobs.entry(*id).and_modify(|job| job.tries = 0);
        }
        self.queue(name).ready.extend(&kicked);
        self.hand_out(&mut client.clients(), name);
        format!("kicked {}", kicked.len())
    }

    fn stats(&self) -> String {
        let count = |len: fn(&Queue) -> usize| self.queues.values().map(len).sum::<usize>();
        let (ready, buried) = (count(|queue| queue.ready.len()), count(|queue| queue.buried.len()));
        let (given, done) = (self.jobs.len() - ready - buried, self.done);
        let waiting = count(|queue| queue.waiting.len());
        format!("ready {ready} given {given} buried {buried} done {done} waiting {waiting}")
    }

    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.entry(name.to_owned()).or_default()
    }

    /// Names that nobody uses cost nothing.
    fn tidy(&mut self, name: &str) {
        let queue = self.queue(name);
        if queue.ready.is_empty() && queue.buried.is_empty() && queue.waiting.is_empty() {
            self.queues.remove(name);
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
}

fn serve(settings: (SocketAddr, Limits)) -> io::Result<()> {
    let mut kernel = Kernel::new()?;
    start(&mut kernel, settings);
    kernel.run()
}

pub(crate) fn start(kernel: &mut Kernel, (address, most): (SocketAddr, Limits)) {
    let broker = Broker { most, ..Broker::default() };
    let options = SocketOptions::new().dead_peer_timeout(Duration::from_secs(300));
    TcpServer::with_clients(|| Line::new().output(b"\n"), |_: &mut Broker, _| Hands::default())
        .listener(SocketFactory::listen(address).options(options))
        .idle_timeout(None)
        .lifetime(None)
        .linger(GRACE)
        .drain_on_signals(GRACE)
        .listening(|_, _, up| examples::say_listening(up.local_addr))
        .error(move |_, _, failure| examples::not_listening(&failure, address))
        .client_input(Broker::got_line)
        // Not when it is disconnected: until then its jobs would wait for what it may still read.
        .client_error(|broker, client, _| broker.ended(client))
        .client_draining(Broker::waited)
        .on_client(&WAITED, |broker, client, ()| broker.waited(client))
        .on(&IS_LATE, Broker::is_late)
        .spawn(kernel, broker);
}

fn main() -> ExitCode {
    examples::main(
        "job_queue [ADDR:PORT] [--time MS] [--tries N] [--jobs N]",
        |arguments| {
            let options = [("--time", 60_000), ("--tries", 3), ("--jobs", 10_000)];
            let ([ms, tries, jobs], others) = examples::numbers(arguments, options)?;
            let most = Limits { time: Duration::from_millis(ms as u64), tries, jobs };
            match others[..] {
                [] => Some((([127, 0, 0, 1], 7777).into(), most)),
                [address] => Some((address.parse().ok()?, most)),
                _ => None,
            }
        },
        serve,
    )
}
