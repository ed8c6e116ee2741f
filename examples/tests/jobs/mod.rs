//! The queue of jobs: who puts, who gets, and who does not do what they got.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;

use crate::program::{End, Program, Server};

const USAGE: &str = "usage: job_queue [ADDR:PORT] [--time MS] [--tries N] [--jobs N]\n";

/// So long as nobody waits in these tests, unless something is wrong.
const LONG: &str = "3600000";

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(to: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(to).unwrap()))
    }

    fn say(&mut self, lines: &str) {
        self.0.get_mut().write_all(format!("{lines}\n").as_bytes()).unwrap();
    }

    /// The next answer; `None` at the end.
    fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear().expect("an answer")
    }

    /// Waits for a job of the queue; the server has heard of it when this returns.
    fn wait(&mut self, queue: &str, observer: &mut Self) {
        let before = waiting(observer);
        self.say(&format!("get {queue} {LONG}"));
        while waiting(observer) == before {}
    }
}

fn waiting(observer: &mut Client) -> String {
    observer.ask("stats").rsplit(' ').next().expect("a count").to_owned()
}

fn start(arguments: &[&str]) -> Server {
    Server::start_program("job_queue", arguments, None)
}

fn connect(server: &Server) -> Client {
    Client::connect(server.address)
}

#[test]
fn jobs_are_given_out_in_their_order_and_done_once() {
    let server = start(&[]);
    let (mut boss, mut worker) = (connect(&server), connect(&server));
    assert_eq!(worker.ask("get mail"), "none");
    for (id, text) in [(1, "first"), (2, "second one"), (3, "")] {
        assert_eq!(boss.ask(&format!("put mail {text}")), format!("put {id}"));
    }
    assert_eq!(boss.ask("put other x"), "put 4");
    assert_eq!(worker.ask("get mail"), "job 1 first");
    assert_eq!(worker.ask("get mail"), "job 2 second one");
    assert_eq!(boss.ask("done 1"), "unknown", "it is the worker's");
    assert_eq!(worker.ask("done 1"), "done");
    assert_eq!(worker.ask("done 1"), "unknown");
    assert_eq!(worker.ask("get mail"), "job 3 ");
    assert_eq!(worker.ask("get mail 1"), "none");
    assert_eq!(boss.ask("stats"), "ready 1 given 2 buried 0 done 1 waiting 0");
    assert_eq!(server.end(Signal::KILL).code, None);
}

#[test]
fn who_waits_is_served_in_turn() {
    let server = start(&[]);
    let mut boss = connect(&server);
    let mut workers = [(); 3].map(|()| connect(&server));
    for worker in &mut workers {
        worker.wait("mail", &mut boss);
    }
    assert!(workers[0].ask("get mail").starts_with("error "));
    for id in 1..=3 {
        assert_eq!(boss.ask("put mail x"), format!("put {id}"));
    }
    for (worker, id) in workers.iter_mut().zip(1..) {
        assert_eq!(worker.hear(), Some(format!("job {id} x")));
    }
    let [mut first, mut second, mut third] = workers;
    assert_eq!(first.ask("done 1"), "done");
    // One that goes away waits no more, and nobody gets a job in vain.
    first.wait("mail", &mut boss);
    drop(first);
    while waiting(&mut boss) != "0" {}
    assert_eq!(second.ask("done 2"), "done");
    second.wait("mail", &mut boss);
    assert_eq!(boss.ask("put mail y"), "put 4");
    assert_eq!(second.hear().unwrap(), "job 4 y");
    assert_eq!((third.ask("done 3"), second.ask("done 4")), ("done".into(), "done".into()));
    assert_eq!(boss.ask("stats"), "ready 0 given 0 buried 0 done 4 waiting 0");
}

