//! A thousand connections that say nothing: nobody wakes for them.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use components::{Client, SHUTDOWN, TcpServer};
use reactor::{Event, Kernel, SessionId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::net;
use wheels::filter::Line;

const CONNECTIONS: usize = 1000;

/// Long enough that something that happens again and again would be seen; nothing depends on how long it is.
const WAIT: Duration = Duration::from_millis(500);

const WAKE: Event<()> = Event::new("wake");

/// A server without limits of time, so that no timer is due ever.
struct House {
    kernel: Kernel,
    server: SessionId,
    wakes: Rc<Cell<u32>>,
    addr: SocketAddr,
}

impl House {
    fn open(own: bool) -> Self {
        let (addr, wakes) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(0)));
        let (told, woken) = (Rc::clone(&addr), Rc::clone(&wakes));
        let server = TcpServer::new(|| Line::literal(b"\n"))
            .listen("127.0.0.1:0")
            .listening(move |_: &mut (), _, up| told.set(up.local_addr.as_ip()))
            .client_input(|_, client: &mut Client<'_, Line>, line: Bytes| drop(client.put(line)))
            .on(&WAKE, move |_, _, ()| woken.set(woken.get() + 1))
            .idle_timeout(None)
            .frame_timeout(None)
            .stall_timeout(None)
            .lifetime(None);
        let server = if own { server.session_per_client() } else { server };
        let mut kernel = Kernel::new().expect("a kernel");
        let server = server.spawn(&mut kernel, ());
        net::run_until(&mut kernel, "it listens", || addr.get().is_some());
        let addr = addr.get().expect("it listens");
        Self { kernel, server, wakes, addr }
    }

    /// Each has said a line and has its answer.
    fn crowd(&mut self) -> Vec<TcpStream> {
        let mut clients = net::connect_all(self.addr, CONNECTIONS);
        clients.iter_mut().for_each(|client| client.write_all(b"hello\n").expect("write"));
        for client in &mut clients {
            client.set_nonblocking(true).expect("non-blocking");
            let (mut answer, mut len) = ([0; 6], 0);
            net::run_until(&mut self.kernel, "an answer", || {
                len += client.read(&mut answer[len..]).unwrap_or(0);
                len == answer.len()
            });
            assert_eq!(&answer, b"hello\n");
        }
        clients
    }

    /// Runs until another thread, after so long, posts an event; says what the loop has done in all: turns,
    /// waits for readiness, notices of it.
    fn run_until_woken(&mut self, wait: Duration) -> (u64, u64, u64) {
        let remote = self.kernel.remote().expect("a remote");
        let (server, wakes, before) = (self.server, self.wakes.get(), self.kernel.stats());
        let thread = thread::spawn(move || {
            thread::sleep(wait);
            remote.post(server, &WAKE, ()).expect("the server is there");
        });
        if wait.is_zero() {
            thread.join().expect("it posts");
            self.run_while_at(wakes);
        } else {
            self.run_while_at(wakes);
            thread.join().expect("it has posted");
        }
        let after = self.kernel.stats();
        (after.turns - before.turns, after.polls - before.polls, after.notices - before.notices)
    }

    fn run_while_at(&mut self, wakes: u32) {
        let woken = Rc::clone(&self.wakes);
        self.kernel.run_while(|_| woken.get() == wakes).expect("it runs");
    }
}

/// What the loop does until somebody posts does not depend on how long that takes.
pub(crate) fn a_thousand_idle_connections_wake_nobody() {
    let before = getrlimit(Resource::Nofile);
    let enough = before.maximum.map_or(8192, |maximum| maximum.min(8192));
    setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..before }).expect("setrlimit");
    for own in [false, true] {
        let mut house = House::open(own);
        let clients = house.crowd();
        // Whatever it still had to do is done with the first.
        let _first = house.run_until_woken(Duration::ZERO);
        let at_once = house.run_until_woken(Duration::ZERO);
        let later = house.run_until_woken(WAIT);
        assert_eq!(later, at_once, "turns, waits and notices, own sessions: {own}");
        assert_eq!(at_once.2, 1, "the one notice is that of the other thread's event");

        house.kernel.post(house.server, &SHUTDOWN, ()).expect("it is there");
        drop(clients);
        net::run_to_end(&mut house.kernel);
    }
    setrlimit(Resource::Nofile, before).expect("setrlimit");
}
