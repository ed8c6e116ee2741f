//! Names on whatever machine this is. What needs a name service of its own is in `tests/names`.

use std::net::Ipv4Addr;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use reactor::{Clock, Context, JobError, Kernel, States};
use testkit::machine::has_ipv6;
use testkit::net;
use testkit::rig::{Host, Rig, cause};
use wheels::{Failure, Operation, Protocol, SocketFactory, SocketFactoryBuilder};

const EPROTONOSUPPORT: i32 = 93;
const ETIMEDOUT: i32 = 110;
const EAI_NONAME: i32 = -2;
const EAI_AGAIN: i32 = -3;
const EAI_SERVICE: i32 = -8;

#[test]
fn what_is_known_already_never_leaves_the_loop() {
    let mut builders = vec![
        SocketFactory::builder().bind_address("127.0.0.1").bind_port("0"),
        SocketFactory::builder().bind_address(Ipv4Addr::LOCALHOST).socket_protocol("tcp"),
        SocketFactory::builder().bind_address("127.0.0.1").socket_protocol(6),
    ];
    if has_ipv6("addresses of IPv6 that are known already") {
        builders.push(SocketFactory::builder().bind_address("::1").bind_port(0));
    }
    for builder in builders {
        let mut rig = Rig::start(move |host, cx| {
            host.build(cx, builder);
            assert!(host.factory().local_addr(cx).is_some(), "it listens right after build");
            host.factories.clear();
        });
        rig.run_to_end();
    }
}

#[test]
fn localhost_is_a_name_like_another() {
    let (_listener, addr) = net::listener();
    let mut rig = Rig::start(move |host, cx| {
        let builder = SocketFactory::builder().remote_address("localhost");
        host.build(cx, builder.remote_port(addr.port()));
        assert_eq!(host.heard(), []);
    });
    rig.run_to_end();
    assert_eq!(rig.peers(), [addr]);
}

#[test]
fn text_that_can_be_no_name_is_a_failure_of_getaddrinfo() {
    let (long, label) = ("a.".repeat(128), "a".repeat(64));
    for text in ["", "nul\0nul", "127.0.0.1:80", "[::1]", " ::1", "fe80::1%nowhere", &long, &label]
    {
        let local = SocketFactory::builder().bind_address(text).bind_port(1);
        let remote = SocketFactory::builder().remote_address(text).remote_port(1);
        for builder in [local, remote] {
            let failure = failure_of(builder);
            assert_eq!(cause(&failure), (Operation::GetAddrInfo, EAI_NONAME), "{text:?}");
            assert!(!failure.errstr.is_empty(), "it has words");
        }
    }
}

#[test]
fn text_that_is_no_service_is_a_failure_of_getservbyname() {
    let services =
        ["", "-1", "+80", " 80", "80 ", "65536", "18446744073709551696", "nul\0nul", "0x50"];
    for service in services.into_iter().chain(["no-such-service-anywhere"]) {
        let local = SocketFactory::builder().bind_address("127.0.0.1").bind_port(service);
        let remote = SocketFactory::builder().remote_address("127.0.0.1").remote_port(service);
        for builder in [local, remote] {
            let failure = failure_of(builder);
            assert_eq!(cause(&failure), (Operation::GetServByName, EAI_SERVICE), "{service:?}");
            assert!(!failure.errstr.contains('\0'), "it can be printed");
        }
    }
}

#[test]
fn a_protocol_that_nobody_knows_is_a_failure_of_getprotobyname() {
    for name in ["", "no-such-protocol", "tcp udp", "nul\0nul", "#"] {
        let builder = SocketFactory::builder().bind_address("127.0.0.1").socket_protocol(name);
        let failure = failure_of(builder);
        assert_eq!(cause(&failure), (Operation::GetProtoByName, EPROTONOSUPPORT), "{name:?}");
        assert!(failure.errstr.starts_with("no such protocol: "), "{failure}");
    }
}

#[test]
fn a_protocol_is_a_name_or_a_number() {
    assert_eq!(Protocol::from("tcp"), Protocol::Name("tcp".into()));
    assert_eq!(Protocol::from(String::from("tcp")), Protocol::from("tcp"));
    assert_eq!(Protocol::from(6), Protocol::Number(6));
    assert_ne!(Protocol::from(6), Protocol::from("tcp"));
}

#[test]
fn a_factory_that_is_dropped_abandons_its_lookup_and_tells_nothing() {
    let (mut rig, gate) = stuck(Clock::system());
    rig.act(|host, cx| {
        host.build(cx, SocketFactory::builder().remote_address("localhost").remote_port(1));
        host.factories.clear();
    });
    drop(gate);
    net::run_until_kernel(&mut rig.kernel, "the end of the job", |kernel| {
        kernel.wheel_count() == 0
    });
    rig.kernel.stop();
    rig.run_to_end();
    assert_eq!((rig.failures(), rig.peers()), (vec![], vec![]));
}