#[test]
fn a_worker_that_goes_away_gives_its_jobs_back() {
    for way in ["quit", "end", "reset"] {
        let server = start(&[]);
        let (mut boss, mut lazy, mut good) = (connect(&server), connect(&server), connect(&server));
        for id in 1..=3 {
            assert_eq!(boss.ask("put mail x"), format!("put {id}"));
        }
        assert_eq!(lazy.ask("get mail"), "job 1 x");
        assert_eq!(lazy.ask("get mail"), "job 2 x");
        assert_eq!(good.ask("get mail"), "job 3 x");
        good.wait("mail", &mut boss);
        match way {
            "quit" => lazy.say("quit"),
            "end" => lazy.0.get_ref().shutdown(Shutdown::Write).unwrap(),
            _ => {
                set_socket_linger(lazy.0.get_ref(), Some(Duration::ZERO)).unwrap();
                drop(lazy);
            }
        }
        // Whichever is given back first.
        let first = good.hear().unwrap();
        let second = good.ask(&format!("get mail {LONG}"));
        assert_eq!(
            BTreeSet::from([first, second]),
            ["job 1 x", "job 2 x"].map(String::from).into()
        );
        assert_eq!(boss.ask("stats"), "ready 0 given 3 buried 0 done 0 waiting 0", "{way}");
    }
}

#[test]
fn a_job_that_is_not_done_in_time_is_for_the_next_and_at_last_for_nobody() {
    let server = start(&["--time", "50", "--tries", "2"]);
    let (mut boss, mut slow, mut next) = (connect(&server), connect(&server), connect(&server));
    assert_eq!(boss.ask("put mail x"), "put 1");
    assert_eq!(slow.ask("get mail"), "job 1 x");
    assert_eq!(next.ask(&format!("get mail {LONG}")), "job 1 x");
    assert_eq!(slow.ask("done 1"), "unknown");
    while boss.ask("stats") != "ready 0 given 0 buried 1 done 0 waiting 0" {}
    assert_eq!((next.ask("done 1"), next.ask("get mail")), ("unknown".into(), "none".into()));
    // It is not forgotten.
    next.wait("mail", &mut boss);
    assert_eq!(boss.ask("kick mail"), "kicked 1");
    assert_eq!(next.hear().unwrap(), "job 1 x");
    assert_eq!(boss.ask("kick mail"), "kicked 0");
}

#[test]
fn a_job_that_fails_is_tried_again_and_buried() {
    let server = start(&["--tries", "2"]);
    let mut worker = connect(&server);
    assert_eq!(
        (worker.ask("put mail x"), worker.ask("put mail y")),
        ("put 1".into(), "put 2".into())
    );
    for _ in 0..2 {
        assert_eq!(worker.ask("get mail"), "job 1 x");
        assert_eq!(worker.ask("fail 1"), "failed");
    }
    assert_eq!(worker.ask("fail 1"), "unknown");
    assert_eq!(worker.ask("get mail"), "job 2 y");
    assert_eq!(worker.ask("stats"), "ready 0 given 1 buried 1 done 0 waiting 0");
    assert_eq!(worker.ask("kick mail"), "kicked 1");
    assert_eq!(worker.ask("get mail"), "job 1 x");
    assert_eq!((worker.ask("done 1"), worker.ask("done 2")), ("done".into(), "done".into()));
}

#[test]
fn there_are_no_more_jobs_than_may_be() {
    let server = start(&["--jobs", "2", "--tries", "1"]);
    let mut client = connect(&server);
    assert_eq!((client.ask("put a x"), client.ask("put b x")), ("put 1".into(), "put 2".into()));
    assert_eq!(client.ask("put c x"), "full");
    assert_eq!((client.ask("get a"), client.ask("fail 1")), ("job 1 x".into(), "failed".into()));
    assert_eq!(client.ask("put c x"), "full", "what is buried is there");
    assert_eq!((client.ask("get b"), client.ask("done 2")), ("job 2 x".into(), "done".into()));
    assert_eq!(client.ask("put c x"), "put 3");
}

