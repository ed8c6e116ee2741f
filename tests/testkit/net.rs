//! Peers: plain blocking sockets, on threads of their own where they would hold up the loop.
//!
//! Everything is on loopback, with ports that the system chose. Nothing waits for ever: a call that takes
//! longer than [`PATIENCE`] panics or fails, so that a bug is a failed test and not one that hangs.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reactor::Kernel;
use socket2::{Domain, SockRef, Socket, Type};

/// How long a test waits for what it expects, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The receive buffer of a peer that is to take little. All that we have in a small send buffer fits.
///
/// The smallest there is has room for one packet. If the first is a few bytes short, because there is an option
/// more in its header, the peer offers no more room than for one as short, the sender waits for room for a full
/// one, and a timer of the system's moves one packet in 200 ms, until all is sent.
const NARROW: usize = 16 * 1024;

/// Runs the kernel, a turn at a time, until `done`. Panics if it never is, saying `what` was awaited.
pub fn run_until(kernel: &mut Kernel, what: &str, mut done: impl FnMut() -> bool) {
    run_until_kernel(kernel, what, |_| done());
}

/// As [`run_until`], for what the kernel itself can tell.
pub fn run_until_kernel(
    kernel: &mut Kernel,
    what: &str,
    mut done: impl FnMut(&mut Kernel) -> bool,
) {
    let began = Instant::now();
    while !done(kernel) {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}: {kernel:?}");
        kernel.run_one_turn(Duration::from_millis(5)).expect("a turn");
    }
}

/// Runs the kernel until no session is left, and checks that nothing else is.
pub fn run_to_end(kernel: &mut Kernel) {
    run_until_kernel(kernel, "the last session's end", |kernel| kernel.session_count() == 0);
    kernel.run().expect("nothing is left to do");
    assert_eq!(kernel.wheel_count(), 0, "wheels without a session");
}

/// A thread with a peer's part of the story.
#[derive(Debug)]
pub struct Peer<R> {
    thread: JoinHandle<R>,
}

impl<R: Send + 'static> Peer<R> {
    pub fn play(part: impl FnOnce() -> R + Send + 'static) -> Self {
        Self { thread: thread::spawn(part) }
    }

    pub fn is_done(&self) -> bool {
        self.thread.is_finished()
    }

    /// What the peer came to know. Its panic is the test's.
    pub fn join(self) -> R {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs the kernel until the peer has played its part.
    pub fn run(self, kernel: &mut Kernel) -> R {
        run_until(kernel, "a peer", || self.is_done());
        self.join()
    }
}

/// Connects. The loop need not run: the system makes the connection.
pub fn connect(to: SocketAddr) -> TcpStream {
    patient(TcpStream::connect_timeout(&to, PATIENCE).expect("connect"))
}

pub fn connect_all(to: SocketAddr, count: usize) -> Vec<TcpStream> {
    (0..count).map(|_| connect(to)).collect()
}

/// Connects with a small receive buffer, for a peer that reads little or nothing.
pub fn connect_narrow(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("socket");
    socket.set_recv_buffer_size(NARROW).expect("SO_RCVBUF");
    socket.connect_timeout(&to.into(), PATIENCE).expect("connect");
    patient(socket.into())
}

/// Accepts one connection.
pub fn accept(listener: &TcpListener) -> TcpStream {
    patient(listener.accept().expect("accept").0)
}

/// A listener that nobody else knows of.
pub fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let addr = listener.local_addr().expect("local address");
    (listener, addr)
}

/// Writes byte by byte, each in a packet of its own as far as the system lets it.
pub fn dribble(stream: &mut TcpStream, bytes: &[u8]) {
    stream.set_nodelay(true).expect("TCP_NODELAY");
    for byte in bytes {
        stream.write_all(std::slice::from_ref(byte)).expect("write");
    }
}

/// Breaks the connection: the other end sees `ECONNRESET`.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    drop(stream);
}

/// How a stream came to its end, and what came before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    Closed(Vec<u8>),
    Reset(Vec<u8>),
}

/// Reads to the end.
pub fn read_to_end(stream: &mut TcpStream) -> Ending {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => Ending::Closed(bytes),
        Err(error) if is_reset(&error) => Ending::Reset(bytes),
        Err(error) => panic!("read after {} bytes: {error}", bytes.len()),
    }
}

/// Reads exactly so much.
pub fn read_exact(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).expect("read");
    bytes
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    stream.set_write_timeout(Some(PATIENCE)).expect("SO_SNDTIMEO");
    stream
}

/// A port that refuses: taken, so that nobody else gets it, and not listened on.
#[derive(Debug)]
pub struct Refusing {
    pub addr: SocketAddr,
    _socket: Socket,
}

impl Refusing {
    pub fn new() -> Self {
        let (socket, addr) = bound();
        Self { addr, _socket: socket }
    }
}

impl Default for Refusing {
    fn default() -> Self {
        Self::new()
    }
}

/// A port that nobody else gets: for who binds with `SO_REUSEADDR`, as this does.
#[derive(Debug)]
pub struct Reserved {
    pub addr: SocketAddr,
    _socket: Socket,
}

impl Reserved {
    pub fn new(ip: impl Into<IpAddr>) -> Self {
        let any_port = SocketAddr::new(ip.into(), 0);
        let socket = Socket::new(Domain::for_address(any_port), Type::STREAM, None);
        let socket = socket.expect("socket");
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        let addr = bind(&socket, any_port);
        Self { addr, _socket: socket }
    }
}

/// A listener whose queue is full: who connects to it stays on the way.
#[derive(Debug)]
pub struct Silent {
    pub addr: SocketAddr,
    listener: Socket,
    _waiting: TcpStream,
}

impl Silent {
    pub fn new() -> Self {
        let (socket, addr) = bound();
        // A queue of zero has room for one.
        socket.listen(0).expect("listen");
        Self { addr, listener: socket, _waiting: connect(addr) }
    }

    /// Lets in who waits, and so the next who tries. What was accepted is to be kept open.
    pub fn admit(&self) -> Socket {
        self.listener.accept().expect("somebody waits").0
    }
}

impl Default for Silent {
    fn default() -> Self {
        Self::new()
    }
}

/// A socket that does not listen yet.
pub fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
    let addr = bind(&socket, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    (socket, addr)
}

fn bind(socket: &Socket, addr: SocketAddr) -> SocketAddr {
    socket.bind(&addr.into()).expect("bind");
    socket.local_addr().expect("local address").as_socket().expect("an IP address")
}
