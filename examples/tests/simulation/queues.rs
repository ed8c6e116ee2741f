//! Every job is done once, and a worker is given what others have not done.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use components::{Server, TcpClient};
use reactor::{Event, Kernel};
use wheels::filter::Line;

use crate::client::{Act, Script};
use crate::job_queue::{self, Limits};
use crate::journal::{Deed, Diary, Entry};
use crate::stage::{Outcome, Stage, anywhere};

type Broker<'a> = Server<'a, Line>;

const SERVER: (&str, u16) = ("server", 7777);

/// Who gets jobs until there are none for long, or goes away with one.
struct Worker {
    diary: Diary,
    /// How long a job takes.
    effort: Duration,
    /// How many it does before it goes away with the next.
    stamina: usize,
    job: Option<Bytes>,
}

/// Waits long enough: for all that will ever be put.
const GET: &str = "get jobs 600000";

const DONE: Event<()> = Event::new("done");

pub(crate) fn jobs(seed: u64) -> Outcome {
    let most = || Limits { time: Duration::from_secs(300), tries: 1_000, jobs: 10_000 };
    let mut stage =
        Stage::new(seed, move |kernel| job_queue::start(kernel, (anywhere(SERVER.1), most())));
    for number in 0..stage.random.usize(1..5) {
        let script = putting(&mut stage, number);
        stage.invite(script);
    }
    for _ in 0..stage.random.usize(1..6) {
        let effort = stage.pause();
        let stamina = if stage.random.bool() { usize::MAX } else { stage.random.usize(..5) };
        stage.let_come(move |kernel, diary| {
            start(kernel, Worker { diary, effort, stamina, job: None });
        });
    }
    // One is there until there are none left.
    stage.let_come(|kernel, diary| {
        let (effort, stamina) = (Duration::ZERO, usize::MAX);
        start(kernel, Worker { diary, effort, stamina, job: None });
    });
    stage.live();
    let is_kept = !stage.server_crashes();
    stage.end(|fates, entries| {
        let counts = judge(entries);
        if is_kept && fates.iter().all(|fate| fate.in_peace) {
            let all_done = counts.values().all(|count| *count == 1);
            assert!(all_done, "not all are done: {counts:?}");
        }
    })
}

/// Puts some jobs, of which no two are the same.
fn putting(stage: &mut Stage, number: usize) -> Script {
    let mut acts = Vec::new();
    for at in 0..stage.random.usize(1..12) {
        let job = format!("put jobs job {at} by c{number}.\n");
        acts.push((stage.pause(), Act::Say(job.into())));
    }
    acts.push((stage.pause(), Act::HalfClose));
    Script { server: SERVER, rest: stage.rest(), acts }
}

fn start(kernel: &mut Kernel, worker: Worker) {
    TcpClient::new(Line::new)
        .connect(SERVER)
        .started(|worker: &mut Worker, cx| worker.diary.note(cx, Deed::Began))
        .connected(Worker::connected)
        .server_input(Worker::got_line)
        .server_error(|worker: &mut Worker, server, failure| {
            worker.diary.note(server.cx(), Deed::Broke(failure.to_string()));
        })
        .connect_error(|worker: &mut Worker, server, failure| {
            worker.diary.note(server.cx(), Deed::Broke(failure.to_string()));
        })
        .on(&DONE, Worker::done)
        .idle_timeout(None)
        .spawn(kernel, worker);
}

impl Worker {
    fn connected(&mut self, broker: &mut Broker<'_>) {
        self.diary.note(broker.cx(), Deed::Connected);
        broker.put(GET);
    }

    fn got_line(&mut self, broker: &mut Broker<'_>, line: Bytes) {
        match (&line[..], self.job.take()) {
            (b"none", None) => {
                self.diary.note(broker.cx(), Deed::Left);
                broker.shutdown();
            }
            (b"done", Some(job)) => {
                self.diary.note(broker.cx(), Deed::Said(text_of(&job)));
                broker.put(GET);
            }
            (_, None) => {
                self.diary.note(broker.cx(), Deed::Got(text_of(&line)));
                self.job = Some(line);
                broker.delay(&DONE, self.effort, ());
            }
            (_, Some(_)) => panic!("{line:?}, in the middle of a job"),
        }
    }

    /// The job is done, or the worker is.
    fn done(&mut self, broker: &mut Broker<'_>, (): ()) {
        let Some(stamina) = self.stamina.checked_sub(1) else {
            self.diary.note(broker.cx(), Deed::Left);
            return broker.abort();
        };
        self.stamina = stamina;
        let job = self.job.clone().unwrap_or_default();
        let id = str::from_utf8(&job).expect("text").split(' ').nth(1).expect("its number");
        broker.put(format!("done {id}"));
    }
}

/// Of `job ID TEXT`.
fn text_of(job: &Bytes) -> Bytes {
    let start = job.splitn(3, |byte| *byte == b' ').nth(2).map_or(0, <[u8]>::len);
    job.slice(job.len() - start..)
}

/// No job is done twice, or was never put. Gives how often each was done.
fn judge(entries: &[Entry]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for entry in entries {
        if let Deed::Said(said) = &entry.deed
            && let Some(job) = text(said).strip_prefix("put jobs ")
        {
            counts.insert(job.trim_end().to_owned(), 0);
        }
    }
    for entry in entries {
        match &entry.deed {
            Deed::Got(job) if job.starts_with(b"job ") => {
                let (job, is_whole) = (text(job), job.ends_with(b"."));
                assert!(!is_whole || counts.contains_key(&job), "{job:?} was never put");
            }
            Deed::Said(job) if job.starts_with(b"job ") => {
                let count = counts.entry(text(job)).or_default();
                *count += 1;
                assert_eq!(*count, 1, "{job:?} was done twice");
            }
            Deed::Began
            | Deed::Connected
            | Deed::Said(_)
            | Deed::Got(_)
            | Deed::HalfClosed
            | Deed::Left
            | Deed::Heard
            | Deed::Broke(_) => {}
        }
    }
    counts
}
