//! An echo server of several processes: the parent listens and never accepts, its children accept and
//! never listen. Whoever of them is free takes the next client; one that dies is replaced.
//!
//! ```text
//! cargo run --release -p examples --example prefork_echo -- 127.0.0.1:7777 4
//! cargo run --release -p examples --example echo_client -- 127.0.0.1:7777
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Event, Exited, Forked, Kernel, Signal, States, WheelMap};
use rustix::process::{
    Pid, Signal as System, getpid, getppid, kill_process, set_parent_process_death_signal,
};
use wheels::filter::Stream;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const WORKER_ENDED: Event<Exited> = Event::new("worker_ended");

/// Before a worker is replaced: one that dies at once must not keep the machine busy.
const PAUSE: Duration = Duration::from_millis(100);

struct Prefork {
    address: SocketAddr,
    role: Role,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Stream>>,
}

enum Role {
    Parent {
        workers: BTreeSet<u32>,
    },
    /// Waits for its workers to end.
    Ending {
        workers: BTreeSet<u32>,
    },
    Worker,
}

impl Prefork {
    fn start(&mut self, cx: &mut Context<'_>, count: usize) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let listener =
            SocketFactory::listen(self.address).build(cx, &GOT_CLIENT, "got_listen_failure");
        // Before the first client is accepted. Until a worker accepts, clients wait in the listen queue.
        listener.pause_accept(cx);
        let address = listener.local_addr(cx);
        self.listener = Some(listener);
        let Some(address) = address else { return Ok(()) }; // the failure is on its way
        for _ in 0..count {
            self.fork_worker(cx)?;
        }
        if let Role::Parent { .. } = self.role {
            examples::say_listening(address)?;
        }
        Ok(())
    }

    /// Does nothing in a worker, which has the rest of its parent's handler before it, and its timers.
    fn fork_worker(&mut self, cx: &mut Context<'_>) -> Result<(), Box<dyn Error>> {
        let Role::Parent { workers } = &mut self.role else { return Ok(()) };
        let parent = getpid();
        match cx.fork()? {
            Forked::Parent { child } => {
                cx.sig_child(child, &WORKER_ENDED)?;
                workers.insert(child);
            }
            Forked::Child => {
                self.role = Role::Worker;
                // However the parent ends, its workers do not go on without it.
                set_parent_process_death_signal(Some(System::TERM))?;
                if getppid() != Some(parent) {
                    cx.stop(); // it ended before we could ask to be told
                }
                if let Some(listener) = &self.listener {
                    listener.resume_accept(cx);
                }
            }
        }
        Ok(())
    }

    fn worker_ended(&mut self, cx: &mut Context<'_>, worker: Exited) {
        match &mut self.role {
            Role::Parent { workers } => {
                log::warn!("worker {}: {:?}", worker.pid, worker.status);
                workers.remove(&worker.pid);
                cx.delay_set("replace_worker", PAUSE, ());
            }
            Role::Ending { workers } => {
                workers.remove(&worker.pid);
                if workers.is_empty() {
                    cx.stop();
                }
            }
            Role::Worker => {} // told to the parent, before this one was forked
        }
    }

    fn replace_worker(&mut self, cx: &mut Context<'_>, (): ()) {
        if let Err(error) = self.fork_worker(cx) {
            log::warn!("{error}");
            cx.delay_set("replace_worker", PAUSE, ());
        }
    }

    /// A worker stops at once. The parent waits for its workers.
    fn got_signal(&mut self, cx: &mut Context<'_>, signal: Signal) {
        log::info!("{}: {signal}: good bye", std::process::id());
        match &mut self.role {
            Role::Parent { workers } | Role::Ending { workers } if !workers.is_empty() => {
                cx.sig_handled();
                let workers = std::mem::take(workers);
                end(&workers);
                self.role = Role::Ending { workers };
            }
            Role::Parent { .. } | Role::Ending { .. } | Role::Worker => {}
        }
    }

    /// Also when it ends by a failure.
    fn stop(&mut self, _: &mut Context<'_>, (): ()) {
        match &self.role {
            Role::Parent { workers } | Role::Ending { workers } => end(workers),
            Role::Worker => {}
        }
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        log::info!("{}: {} accepted", std::process::id(), client.peer);
        let wheel = ReadWrite::builder(client.socket).build(cx, "got_input", "got_failure");
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_input(&mut self, cx: &mut Context<'_>, input: Input<Bytes>) {
        if let Some(client) = self.clients.get(&input.wheel) {
            client.put(cx, input.item);
        }
    }

    fn got_failure(&mut self, cx: &mut Context<'_>, failure: Failure) {
        if let Some(client) = self.clients.remove(&failure.wheel) {
            client.shutdown(cx);
        }
    }

    fn got_listen_failure(&mut self, cx: &mut Context<'_>, failure: Failure) -> Result<(), String> {
        if self.listener.as_ref().and_then(|listener| listener.local_addr(cx)).is_none() {
            return Err(format!("{failure} ({})", self.address));
        }
        log::warn!("{failure}"); // descriptors ran out, say: it goes on by itself
        Ok(())
    }
}

fn end(workers: &BTreeSet<u32>) {
    for worker in workers {
        let pid = i32::try_from(*worker).ok().and_then(Pid::from_raw);
        if let Some(Err(error)) = pid.map(|pid| kill_process(pid, System::TERM)) {
            log::warn!("worker {worker}: {error}");
        }
    }
}

fn main() -> ExitCode {
    examples::main(
        "prefork_echo [ADDR:PORT] [WORKERS]",
        |arguments| match arguments {
            [] => Some((([127, 0, 0, 1], 7777).into(), 4)),
            [address] => Some((address.parse().ok()?, 4)),
            [address, workers] => {
                let workers = workers.parse().ok().filter(|workers| *workers > 0)?;
                Some((address.parse().ok()?, workers))
            }
            _ => None,
        },
        |(address, workers)| {
            let states = States::new()
                .try_on("_start", move |prefork: &mut Prefork, cx: &mut Context<'_>, ()| {
                    prefork.start(cx, workers)
                })
                .on(&GOT_CLIENT, Prefork::got_client)
                .on("got_input", Prefork::got_input)
                .on("got_failure", Prefork::got_failure)
                .try_on("got_listen_failure", Prefork::got_listen_failure)
                .on(&WORKER_ENDED, Prefork::worker_ended)
                .on("replace_worker", Prefork::replace_worker)
                .on("got_signal", Prefork::got_signal)
                .on_stop(Prefork::stop);
            let mut kernel = Kernel::new()?;
            let role = Role::Parent { workers: BTreeSet::new() };
            let clients = WheelMap::default();
            kernel.spawn(&states, Prefork { address, role, listener: None, clients });
            kernel.run()
        },
    )
}
