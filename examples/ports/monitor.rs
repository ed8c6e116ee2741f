//! A monitor of heartbeats: `watch NAME MS` expects one every so often, `beat NAME` is one, `beat NAME MS`
//! puts the next one off, `forget NAME` and `list` are what they say. Who is late is told to who watches,
//! three times. Its twin in Perl is `monitor.pl`.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use reactor::{Context, Kernel, States, TimerId, WheelId, WheelMap};
use wheels::filter::Line;
use wheels::{Established, Failure, Input, ReadWrite, SocketFactory};

struct Monitor {
    port: u16,
    listener: Option<SocketFactory>,
    clients: WheelMap<ReadWrite<Line>>,
    hearts: BTreeMap<String, Heart>,
}

struct Heart {
    timer: TimerId,
    period: Duration,
    missed: u32,
    client: WheelId,
}

fn main() -> ExitCode {
    examples::main("port_monitor [PORT]", examples::port, |port| {
        let monitor = States::new()
            .try_on("_start", Monitor::start)
            .on("got_client", Monitor::got_client)
            .on("got_listen_error", Monitor::got_listen_error)
            .on("got_line", Monitor::got_line)
            .on("late", Monitor::late)
            .on("got_client_error", Monitor::got_client_error)
            .on("got_signal", examples::got_signal);
        let (clients, hearts) = (WheelMap::default(), BTreeMap::new());
        let mut kernel = Kernel::new()?;
        kernel.spawn(&monitor, Monitor { port, listener: None, clients, hearts });
        kernel.run()
    })
}

impl Monitor {
    fn start(&mut self, cx: &mut Context<'_>, (): ()) -> Result<(), Box<dyn Error>> {
        examples::end_on_signals(cx)?;
        let listener = SocketFactory::listen(("127.0.0.1", self.port));
        let listener = listener.build(cx, "got_client", "got_listen_error");
        listener.local_addr(cx).map_or(Ok(()), examples::say_listening)?;
        self.listener = Some(listener);
        Ok(())
    }

    fn got_client(&mut self, cx: &mut Context<'_>, client: Established) {
        let wheel = ReadWrite::builder(client.socket).filter(Line::new());
        let wheel = wheel.build(cx, "got_line", "got_client_error");
        self.clients.insert(wheel.id(), wheel);
    }

    fn got_listen_error(&mut self, _: &mut Context<'_>, failure: Failure) {
        eprintln!("{failure}");
        self.listener = None;
    }

    fn got_line(&mut self, cx: &mut Context<'_>, line: Input<Bytes>) {
        let text = String::from_utf8_lossy(&line.item);
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (verb, name, wait) = (word(), word(), millis(&word()));
        let mut answer = "ok".to_owned();
        match (verb.as_str(), wait, self.hearts.get_mut(&name)) {
            ("watch", Some(period), None) => {
                let timer = cx.delay_set("late", period, name.clone());
                let client = line.wheel;
                self.hearts.insert(name, Heart { timer, period, missed: 0, client });
            }
            ("beat", wait, Some(heart)) => {
                if heart.missed > 0 {
                    "welcome back".clone_into(&mut answer);
                }
                heart.missed = 0;
                cx.delay_adjust(heart.timer, wait.unwrap_or(heart.period)).ok();
            }
            ("forget", _, Some(heart)) => {
                cx.alarm_remove(heart.timer).ok();
                self.hearts.remove(&name);
            }
            ("list", ..) => {
                let missed =
                    |(name, heart): (&String, &Heart)| format!("{name} missed {}", heart.missed);
                answer = self.hearts.iter().map(missed).collect::<Vec<_>>().join(", ");
                if answer.is_empty() {
                    "nobody".clone_into(&mut answer);
                }
            }
            _ => "no".clone_into(&mut answer),
        }
        if let Some(client) = self.clients.get(&line.wheel) {
            client.put(cx, answer);
        }
    }

    fn late(&mut self, cx: &mut Context<'_>, name: String) {
        let Some(heart) = self.hearts.get_mut(&name) else { return };
        let Some(client) = self.clients.get(&heart.client) else { return };
        heart.missed += 1;
        client.put(cx, format!("{name} is late ({})", heart.missed));
        if heart.missed < 3 {
            heart.timer = cx.delay_set("late", heart.period, name);
        } else {
            client.put(cx, format!("{name} is lost"));
            self.hearts.remove(&name);
        }
    }

    fn got_client_error(&mut self, cx: &mut Context<'_>, failure: Failure) {
        self.clients.remove(&failure.wheel);
        self.hearts.retain(|_, heart| {
            let stays = heart.client != failure.wheel;
            if !stays {
                cx.alarm_remove(heart.timer).ok();
            }
            stays
        });
    }
}

fn millis(word: &str) -> Option<Duration> {
    let digits = (1..=6).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().map(Duration::from_millis).ok())?
}
