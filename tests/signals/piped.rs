//! What passes the process by from one socket to another raises no signal when the reader is gone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use reactor::{Context, Kernel, Signal, States};
use rustix::process::Signal as System;
use wheels::{Failure, Input, Operation, ReadWrite, Socket, filter};

use crate::{Test, raise};

pub const TESTS: &[Test] = &[("a_pipe_whose_reader_is_gone_raises_no_signal", no_signal)];

const ROUNDS: usize = 50;

#[derive(Default)]
struct Proxy {
    ends: Vec<ReadWrite<filter::Stream>>,
    heard: u32,
}

fn pair() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("connect");
    let (ours, _) = listener.accept().expect("accept");
    (ours.try_into().expect("non-blocking"), peer)
}

fn no_signal() {
    let proxy = States::new()
        .on_start(|_: &mut Proxy, cx: &mut Context<'_>, ()| {
            cx.sig("PIPE", "came").expect("a signal");
            cx.delay("never", Duration::from_secs(86_400), ());
        })
        .on("join", |proxy: &mut Proxy, cx: &mut Context<'_>, both: (Socket, Socket)| {
            let (one, other) = both;
            let one = ReadWrite::builder(one).build(cx, "item", "failed");
            let other = ReadWrite::builder(other).build(cx, "item", "failed");
            one.pipe_to(cx, &other);
            proxy.ends = vec![one, other];
        })
        .on("item", |_: &mut Proxy, _: &mut Context<'_>, _: Input<bytes::Bytes>| {})
        .on("failed", |proxy: &mut Proxy, _: &mut Context<'_>, failure: Failure| {
            if failure.operation == Operation::Pipe {
                proxy.ends.clear();
            }
        })
        .on("came", |proxy: &mut Proxy, cx: &mut Context<'_>, _: Signal| {
            proxy.heard += 1;
            cx.sig_handled();
        })
        .on("count", |proxy: &mut Proxy, _: &mut Context<'_>, ()| proxy.heard);
    let mut kernel = Kernel::new().expect("a kernel");
    let session = kernel.spawn(&proxy, Proxy::default());
    for _ in 0..ROUNDS {
        let ((one, mut client), (other, mut server)) = (pair(), pair());
        kernel.call::<_, ()>(session, "join", (one, other)).expect("it is there");
        let writer = thread::spawn(move || {
            let _cut = client.write_all(&vec![b'!'; 3 << 20]);
        });
        let reader = thread::spawn(move || {
            // What is unread makes a reset of it.
            let mut some = vec![0; 300_000];
            server.read_exact(&mut some).expect("read");
        });
        while !(writer.is_finished() && reader.is_finished()) {
            kernel.run_one_turn(Duration::from_millis(1)).expect("a turn");
        }
    }
    let heard: u32 = kernel.call(session, "count", ()).expect("it is there");
    assert_eq!(heard, 0);
    raise(System::PIPE);
    kernel.run_one_turn(Duration::ZERO).expect("a turn");
    kernel.run_one_turn(Duration::ZERO).expect("a turn");
    let heard: u32 = kernel.call(session, "count", ()).expect("it is there");
    assert_eq!(heard, 1, "it is watched");
}
