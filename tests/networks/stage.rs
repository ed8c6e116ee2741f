//! A session that connects, on a clock that nothing but the test moves.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use reactor::{Clock, Context, States};
use testkit::rig::{Host, Rig};
use testkit::{leak, net, private};
use wheels::{Address, SocketFactory, SocketFactoryBuilder};

/// How long an attempt has a lead over the next (RFC 8305, section 5).
pub(crate) const STAGGER: Duration = Duration::from_millis(250);

/// Virtual time jumps to the next alarm when nothing is ready, and what comes over a network may be
/// ready a moment later. So another session has always something to do: time stands still.
pub(crate) struct Stage {
    pub(crate) rig: Rig,
    clock: Clock,
    is_busy: Rc<Cell<bool>>,
    began: std::time::Instant,
    sockets_before: usize,
}

impl Stage {
    /// Begins to connect to a name that has these addresses, and runs until the first attempt is on its
    /// way. The session stays.
    pub(crate) fn connecting(ips: &[IpAddr], port: u16) -> Self {
        Self::connecting_with(ips, port, |builder| builder)
    }

    pub(crate) fn connecting_with(
        ips: &[IpAddr],
        port: u16,
        with: impl FnOnce(SocketFactoryBuilder) -> SocketFactoryBuilder,
    ) -> Self {
        let builder = with(to(ips, port));
        let mut stage = Self::begin(move |host, cx| {
            Host::stay(cx);
            host.build(cx, builder);
        });
        stage.await_attempt();
        stage
    }

    pub(crate) fn begin(begin: impl FnOnce(&mut Host, &mut Context<'_>) + 'static) -> Self {
        let sockets_before = sockets();
        let clock = Clock::virtual_time();
        let mut rig = Rig::start_on(clock.clone(), begin);
        let is_busy = Rc::new(Cell::new(true));
        let busy = Rc::clone(&is_busy);
        let states = States::new()
            .on_start(|_: &mut (), cx: &mut Context<'_>, ()| cx.yield_("again", ()))
            .on("again", move |_: &mut (), cx: &mut Context<'_>, ()| {
                if busy.get() {
                    cx.yield_("again", ());
                }
            });
        rig.kernel.spawn(&states, ());
        Self { rig, began: clock.now(), clock, is_busy, sockets_before }
    }

    /// Runs until names are known and something was begun or heard.
    pub(crate) fn await_attempt(&mut self) {
        let began = std::time::Instant::now();
        while self.rig.heard().is_empty() && self.near().is_none() {
            assert!(began.elapsed() < net::PATIENCE, "waited in vain for the first attempt");
            self.rig.turn();
        }
    }

    fn near(&mut self) -> Option<Address> {
        self.rig.act(|host, cx| host.factories.first().and_then(|factory| factory.local_addr(cx)))
    }

    /// Lets time go by, and a few turns.
    pub(crate) fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        for _ in 0..5 {
            self.rig.turn();
        }
    }

    /// How much time has gone by.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.now() - self.began
    }

    /// How many sockets the session and its factories have.
    pub(crate) fn sockets(&self) -> usize {
        sockets() - self.sockets_before
    }

    /// Lets time run again, and all of it to its end.
    pub(crate) fn run_to_end(&mut self) {
        self.is_busy.set(false);
        self.rig.run_to_end();
        assert_eq!(self.rig.kernel.next_timeout(), None, "{:?}", self.rig.kernel);
        assert_eq!(self.sockets(), 0);
    }
}

/// To a name that has these addresses. It is in a file, so nobody is asked.
pub(crate) fn to(ips: &[IpAddr], port: u16) -> SocketFactoryBuilder {
    let lines = ips.iter().map(|ip| format!("{ip} many.test\n"));
    private::names(&lines.collect::<String>());
    SocketFactory::builder().remote_address("many.test").remote_port(port)
}

fn sockets() -> usize {
    leak::descriptors().values().filter(|target| target.starts_with("socket:")).count()
}
