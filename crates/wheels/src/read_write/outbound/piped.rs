//! What goes out, and came past this process.

use std::io;

use reactor::Io;

use super::{Flow, Outbound, Progress};
use crate::read_write::bypass::Conduit;
use crate::read_write::ends::Ends;

impl Outbound {
    /// Takes so many bytes that are in the pipe: gives them to the system if nothing is before them, and
    /// keeps what is left. Says whether the system took anything.
    pub(in crate::read_write) fn splice(
        &mut self,
        conduit: &Conduit,
        count: usize,
        ends: &Ends,
        io: &mut Io<'_>,
    ) -> io::Result<Progress> {
        let socket = ends.output().filter(|_| self.output.is_empty() && self.flow == Flow::Free);
        let given = socket.map_or(Ok(0), |socket| conduit.give(socket, count));
        let mut left = count - given.as_ref().copied().unwrap_or(0);
        while left > 0 {
            let shared = io.shared_buffer();
            let read = conduit.read(shared.room())?;
            shared.fill(read);
            self.output.put_slice(io.shared_buffer().filled());
            io.shared_buffer().clear();
            left -= read;
        }
        match given {
            Ok(0) => Ok(Progress::None),
            Ok(_) => Ok(Progress::Some),
            // The next write says the same, and then it is known when to try again.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Progress::None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Progress::None),
            Err(error) => Err(error),
        }
    }
}
