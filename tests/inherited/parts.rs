//! What the activated program does.

use std::fs::{self, File};
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;
use std::sync::mpsc::channel;
use std::{env, thread};

use reactor::{Context, Event, InheritError, Kernel, States, inherited};
use wheels::filter::Stream;
use wheels::{Established, Failure, Listening, Operation, ReadWrite, SocketFactory};

pub(crate) fn play(part: &str) {
    match part {
        "listen" => listen(),
        "unknown" => unknown(),
        "none" => assert!(inherited().expect("nothing is wrong").is_empty()),
        "for_another" => for_another(),
        "not_open" => not_open(),
        "own" => own(),
        "malformed" => malformed(),
        "second_thread" => second_thread(),
        "once" => once(),
        "not_listening" => not_listening(),
        other => panic!("no such part: {other}"),
    }
}

const GOT_CLIENT: Event<Established> = Event::new("got_client");
const LISTENING: Event<Listening> = Event::new("listening");

#[derive(Default)]
struct Server {
    listener: Option<SocketFactory>,
    listening: usize,
    clients: usize,
}

impl Server {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        let sockets = inherited().expect("all is as it should be");
        let names: Vec<_> = sockets.iter().map(|inherited| &*inherited.name).collect();
        assert_eq!(names, ["web", "local"]);
        let listeners = sockets.into_iter().map(|inherited| inherited.fd);
        let builder = SocketFactory::builder().listening_event(&LISTENING);
        let factory = builder.build_on(cx, listeners, &GOT_CLIENT, "got_failure");
        assert_eq!(factory.local_addrs(cx).len(), 2);
        self.listener = Some(factory);
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        assert_eq!(self.listening, 2, "told before any client");
        let stream =
            ReadWrite::builder(client.socket).filter(Stream).build(cx, "got_input", "got_failure");
        stream.put(cx, "welcome");
        stream.shutdown(cx);
        self.clients += 1;
        if self.clients == 2 {
            self.listener = None;
        }
    }
}

fn listen() {
    let server = States::new()
        .on_start(Server::start)
        .on(&LISTENING, |server: &mut Server, _: &mut Context<'_>, _| server.listening += 1)
        .on(&GOT_CLIENT, Server::got_client);
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&server, Server::default());
    kernel.run().expect("it runs");
}

fn unknown() {
    let sockets = inherited().expect("all is as it should be");
    let [socket] = &sockets[..] else { panic!("{sockets:?}") };
    assert_eq!((&*socket.name, socket.fd.as_raw_fd()), ("unknown", 3));
    assert!(is_closed_on_exec(3));
}

fn for_another() {
    assert!(inherited().expect("nothing is wrong").is_empty());
    assert_eq!(env::var("LISTEN_FDS").as_deref(), Ok("1"));
    assert!(!is_closed_on_exec(3));
}

fn not_open() {
    let error = inherited().expect_err("so many cannot be open");
    assert!(matches!(error, InheritError::Descriptor(4.., _)), "{error}");
    untouched();
}

fn own() {
    let file = File::open("/dev/null").expect("it exists");
    assert_eq!(file.as_raw_fd(), 3, "the lowest number is free");
    let error = inherited().expect_err("it is ours");
    assert!(matches!(error, InheritError::Own(3)), "{error}");
}

fn malformed() {
    let error = inherited().expect_err("it is malformed");
    assert!(matches!(error, InheritError::Malformed(..)), "{error}");
    untouched();
}

fn second_thread() {
    let (tell, told) = channel::<()>();
    let other = thread::spawn(move || told.recv());
    let error = inherited().expect_err("there is another thread");
    assert!(matches!(error, InheritError::Threads(2)), "{error}");
    untouched();
    drop(tell);
    other.join().expect("it ends").expect_err("nothing was told");
    assert_eq!(inherited().expect("nothing is wrong now").len(), 1);
}

fn once() {
    let sockets = inherited().expect("all is as it should be");
    assert_eq!(sockets.len(), 1);
    assert!(inherited().expect("nothing is wrong").is_empty());
    let output = Command::new("env").output().expect("env");
    let variables = String::from_utf8_lossy(&output.stdout);
    assert!(!variables.contains("LISTEN_"), "{variables}");
    drop(sockets);
}

/// One of two does not listen: nobody is let in by the other, either.
fn not_listening() {
    let expected = match &*env::var("EXPECTED").expect("the test says") {
        "ENOTSOCK" => 88,
        "EINVAL" => 22,
        other => panic!("{other}"),
    };
    let states = States::new()
        .on_start(|heard: &mut (Option<SocketFactory>, u32), cx: &mut Context<'_>, ()| {
            let sockets = inherited().expect("all is as it should be");
            let fds = sockets.into_iter().map(|inherited| inherited.fd);
            heard.0 = Some(SocketFactory::builder().build_on(cx, fds, "client", "failed"));
        })
        .on("failed", move |heard: &mut (_, u32), _: &mut Context<'_>, told: Failure| {
            assert_eq!((told.operation, told.errnum), (Operation::Listen, expected), "{told}");
            heard.1 += 1;
        })
        .on_stop(|heard: &mut (Option<SocketFactory>, u32), cx: &mut Context<'_>, ()| {
            assert_eq!(heard.1, 1);
            let factory = heard.0.as_ref().expect("it was built");
            assert_eq!(factory.local_addr(cx), None);
        });
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&states, (None, 0));
    kernel.run().expect("it runs");
}

/// Nothing was taken or changed.
fn untouched() {
    assert!(env::var_os("LISTEN_FDS").is_some());
    assert!(!is_closed_on_exec(3));
}

fn is_closed_on_exec(number: RawFd) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).expect("it is open");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags");
    u32::from_str_radix(flags.trim(), 8).expect("an octal number") & 0o2_000_000 != 0
}
