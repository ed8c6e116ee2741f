//! Drives one server that is running already, to look at it with perf, strace or valgrind.
//!
//! `drive ADDR:PORT LOAD REQUESTS [LOAD REQUESTS ...]`, where a load is `echo` (50 connections, lines of 64
//! bytes), `deep` (the same, 16 at a time), `bursts` (connect, echo, close, 100 at once), `chat` (a room
//! of 100, one line at a time) or `chat-deep` (64 at a time), and requests are echoes, connections or
//! deliveries. Says how long each took.

#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::process::ExitCode;

use bench::burst_load::Farewell;
use bench::chat_load::{ChatShape, Pace};
use bench::contest::{Load, Shape};
use bench::echo_load::EchoShape;
use bench::machine::{Cores, raise_descriptor_limit};

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    raise_descriptor_limit();
    Cores::detect().enter_load();
    let address = arguments.first().and_then(|address| address.parse().ok());
    let (loads, rest) = arguments.get(1..).unwrap_or_default().as_chunks();
    let loads = loads.iter().map(|[load, n]| Some((shape(load)?, n.parse().ok()?)));
    let (Some(address), Some(loads), []) = (address, loads.collect::<Option<Vec<_>>>(), rest)
    else {
        eprintln!("usage: drive ADDR:PORT echo|deep|bursts|chat|chat-deep REQUESTS ...");
        return Ok(ExitCode::from(2));
    };
    for (shape, requests) in loads {
        let (done, elapsed) = Load::new(address, shape)?.run(requests)?;
        println!("{done} in {:.3} s", elapsed.as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}

fn shape(name: &str) -> Option<Shape> {
    let echo = |depth| Shape::Echo(EchoShape { connections: 50, size: 64, depth });
    let chat = |pace| Shape::Chat(ChatShape { clients: 100, pace });
    Some(match name {
        "echo" => echo(1),
        "deep" => echo(16),
        "bursts" => Shape::Bursts(100, Farewell::Orderly),
        "chat" => chat(Pace::AtOnce(1)),
        "chat-deep" => chat(Pace::AtOnce(64)),
        _ => return None,
    })
}