#[test]
fn a_lookup_that_takes_too_long_has_failed_at_its_time_and_not_before() {
    let clock = Clock::virtual_time();
    let (mut rig, gate) = stuck(clock.clone());
    let begun = clock.now();
    let wheels = rig.act(|host, cx| {
        let of_host = SocketFactory::builder().resolve_timeout(Duration::from_secs(7));
        let of_service = SocketFactory::builder().bind_address("127.0.0.1").bind_port("https");
        let of_protocol = SocketFactory::builder().resolve_timeout(Duration::from_secs(31));
        [
            host.build(cx, of_host.remote_address("localhost").remote_port(1)),
            host.build(cx, of_service),
            host.build(cx, of_protocol.bind_address("127.0.0.1").socket_protocol("sctp")),
        ]
    });
    let expected = [
        (Operation::GetAddrInfo, 7),
        (Operation::GetAddrInfo, 30),
        (Operation::GetProtoByName, 31),
    ];
    for (wheel, (operation, seconds)) in wheels.into_iter().zip(expected) {
        let heard = rig.heard().len();
        rig.run_until("a failure", |now| now.len() > heard);
        assert_eq!(clock.now() - begun, Duration::from_secs(seconds));
        let failure = rig.failures().pop().expect("it was heard");
        assert_eq!((cause(&failure), failure.wheel), ((operation, ETIMEDOUT), wheel));
        assert_eq!(failure.errstr, format!("no answer within {seconds}s"));
    }
    drop(gate);
    rig.kernel.stop();
}

#[test]
fn too_many_lookups_are_a_failure_that_may_pass_and_equal_ones_are_one() {
    let (mut rig, gate) = stuck(Clock::system());
    let full = rig.act(|host, cx| {
        // Two thousand wheels, one place in the queue.
        for _ in 0..2_000 {
            host.build(cx, seek("[same]"));
        }
        for nth in 1..MOST_JOBS {
            host.build(cx, seek(&format!("[{nth}]")));
        }
        host.build(cx, seek("[full]"))
    });
    rig.run_until("a failure", |heard| !heard.is_empty());
    let [failure] = &rig.failures()[..] else { panic!("{:?}", rig.heard()) };
    assert_eq!((cause(failure), failure.wheel), ((Operation::GetAddrInfo, EAI_AGAIN), full));
    assert_eq!(failure.to_string(), "getaddrinfo: too many jobs wait for a thread");

    // Each of those that were dropped makes room.
    rig.act(|host, _| drop(host.factories.drain(2_000..)));
    let late = rig.act(|host, cx| host.build(cx, seek("[late]")));
    drop(gate);
    rig.run_until("all answers", |heard| heard.len() >= 2_002);
    let answered = &rig.failures()[1..];
    assert!(answered.iter().all(|failure| failure.errnum == EAI_NONAME), "they were asked");
    assert_eq!(answered.last().map(|failure| failure.wheel), Some(late));
    rig.kernel.stop();
}

/// A session on a kernel whose one worker is stuck in a job of another session, until the gate is dropped.
pub(crate) fn stuck(clock: Clock) -> (Rig, Sender<()>) {
    let (gate, closed) = channel::<()>();
    let closed = std::cell::Cell::new(Some(closed));
    let busy = States::new()
        .on_start(move |_: &mut (), cx: &mut Context<'_>, ()| {
            let closed = closed.take().expect("a session starts once");
            // An error says that the test let go of it.
            let job = move || closed.recv().is_err();
            cx.run_blocking(job, "done").expect("a thread").release();
        })
        .on("done", |_: &mut (), _: &mut Context<'_>, opened: Result<bool, JobError>| {
            assert_eq!(opened, Ok(true));
        });
    let builder = Kernel::builder().clock(clock).workers(1);
    let mut rig = Rig::start_with(builder, |_, cx| Host::stay(cx));
    rig.kernel.spawn(&busy, ());
    (rig, gate)
}

/// To a host that can be no name: the system says so without asking anybody.
fn seek(host: &str) -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address(host).remote_port(1)
}

/// Builds it in a session that has nothing else.
fn failure_of(builder: SocketFactoryBuilder) -> Failure {
    let rig = Rig::start(|host, cx| {
        host.build(cx, builder);
    });
    rig.only_failure()
}

/// So many jobs wait for a thread: see `Context::run_blocking`.
const MOST_JOBS: usize = 1_024;
