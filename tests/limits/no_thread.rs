//! A program has the threads that it asks for, and no others.

use std::sync::mpsc::channel;
use std::time::Instant;

use testkit::leak::threads;
use testkit::net;
use testkit::rig::{Host, Rig};
use wheels::SocketFactory;

pub(crate) fn what_is_known_already_takes_no_thread_and_a_job_takes_one() {
    // Those of earlier tests end by themselves.
    until("this thread alone", || threads() == 1);
    let mut rig = Rig::start(|host, cx| {
        Host::stay(cx);
        cx.sig("USR2", "never").expect("SIGUSR2 can be watched");
        let addr = host.listen(cx, SocketFactory::listen("127.0.0.1:0"));
        host.build(cx, SocketFactory::connect(addr));
    });
    let remote = rig.kernel.remote().expect("a handle for other threads");
    rig.run_until_established(2);
    rig.act(|host, cx| host.stream(cx));
    assert_eq!(threads(), 1);

    let (open, closed) = channel::<()>();
    let job = move || {
        let _opened = closed.recv();
    };
    rig.act(|_, cx| cx.run_blocking(job, "never").expect("a thread").release());
    assert_eq!(threads(), 2);
    drop((open, remote, rig));
    until("the job's thread to end", || threads() == 1);
}

#[track_caller]
fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < net::PATIENCE, "waited in vain for {what}");
        std::thread::yield_now();
    }
}
