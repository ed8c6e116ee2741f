//! A wheel that reads from one end of a socket pair, some bytes at a time.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;

use reactor::{Bound, Context, Handle, Io, Readiness, Symbol, Wheel};

/// Sends what it reads, and an empty vector when the other end is closed.
pub struct Reader {
    stream: UnixStream,
    event: Symbol,
    /// Bytes to a read.
    share: usize,
    readable: bool,
}

/// Two connected streams that never block.
pub fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    ours.set_nonblocking(true).expect("non-blocking");
    theirs.set_nonblocking(true).expect("non-blocking");
    (ours, theirs)
}

impl Reader {
    /// Watches `stream`; what comes goes to this session as `event`.
    pub fn start(
        cx: &mut Context<'_>,
        stream: UnixStream,
        event: &'static str,
        share: usize,
    ) -> Handle<Self> {
        let event = cx.symbol(event);
        cx.add_wheel(|io| {
            io.watch(&stream).expect("a stream can be watched");
            Self { stream, event, share, readable: false }
        })
    }

    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }
}

impl Wheel for Reader {
    type Event = (Bound<Vec<u8>>, Vec<u8>);

    fn ready(&mut self, readiness: Readiness) {
        self.readable |=
            readiness.contains(Readiness::READABLE) || readiness.contains(Readiness::READ_CLOSED);
    }

    fn next(&mut self, io: &mut Io<'_>) -> Option<Self::Event> {
        if !self.readable {
            return None;
        }
        let mut bytes = vec![0; self.share];
        match (&self.stream).read(&mut bytes) {
            Ok(read) => {
                if read == 0 {
                    self.readable = false;
                    io.release_session();
                }
                bytes.truncate(read);
                Some((Bound::new(io.session(), self.event), bytes))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                None
            }
            Err(error) => panic!("read: {error}"),
        }
    }
}
