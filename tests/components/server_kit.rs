//! A server that tells all it is told, in both of its forms.
//!
//! [`lines`] tells everything into a [`Story`]; tests put what they are about in the place of the callbacks.
//! A [`House`] is such a server at work in a kernel of its own.

use std::cell::RefCell;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use components::{Client, TcpServer};
use reactor::{Context, Event, Kernel, KernelBuilder, OnException, SessionId};
use testkit::net;
use wheels::filter::Line;
use wheels::{Address, Failure, Listening};

/// The two ways to keep connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// All in the session of the server.
    Shared,
    /// Each in a session of its own.
    Own,
}

pub(crate) const FORMS: [Form; 2] = [Form::Shared, Form::Own];

pub(crate) type Server<C = ()> = TcpServer<Story, Line, C>;
pub(crate) type Guest<'a, C = ()> = Client<'a, Line, C>;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// For events from outside that the servers of these tests know.
pub(crate) const WORD: Event<&'static str> = Event::new("word");

/// What was told, in order. A clone is the same story.
#[derive(Clone, Default, Debug)]
pub(crate) struct Story {
    told: Rc<RefCell<Vec<String>>>,
    addresses: Rc<RefCell<Vec<Address>>>,
}

impl Story {
    pub(crate) fn tell(&self, what: impl Into<String>) {
        self.told.borrow_mut().push(what.into());
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told.borrow().clone()
    }

    /// What was told since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        self.told.take()
    }

    /// How often it was told.
    pub(crate) fn count(&self, what: &str) -> usize {
        self.told.borrow().iter().filter(|told| *told == what).count()
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.count(what) > 0
    }

    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.addresses.borrow().clone()
    }
}

/// A server that tells everything, and says each line again.
pub(crate) fn lines() -> Server {
    telling(TcpServer::new(Line::new).listen("127.0.0.1:0"))
}

/// Has a server tell everything, and say each line again.
pub(crate) fn telling<C: 'static>(server: Server<C>) -> Server<C> {
    server
        .started(|story: &mut Story, _: &mut Context<'_>| story.tell("started"))
        .listening(|story: &mut Story, _: &mut Context<'_>, up: Listening| {
            story.tell("listening");
            story.addresses.borrow_mut().push(up.local_addr);
        })
        .error(|story: &mut Story, _: &mut Context<'_>, failure: Failure| {
            story.tell(format!("server: {failure}"));
        })
        .stopped(|story: &mut Story, _: &mut Context<'_>| story.tell("stopped"))
        .refused(|story: &mut Story, _, refused| {
            story.tell(format!("refused {:?}", refused.reason))
        })
        .client_connected(|story: &mut Story, _: &mut Guest<'_, C>| story.tell("connected"))
        .client_input(|story: &mut Story, client: &mut Guest<'_, C>, line| {
            story.tell(String::from_utf8_lossy(&line));
            client.put(line);
        })
        .client_flushed(|story: &mut Story, _: &mut Guest<'_, C>| story.tell("flushed"))
        .client_error(|story: &mut Story, _: &mut Guest<'_, C>, failure: Failure| {
            story.tell(failure.to_string());
        })
        .client_disconnected(|story: &mut Story, _: &mut Guest<'_, C>| story.tell("disconnected"))
        .client_draining(|story: &mut Story, _: &mut Guest<'_, C>| story.tell("draining"))
}

/// A kernel with such a server.
pub(crate) struct House {
    pub(crate) kernel: Kernel,
    pub(crate) server: SessionId,
    pub(crate) story: Story,
}

impl House {
    /// Starts a server and runs until it listens.
    pub(crate) fn open<C: 'static>(form: Form, server: Server<C>) -> Self {
        Self::open_in(form, Kernel::builder(), server)
    }

    /// In a kernel where one that fails leaves the others alone.
    pub(crate) fn open_isolated<C: 'static>(form: Form, server: Server<C>) -> Self {
        Self::open_in(form, Kernel::builder().on_exception(OnException::Isolate), server)
    }

    pub(crate) fn open_in<C: 'static>(
        form: Form,
        kernel: KernelBuilder,
        server: Server<C>,
    ) -> Self {
        let mut house = Self::start_in(form, kernel, server);
        house.run_until("it listens", |story| story.has("listening"));
        house.story.take();
        house
    }

    /// Starts a server and does not run yet.
    pub(crate) fn start_in<C: 'static>(
        form: Form,
        kernel: KernelBuilder,
        server: Server<C>,
    ) -> Self {
        let server = match form {
            Form::Shared => server,
            Form::Own => server.session_per_client(),
        };
        let (mut kernel, story) = (kernel.build().expect("a kernel"), Story::default());
        let server = server.spawn(&mut kernel, story.clone());
        Self { kernel, server, story }
    }

    /// Where it listens first.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.story.addresses()[0].as_ip().expect("an IP address")
    }

    /// Connects, and runs until the server knows.
    pub(crate) fn connect(&mut self) -> TcpStream {
        let before = self.story.count("connected");
        let stream = net::connect(self.addr());
        self.run_until("a connection", |story| story.count("connected") > before);
        stream
    }

    pub(crate) fn post<T: 'static>(&mut self, event: &Event<T>, payload: T) {
        self.kernel.post(self.server, event, payload).expect("the server is there");
    }

    pub(crate) fn run_until(&mut self, what: &str, mut done: impl FnMut(&Story) -> bool) {
        let story = self.story.clone();
        net::run_until(&mut self.kernel, what, || done(&story));
    }

    pub(crate) fn run_until_told(&mut self, what: &str) {
        self.run_until(what, |story| story.has(what));
    }

    /// As [`run_until_told`](Self::run_until_told), without a wait that would move a virtual clock.
    pub(crate) fn run_until_zero(&mut self, what: &str) {
        let began = std::time::Instant::now();
        while !self.story.has(what) {
            assert!(began.elapsed() < net::PATIENCE, "waited in vain for {what}");
            self.turns(1);
        }
    }

    /// So many turns that do not wait.
    pub(crate) fn turns(&mut self, count: u32) {
        for _ in 0..count {
            self.kernel.run_one_turn(Duration::ZERO).expect("a turn");
        }
    }

    /// Runs until nothing is left; gives all that was told since it listened.
    pub(crate) fn end(mut self) -> Vec<String> {
        net::run_to_end(&mut self.kernel);
        assert_eq!(self.kernel.event_count(), 0, "timers without a session");
        self.story.told()
    }
}

/// The story without what the system may tell now or later.
pub(crate) fn without(told: Vec<String>, what: &str) -> Vec<String> {
    told.into_iter().filter(|told| told != what).collect()
}
