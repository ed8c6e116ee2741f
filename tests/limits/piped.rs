//! A proxy as a process of its own: what it keeps in memory. And pipes that end: what they leave.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reactor::{Context, Kernel, States};
use testkit::leak::Descriptors;
use testkit::net::{self, Peer};
use testkit::rig::{Heard, Host, Rig};
use wheels::filter::Stream;
use wheels::{Failure, Input, ReadWrite, pipe};

/// Where the proxy is to connect to. With it the program is the proxy.
const ENDS: [&str; 2] = ["TEST_PROXY_FROM", "TEST_PROXY_TO"];

/// How many MiB pass through the proxy: 4096 for a long afternoon.
const SIZE: &str = "TEST_PROXY_MIB";
const USUAL_MIB: usize = 512;

/// What a stream may have unsent before what is piped to it has to wait.
const HIGH_MARK: usize = 64 * 1024;

/// For what the allocator and the C library do not give back.
const SLACK: usize = 512 * 1024;

/// If the program was started as a proxy it is one, to the end of both connections.
pub(crate) fn is_proxy() -> bool {
    let [Ok(from), Ok(to)] = ENDS.map(env::var) else { return false };
    let connect = move |to: &str| TcpStream::connect(to).expect("connect");
    let proxy = States::new()
        .on_start(move |ends: &mut Vec<ReadWrite<Stream>>, cx: &mut Context<'_>, ()| {
            for stream in [connect(&from), connect(&to)] {
                stream.set_nonblocking(true).expect("non-blocking");
                ends.push(ReadWrite::builder(stream).build(cx, "input", "failure"));
            }
            pipe(cx, &ends[0], &ends[1]);
        })
        .on("input", |_: &mut Vec<ReadWrite<Stream>>, _: &mut Context<'_>, _: Input<Bytes>| {
            panic!("input is piped");
        })
        .on("failure", |_: &mut Vec<ReadWrite<Stream>>, _: &mut Context<'_>, it: Failure| {
            assert!(it.is_end(), "{it}");
        });
    let mut kernel = Kernel::new().expect("a kernel");
    kernel.spawn(&proxy, Vec::new());
    kernel.run().expect("a run");
    true
}

/// A proxy process, and its two connections.
fn start_proxy() -> (Child, TcpStream, TcpStream) {
    let ((from, one), (to, other)) = (net::listener(), net::listener());
    let child = Command::new(env::current_exe().expect("this program"))
        .envs(ENDS.into_iter().zip([one, other].map(|addr| addr.to_string())))
        .spawn()
        .expect("a process");
    (child, net::accept(&from), net::accept(&to))
}

/// A line of `/proc/PID/status`, in bytes.
fn memory(child: &Child, line: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("its status");
    let kib = status.lines().find_map(|it| it.strip_prefix(line)).expect("such a line");
    let kib: usize = kib.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kib * 1024
}

/// The first part is not read at all for a while, the rest now and then not. Byte by byte it is the same.
pub(crate) fn p14_a_proxy_keeps_no_more_than_two_high_marks_for_a_reader_that_is_slow() {
    let mib = env::var(SIZE).map_or(USUAL_MIB, |mib| mib.parse().expect("a number of MiB"));
    let (mut child, mut client, mut server) = start_proxy();
    // What it needs once, for the first byte, is not counted.
    for (from, to) in [(0, 1), (1, 0)] {
        let mut ends = [&client, &server];
        ends[from].write_all(b"x").expect("write");
        ends[to].read_exact(&mut [0]).expect("read");
    }
    let before = memory(&child, "VmRSS:");

    let block: Vec<u8> =
        (0..1 << 20).map(|place: u32| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = block.clone();
    let writer = Peer::play(move || {
        for round in 0..mib {
            let (end, start) = sent.split_at(round * 4099 % sent.len());
            client.write_all(start).and_then(|()| client.write_all(end)).expect("write");
        }
        client.shutdown(std::net::Shutdown::Write).expect("shutdown");
        client.read_to_end(&mut Vec::new()).expect("the end comes back");
    });
    thread::sleep(Duration::from_millis(300));
    let held_up = memory(&child, "VmHWM:");
    let (began, mut got) = (Instant::now(), vec![0; block.len()]);
    for round in 0..mib {
        if round % 64 == 63 {
            thread::sleep(Duration::from_millis(20));
        }
        server.read_exact(&mut got).expect("read");
        let (end, start) = block.split_at(round * 4099 % block.len());
        assert!(got.starts_with(start) && got.ends_with(end), "other bytes in MiB {round}");
    }
    println!("{mib} MiB in {:?}", began.elapsed());
    assert_eq!(server.read(&mut got).expect("read"), 0);
    let highest = memory(&child, "VmHWM:");
    drop(server);
    writer.join();
    assert!(child.wait().expect("a child").success());
    for (when, memory) in [("held up", held_up), ("at most", highest)] {
        println!("{when}, {} KiB more than before", memory.saturating_sub(before) / 1024);
        assert!(memory <= before + 2 * HIGH_MARK + SLACK, "{when}: {memory}, before {before}");
    }
}

/// Ended, reset, dropped on either side, unpiped, piped elsewhere, shut down.
pub(crate) fn pipes_that_end_in_any_way_leave_nothing() {
    let (listener, addr) = net::listener();
    let mut rig = Rig::start(|_, cx| Host::stay(cx));
    let before = Descriptors::note();
    for round in 0..600 {
        let peers = net::connect_all(addr, 2);
        let ours = [net::accept(&listener), net::accept(&listener)];
        let ids = rig.act(move |host, cx| {
            for stream in ours {
                host.sockets.push(stream.try_into().expect("non-blocking"));
            }
            let ids = [host.stream(cx), host.stream(cx)];
            pipe(cx, &host.streams[&ids[0]], &host.streams[&ids[1]]);
            ids
        });
        let [mut client, server] = <[TcpStream; 2]>::try_from(peers).expect("two");
        client.write_all(b"on its way").expect("write");
        if round % 2 == 0 {
            (0..3).for_each(|_| rig.turn());
        }
        if round % 7 == 0 {
            net::reset(client);
        }
        rig.act(move |host, cx| match round % 6 {
            0 => drop(host.streams.remove(&ids[0])),
            1 => drop(host.streams.remove(&ids[1])),
            2 => host.streams[&ids[0]].unpipe(cx),
            3 => host.streams[&ids[0]].pipe_to(cx, &host.streams[&ids[0]]),
            4 => host.streams[&ids[1]].shutdown_output(cx),
            _ => host.streams.remove(&ids[0]).expect("held").shutdown(cx),
        });
        (0..3).for_each(|_| rig.turn());
        drop(server);
        (0..3).for_each(|_| rig.turn());
        rig.act(|host, _| host.streams.clear());
    }
    rig.run_until("the last to be closed", |_| before.opened_since().is_empty());
    assert_eq!(rig.kernel.wheel_count(), 0);
    assert!(rig.heard().iter().any(|heard| matches!(heard, Heard::Failed(_))));
    before.assert_same();
}
