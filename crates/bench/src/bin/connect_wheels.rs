//! Connects with `SocketFactory`: a factory for each connection, dropped with the socket it made.

#![forbid(unsafe_code)]

use std::io;

use bench::connect_load::Errand;
use reactor::{Context, Event, Kernel, States, WheelMap};
use wheels::{Established, Failure, SocketFactory};

const MADE: Event<Established> = Event::new("made");
const FAILED: Event<Failure> = Event::new("failed");

struct Client {
    errand: Errand,
    begun: u64,
    factories: WheelMap<SocketFactory>,
}

impl Client {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) {
        for _ in 0..self.errand.at_once {
            self.begin(cx);
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        if self.begun < self.errand.connections {
            self.begun += 1;
            let factory = SocketFactory::connect(self.errand.address).build(cx, &MADE, &FAILED);
            self.factories.insert(factory.id(), factory);
        }
    }

    fn made(&mut self, cx: &mut Context<'_>, made: Established) {
        self.factories.remove(&made.wheel);
        drop(made.socket);
        self.begin(cx);
    }

    fn failed(&mut self, _: &mut Context<'_>, failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }
}

fn main() -> io::Result<()> {
    Errand::perform(|errand| {
        let client = States::new()
            .on("_start", Client::start)
            .on(&MADE, Client::made)
            .try_on(&FAILED, Client::failed);
        let mut kernel = Kernel::new()?;
        kernel.spawn(&client, Client { errand, begun: 0, factories: WheelMap::default() });
        kernel.run()
    })
}