#[test]
fn what_makes_no_sense_is_told_and_does_no_harm() {
    let server = start(&[]);
    let mut client = connect(&server);
    let long = format!("get {}", "q".repeat(101));
    let bad =
        ["", "get", "put q", "put  x", "get q -1", "get q 4294967296", "done", "nonsense", &long];
    for line in bad {
        assert!(client.ask(line).starts_with("error "), "{line:?}");
    }
    client.0.get_mut().write_all(b"put q \xff\n").unwrap();
    assert_eq!(client.hear().unwrap(), "error no such command", "it is no text");
    for line in ["done x", "done -1", "fail 1", "done 99999999999999999999"] {
        assert_eq!(client.ask(line), "unknown", "{line:?}");
    }
    assert_eq!(client.ask("kick nothing"), "kicked 0");
    // Several commands at once, with the endings of other systems.
    client.say(&format!("put q a\r\nput q b\r\nget q\r\nget q\r\nget q {LONG}\r\nstats\r"));
    for answer in ["put 1", "put 2", "job 1 a", "job 2 b", "error you wait for a job"] {
        assert_eq!(client.hear().unwrap(), answer);
    }
    assert_eq!(connect(&server).ask("put q c"), "put 3");
    assert_eq!(client.hear().unwrap(), "job 3 c");
    let mut endless = connect(&server);
    endless.say(&"x".repeat(20_000));
    assert_eq!(endless.hear(), None);
    assert_eq!(client.ask("stats"), "ready 0 given 3 buried 0 done 0 waiting 0");
}

/// Does jobs until one says to stop.
fn work(address: SocketAddr) -> Vec<u32> {
    let mut worker = Client::connect(address);
    let mut done = Vec::new();
    loop {
        let job = worker.ask(&format!("get q {LONG}"));
        let (id, text) = job.strip_prefix("job ").unwrap().split_once(' ').unwrap();
        assert_eq!(worker.ask(&format!("done {id}")), "done");
        if text == "stop" {
            return done;
        }
        done.push(text.parse().unwrap());
    }
}

#[test]
fn many_workers_do_each_job_once() {
    let server = start(&[]);
    let address = server.address;
    let jobs = 500;
    let workers: Vec<_> = (0..8).map(|_| thread::spawn(move || work(address))).collect();
    let mut boss = connect(&server);
    for number in 0..jobs {
        assert!(boss.ask(&format!("put q {number}")).starts_with("put "));
    }
    for _ in &workers {
        assert!(boss.ask("put q stop").starts_with("put "));
    }
    let mut done: Vec<u32> =
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    done.sort_unstable();
    assert_eq!(done, Vec::from_iter(0..jobs));
    assert_eq!(boss.ask("stats"), "ready 0 given 0 buried 0 done 508 waiting 0");
}

#[test]
fn the_end_is_put_off_until_workers_have_done_what_they_have() {
    let server = start(&[]);
    let (mut boss, mut busy, mut idle) = (connect(&server), connect(&server), connect(&server));
    assert_eq!(boss.ask("put mail x"), "put 1");
    assert_eq!(busy.ask("get mail"), "job 1 x");
    idle.wait("mail", &mut boss);
    server.program.kill(Signal::TERM);
    assert_eq!(idle.hear().unwrap(), "none");
    assert_eq!((idle.hear(), boss.hear()), (None, None));
    drop((idle, boss));
    assert_eq!(busy.ask("done 1"), "done");
    assert_eq!(busy.0.read(&mut [0]).unwrap(), 0);
    drop(busy);
    assert_eq!(server.program.end(), End::silent(0));
}

#[test]
fn a_queue_that_cannot_start_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let end = Program::start("job_queue", &[&address], Stdio::null()).end();
    let said = format!("bind: Address already in use ({address})\n");
    assert_eq!(end, End::complained(1, said));
    let bad: [&[&str]; 4] = [&["7777"], &["--time"], &["--tries", "0"], &["--jobs", "-1"]];
    for arguments in bad {
        let end = Program::start("job_queue", arguments, Stdio::null()).end();
        assert_eq!(end, End::complained(2, USAGE), "{arguments:?}");
    }
}
