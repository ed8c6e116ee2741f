//! A hundred light clients beside one that sends as fast as it can.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Subject;
use super::pings::{self, Alone, Beside, Pings, Times};
use super::server::Patience;
use crate::machine::Cores;

const PINGERS: usize = 100;

const PERIOD: Duration = Duration::from_millis(20);

/// What the flood may add to the 99th percentile, beside as much again as there was without it.
const MARGIN: Duration = Duration::from_millis(1);

/// Bytes that the flooder has ready for each of its calls.
const BLOCK: usize = 64 * 1024;

/// What the flooder sends: lines of so many bytes, their ends included. Empty ones are the most to do for each
/// byte.
const FLOODS: [(usize, &str); 3] =
    [(64, "lines of 64 bytes"), (1, "empty lines"), (8192, "lines of 8 KiB")];

/// Measures a server with each kind of flood, and prints a table. `times` is how often, and `each` how long; the
/// least of the percentiles are compared, since the machine's other work only adds. With `is_timed` it is an
/// error if that beside the flood is above twice the other, and a millisecond.
///
/// # Errors
///
/// When an answer is not what was sent, somebody is closed, or the bound is missed.
pub fn run(
    subject: &Subject,
    cores: Cores,
    (times, each): (usize, Duration),
    is_timed: bool,
) -> io::Result<()> {
    let server = subject.start(Patience::Usual, cores)?;
    let mut pings = Pings::connect(server.address(), PINGERS, PERIOD)?;
    pings.run(each / 4, &mut Alone)?;
    println!(
        "\n{}: {PINGERS} light clients, {} a second\n{}",
        subject.name(),
        rate(),
        pings::HEADER
    );
    let mut missed = Vec::new();
    for (len, what) in FLOODS {
        let (mut alone, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..times {
            // The last flooder may have left much to do.
            server.settled_cpu()?;
            alone.push(pings.run(each, &mut Alone)?);
            let mut flooder = Flooder::connect(server.address(), len)?;
            let began = Instant::now();
            beside.push(pings.run(each, &mut flooder)?);
            let rate = flooder.returned as f64 / began.elapsed().as_secs_f64() / 1e6;
            println!("{}", alone[alone.len() - 1].row("alone"));
            let what = format!("beside {what}, {rate:.0} MB/s");
            println!("{}", beside[beside.len() - 1].row(&what));
        }
        let (alone, beside) = (least(&alone), least(&beside));
        let most = alone * 2 + MARGIN;
        println!("least p99: {alone:?} alone, {beside:?} beside {what}; at most {most:?}");
        if beside > most {
            missed.push(format!("beside {what} p99 is {beside:?}, more than {most:?}"));
        }
    }
    if is_timed && !missed.is_empty() {
        return Err(io::Error::other(format!("{}: {}", subject.name(), missed.join("; "))));
    }
    Ok(())
}

fn rate() -> u128 {
    PINGERS as u128 * 1000 / PERIOD.as_millis()
}

/// The least of the 99th percentiles.
fn least(rounds: &[Times]) -> Duration {
    rounds.iter().map(Times::p99).min().unwrap_or_default()
}

/// Sends without end, and takes what comes back.
#[derive(Debug)]
struct Flooder {
    stream: TcpStream,
    block: Vec<u8>,
    /// How far it is into the block.
    at: usize,
    buffer: Vec<u8>,
    returned: usize,
}

impl Flooder {
    fn connect(server: SocketAddr, len: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nonblocking(true)?;
        let block = (1..=BLOCK).map(|n| if n % len == 0 { b'\n' } else { b'x' }).collect();
        Ok(Self { stream, block, at: 0, buffer: vec![0; BLOCK], returned: 0 })
    }
}

impl Beside for Flooder {
    /// One call of each kind, so that the pingers on this thread do not wait for more.
    fn go_on(&mut self) -> io::Result<()> {
        if let Some(n) = unless_full(self.stream.write(&self.block[self.at..]))? {
            self.at = (self.at + n) % BLOCK;
        }
        if let Some(n) = unless_full(self.stream.read(&mut self.buffer))? {
            if n == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let end = self.returned % BLOCK + n;
            let (first, rest) = self.buffer[..n].split_at(n - end.saturating_sub(BLOCK));
            let begin = self.returned % BLOCK;
            if self.block[begin..begin + first.len()] != *first || self.block[..rest.len()] != *rest
            {
                return Err(io::Error::other("what came back to the flooder is not what it sent"));
            }
            self.returned += n;
        }
        Ok(())
    }

    const IS_BUSY: bool = true;
}

fn unless_full(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
