//! Every way in which a connection ends: it is told as disconnected, once, and nothing after that.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use components::{DRAIN, SHUTDOWN, TcpServer};
use reactor::{Context, Event, Signal};
use testkit::net::{self, Ending, Peer};
use testkit::unix;
use wheels::filter::{Line, Stream};
use wheels::{Failure, Put};

use crate::server_kit::{FORMS, Form, Guest, House, SECOND, Server, Story, WORD, lines, without};

type Way = (&'static str, fn(Server) -> Server);

/// What a server may do to a connection whose client says a line, and ends when the server does.
const WAYS: &[Way] = &[
    ("shutdown in connected", |server| {
        server.client_connected(|story, client| {
            story.tell("connected");
            client.shutdown();
        })
    }),
    ("shutdown in connected, with something to send", |server| {
        server.client_connected(|story, client| {
            story.tell("connected");
            client.put("welcome");
            client.shutdown();
            assert_eq!(client.put("late"), Put::Refused("late".into()));
            assert!(!client.is_open());
        })
    }),
    ("shutdown in input", |server| {
        server.client_input(|_, client, line| {
            client.put(line);
            client.shutdown();
        })
    }),
    ("shutdown in flushed", |server| {
        server.client_flushed(|story, client| {
            story.tell("flushed");
            client.shutdown();
        })
    }),
    ("shutdown in an event", |server| server.client_input(|_, client, _| client.yield_(&END, ()))),
    ("shutdown twice", |server| {
        server.client_input(|_, client, line| {
            client.put(line);
            client.shutdown();
            client.shutdown();
        })
    }),
    ("shutdown once more in disconnected", |server| {
        server.client_input(|_, client, _| client.shutdown()).client_disconnected(
            |story, client| {
                story.tell("disconnected");
                client.shutdown();
                client.abort();
                assert_eq!(client.put("late"), Put::Refused("late".into()));
            },
        )
    }),
    ("shutdown and abort", |server| {
        server.client_input(|_, client, line| {
            client.put(line);
            client.shutdown();
            client.abort();
        })
    }),
    ("abort and shutdown", |server| {
        server.client_input(|_, client, _| {
            client.abort();
            client.shutdown();
            client.abort();
        })
    }),
    ("abort in connected", |server| {
        server.client_connected(|story, client| {
            story.tell("connected");
            client.abort();
        })
    }),
    ("abort in flushed", |server| server.client_flushed(|_, client| client.abort())),
    ("abort in an event", |server| server.client_input(|_, client, _| client.yield_(&CUT, ()))),
    ("abort while it sends", |server| {
        server.client_input(|_, client, line| {
            client.put(line);
            client.shutdown();
            client.yield_(&CUT, ());
        })
    }),
];

const END: Event<()> = Event::new("end");
const CUT: Event<()> = Event::new("cut");

#[test]
fn however_the_server_ends_it_it_is_disconnected_once() {
    for form in FORMS {
        for (way, change) in WAYS {
            let server = change(lines())
                .on_client(&END, |_, client, ()| client.shutdown())
                .on_client(&CUT, |_, client, ()| client.abort());
            let mut house = House::open(form, server);
            let addr = house.addr();
            let peer = Peer::play(move || {
                // It may be broken before it is made, and closed before anything is said.
                let Ok(mut stream) = TcpStream::connect(addr) else { return };
                let _written = stream.write_all(b"hello\n");
                net::read_to_end(&mut stream);
            });
            house.run_until_told("disconnected");
            peer.run(&mut house.kernel);
            house.post(&SHUTDOWN, ());
            let told = house.end();
            let count = |what: &str| told.iter().filter(|told| *told == what).count();
            let tail = &told[told.len() - 2..];
            assert_eq!(tail, ["disconnected", "stopped"], "{form:?}, {way}: {told:?}");
            assert_eq!(told[0], "connected", "{form:?}, {way}");
            assert_eq!(count("disconnected"), 1, "{form:?}, {way}: {told:?}");
        }
    }
}

#[test]
fn when_the_client_ends_or_breaks_it_it_is_disconnected_once() {
    for form in FORMS {
        let mut house = House::open(form, lines());
        let mut stream = house.connect();
        stream.write_all(b"hello\n").expect("write");
        house.run_until_told("flushed");
        stream.shutdown(Shutdown::Write).expect("shutdown");
        house.run_until_told("disconnected");
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(b"hello\r\n".into()));
        let end = ["connected", "hello", "flushed", "read: end of stream", "disconnected"];
        assert_eq!(house.story.take(), end, "{form:?}");

        net::reset(house.connect());
        house.run_until_told("disconnected");
        let told = house.story.take();
        assert_eq!(told.len(), 3, "{form:?}: {told:?}");
        assert!(told[1].starts_with("read: "), "{told:?}");
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end(), ["stopped"], "{form:?}");
    }
}

#[test]
fn an_error_callback_may_shut_it_down_abort_it_or_leave_it_alone() {
    let ways: [fn(&mut Guest<'_>); 4] = [
        |client| client.shutdown(),
        |client| client.abort(),
        |client| {
            client.put("good-bye");
        },
        |_| (),
    ];
    for (form, way) in FORMS.into_iter().flat_map(|form| ways.map(|way| (form, way))) {
        for stays in [false, true] {
            let server = lines().client_error(move |story, client: &mut Guest<'_>, failure| {
                story.tell(failure.to_string());
                way(client);
                client.delay(&END, SECOND / 100, ());
            });
            let server = server.on_client(&END, |story, client, ()| {
                story.tell("still there");
                client.shutdown();
            });
            let server = if stays { server.stay_on_error() } else { server };
            let mut house = House::open(form, server);
            drop(house.connect());
            house.run_until_told("disconnected");
            house.post(&SHUTDOWN, ());
            let told = without(without(house.end(), "flushed"), "still there");
            let end = ["connected", "read: end of stream", "disconnected", "stopped"];
            // What was put may find that nobody is there.
            let told: Vec<_> = told.into_iter().filter(|t| !t.starts_with("write: ")).collect();
            assert_eq!(told, end, "{form:?}, stays {stays}");
        }
    }
}

#[test]
fn a_connection_that_stays_after_its_clients_end_can_still_send() {
    for form in FORMS {
        let server = lines().stay_on_error().client_error(|story, client, failure| {
            story.tell(failure.to_string());
            client.delay(&END, SECOND / 50, ());
        });
        let server = server.on_client(&END, |_, client, ()| {
            client.put("the answer");
            client.shutdown();
        });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.shutdown(Shutdown::Write).expect("shutdown");
        house.run_until_told("disconnected");
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(b"the answer\r\n".into()));
        house.post(&SHUTDOWN, ());
        let told = ["connected", "read: end of stream", "flushed", "disconnected", "stopped"];
        assert_eq!(house.end(), told, "{form:?}");
    }
}

#[test]
fn a_kill_and_a_stop_of_the_kernel_disconnect_each_once() {
    for form in FORMS {
        for by_signal in [true, false] {
            // One has something unsent, one is closing, one is idle.
            let server = lines().client_input(|story, client, line| {
                story.tell(String::from_utf8_lossy(&line));
                client.put(vec![b'x'; 8 << 20]);
                if &line[..] == b"close" {
                    client.shutdown();
                }
            });
            let mut house = House::open(form, server);
            let mut streams = [house.connect(), house.connect(), house.connect()];
            streams[0].write_all(b"send\n").expect("write");
            streams[1].write_all(b"close\n").expect("write");
            house.run_until("both", |story| story.has("send") && story.has("close"));
            if by_signal {
                house.kernel.signal(house.server, "KILL", ()).expect("it is there");
            } else {
                house.kernel.stop();
            }
            let told = house.end();
            let tail = &told[told.len() - 4..];
            let end = ["disconnected", "disconnected", "disconnected", "stopped"];
            assert_eq!(tail, end, "{form:?}, by signal {by_signal}");
            assert_eq!(told.len(), 9, "{told:?}");
        }
    }
}

#[test]
fn one_connection_ends_another_of_the_same_session() {
    type End = fn(&mut Guest<'_>);
    let ends: [(End, Ending); 2] = [
        (|client| client.shutdown(), Ending::Closed(Vec::new())),
        (|client| client.abort(), Ending::Reset(Vec::new())),
    ];
    for (end, seen) in ends {
        let server = lines().client_input(move |story, client: &mut Guest<'_>, line| {
            story.tell(String::from_utf8_lossy(&line));
            let me = client.id();
            let mut clients = client.clients();
            let other = clients.ids().into_iter().find(|id| *id != me).expect("two are there");
            end(&mut clients.get(other).expect("it is there"));
            assert_eq!(clients.len(), 2, "until the callback has returned");
        });
        let mut house = House::open(Form::Shared, server);
        let (mut one, mut other) = (house.connect(), house.connect());
        house.story.take();
        one.write_all(b"end\n").expect("write");
        house.run_until_told("disconnected");
        assert_eq!(net::read_to_end(&mut other), seen);
        assert_eq!(house.story.take(), ["end", "disconnected"]);
        drop((one, other));
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end(), ["read: end of stream", "disconnected", "stopped"]);
    }
}

#[test]
fn the_session_of_a_connection_is_shut_down_by_an_event() {
    let server = lines().client_connected(|story, client| {
        story.tell("connected");
        let me = client.cx().session();
        client.cx().alias_set("guest").expect("free");
        client.put(format!("{me}"));
    });
    let mut house = House::open(Form::Own, server);
    let mut stream = house.connect();
    house.run_until_told("flushed");
    house.kernel.post("guest", &SHUTDOWN, ()).expect("it is there");
    house.kernel.post("guest", &SHUTDOWN, ()).expect("it is there");
    house.run_until_told("disconnected");
    assert!(matches!(net::read_to_end(&mut stream), Ending::Closed(_)));
    house.post(&SHUTDOWN, ());
    drop(stream);
    house.kernel.alias_resolve("guest").expect("its session lives on by its alias");
    assert_eq!(house.end(), ["connected", "flushed", "disconnected", "stopped"]);
}

#[test]
fn nothing_that_came_is_told_after_the_shutdown() {
    for form in FORMS {
        let server = lines().client_input(|story, client, line| {
            story.tell(String::from_utf8_lossy(&line));
            client.shutdown();
        });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.write_all(b"one\ntwo\nthree\n").expect("write");
        house.run_until_told("disconnected");
        stream.write_all(b"four\n").expect("it is still read, and thrown away");
        house.turns(5);
        assert!(matches!(net::read_to_end(&mut stream), Ending::Closed(_)));
        drop(stream);
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end(), ["connected", "one", "disconnected", "stopped"], "{form:?}");
    }
}

const MIB: usize = 1 << 20;

/// A mebibyte of lines, no two the same.
fn many_lines() -> Vec<u8> {
    let lines = (0..MIB / 8).flat_map(|n| format!("{n:06}\r\n").into_bytes());
    lines.collect()
}

#[test]
fn p12_what_was_put_arrives_though_input_is_unread_and_the_peer_is_slow() {
    for form in FORMS {
        let server = TcpServer::new(|| Stream).listen("127.0.0.1:0");
        let story = Story::default();
        let place = story.clone();
        let server = server
            .listening(move |_: &mut Story, _: &mut Context<'_>, up| {
                place.tell(up.local_addr.as_ip().expect("an IP address").to_string());
            })
            .client_input(|story: &mut Story, client, _| {
                client.put(many_lines());
                client.shutdown();
                story.tell("shutdown");
            })
            .client_disconnected(|story: &mut Story, _| story.tell("disconnected"));
        let server = if form == Form::Own { server.session_per_client() } else { server };
        let mut kernel = reactor::Kernel::new().expect("a kernel");
        let session = server.spawn(&mut kernel, story.clone());
        net::run_until(&mut kernel, "it listens", || !story.told().is_empty());
        let addr = story.take()[0].parse().expect("an address");
        let peer = Peer::play(move || {
            let mut stream = net::connect_narrow(addr);
            stream.write_all(b"go").expect("write");
            let mut came = net::read_exact(&mut stream, 1000);
            // The server does not read this, and must not break the connection for it.
            stream.write_all(&[b'?'; 10_000]).expect("write");
            let mut piece = [0; 5000];
            loop {
                match stream.read(&mut piece).expect("no reset") {
                    0 => return came,
                    len => came.extend_from_slice(&piece[..len]),
                }
            }
        });
        let came = peer.run(&mut kernel);
        assert!(came == many_lines(), "{form:?}: {} bytes came", came.len());
        kernel.post(session, &SHUTDOWN, ()).expect("it is there");
        net::run_to_end(&mut kernel);
        assert_eq!(story.told(), ["shutdown", "disconnected"], "{form:?}");
    }
}

#[test]
fn p13_a_client_that_ends_its_half_first_gets_its_answer() {
    for form in FORMS {
        let mut house = House::open(form, lines().client_input(|_, client, line| client.put(line)));
        let addr = house.addr();
        let peer = Peer::play(move || {
            let stream = net::connect(addr);
            let mut writer = stream.try_clone().expect("a clone");
            let writer = Peer::play(move || {
                writer.write_all(&many_lines()).expect("write");
                writer.shutdown(Shutdown::Write).expect("shutdown");
            });
            let mut stream = stream;
            let ending = net::read_to_end(&mut stream);
            writer.join();
            ending
        });
        let ending = peer.run(&mut house.kernel);
        assert!(ending == Ending::Closed(many_lines()), "{form:?}");
        house.post(&SHUTDOWN, ());
        let told = without(house.end(), "flushed");
        assert_eq!(told, ["connected", "read: end of stream", "disconnected", "stopped"]);
    }
}

#[test]
fn p14_a_reader_that_never_reads_costs_so_much_and_no_more() {
    for form in FORMS {
        let server = lines().most_unsent(100_000).client_input(|story, client, _| {
            let mut most = 0;
            for _ in 0..1_000_000 {
                if matches!(client.put(vec![b'x'; 1000]), Put::Refused(_)) {
                    break;
                }
                most = most.max(client.unsent());
            }
            assert!(most < 110_000, "{most} bytes are kept");
            story.tell("full");
        });
        let mut house = House::open(form, server);
        let stream = net::connect_narrow(house.addr());
        let mut writer = &stream;
        writer.write_all(b"all of it\n").expect("write");
        house.run_until_told("disconnected");
        drop(stream);
        house.post(&SHUTDOWN, ());
        let told = house.end();
        assert_eq!(told.len(), 5, "{told:?}");
        assert_eq!((&*told[0], &*told[1]), ("connected", "full"));
        assert!(told[2].starts_with("output_limit: "), "{told:?}");
        assert_eq!(told[3..], ["disconnected", "stopped"], "{form:?}");
    }
}

#[test]
fn abort_loses_what_was_put_and_breaks_the_connection() {
    for form in FORMS {
        let server = lines().client_input(|story, client, _| {
            client.put(vec![b'x'; 8 * MIB]);
            client.put("the last word");
            client.abort();
            story.tell("abort");
        });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.write_all(b"go\nunread\n").expect("write");
        house.run_until_told("disconnected");
        let Ending::Reset(came) = net::read_to_end(&mut stream) else {
            panic!("{form:?}: no reset")
        };
        assert!(!came.ends_with(b"the last word\r\n"), "{} bytes came", came.len());
        house.post(&SHUTDOWN, ());
        assert_eq!(house.end(), ["connected", "abort", "disconnected", "stopped"], "{form:?}");
    }
}

#[test]
fn a_socket_may_be_replaced_before_it_is_a_connection() {
    for form in FORMS {
        let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let near = std::cell::Cell::new(Some(near));
        let server = lines().client_pre_connect(move |story: &mut Story, _, established| {
            story.tell(format!("pre-connect {}", established.peer.as_ip().is_some()));
            near.take().map(Into::into)
        });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        // The socket itself is closed, since nobody kept it.
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(Vec::new()));
        (&far).write_all(b"by another way\n").expect("write");
        house.run_until_told("flushed");
        far.shutdown(Shutdown::Write).expect("shutdown");
        house.run_until_told("disconnected");
        let mut came = String::new();
        (&far).read_to_string(&mut came).expect("read");
        assert_eq!(came, "by another way\r\n");

        // There is no other: the next is sent away.
        house.story.take();
        let mut stream = net::connect(house.addr());
        house.run_until("a refusal", |story| story.told().len() > 1);
        assert_eq!(net::read_to_end(&mut stream), Ending::Closed(Vec::new()));
        house.post(&SHUTDOWN, ());
        let told = house.end();
        assert_eq!(told, ["pre-connect true", "refused PreConnect", "stopped"], "{form:?}");
    }
}

#[test]
fn connections_live_on_when_the_server_is_shut_down() {
    for form in FORMS {
        let server = lines().alias("the server");
        let mut house = House::open(form, server);
        assert_eq!(house.kernel.alias_resolve("the server"), Some(house.server));
        let mut stream = house.connect();
        house.kernel.post("the server", &SHUTDOWN, ()).expect("it is there");
        house.turns(2);
        assert_eq!(house.kernel.alias_resolve("the server"), None);
        let refused = TcpStream::connect(house.addr()).expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        stream.write_all(b"still here?\n").expect("write");
        house.run_until_told("flushed");
        assert_eq!(net::read_exact(&mut stream, 13), b"still here?\r\n");
        house.post(&SHUTDOWN, ());
        drop(stream);
        let told = house.end();
        let end = ["flushed", "read: end of stream", "disconnected", "stopped"];
        assert_eq!(told[2..], end, "{form:?}");
    }
}

/// Has the server's session call failures handled.
fn forgiving(server: Server) -> Server {
    let server = server.started(|_, cx: &mut Context<'_>| {
        cx.sig("DIE", "died").expect("a name");
    });
    server.on(Event::<Signal>::new("died"), |story, clients, _| {
        story.tell("died");
        clients.cx().sig_handled();
    })
}

#[test]
fn a_callback_that_panics_is_its_connections_failure_or_the_servers() {
    let panics: &[Way] = &[
        ("connected", |server| {
            server.client_connected(|story, _| {
                story.tell("connected");
                panic!("in connected")
            })
        }),
        ("input", |server| server.client_input(|_, _, _| panic!("in input"))),
        ("flushed", |server| server.client_flushed(|_, _| panic!("in flushed"))),
        ("error", |server| server.client_error(|_, _, _: Failure| panic!("in error"))),
        ("disconnected", |server| {
            server.client_disconnected(|story, _| {
                story.tell("disconnected");
                panic!("in disconnected")
            })
        }),
    ];
    for form in FORMS {
        for (place, change) in panics {
            let mut house = House::open_isolated(form, change(lines().concurrency(1)));
            let stream = house.connect();
            say_hello(&mut house, &stream);
            house.run_until_told("disconnected");
            let count = |told: &[String], what| told.iter().filter(|told| *told == what).count();
            if form == Form::Own {
                // There is room for the next.
                house.story.take();
                let stream = house.connect();
                say_hello(&mut house, &stream);
                house.run_until_told("disconnected");
                house.post(&SHUTDOWN, ());
            }
            let told = house.end();
            assert_eq!(count(&told, "connected"), 1, "{form:?}, {place}: {told:?}");
            assert_eq!(count(&told, "disconnected"), 1, "{form:?}, {place}: {told:?}");
            assert_eq!(told.last().expect("some"), "stopped", "{form:?}, {place}");
        }
    }
}

#[test]
fn a_callback_whose_panic_is_handled_leaves_nothing_behind() {
    let panics: &[Way] = &[
        ("connected", |server| {
            server.client_connected(|story, client| {
                story.tell("connected");
                client.abort();
                panic!("in connected")
            })
        }),
        ("input", |server| {
            server.client_input(|_, client, line| {
                client.put(line);
                client.shutdown();
                panic!("in input")
            })
        }),
        ("input, nothing to send", |server| {
            server.client_input(|_, client, _| {
                client.shutdown();
                panic!("in input")
            })
        }),
        ("flushed", |server| {
            server.client_flushed(|_, client| {
                client.abort();
                panic!("in flushed")
            })
        }),
        ("error", |server| server.client_error(|_, _, _: Failure| panic!("in error"))),
        ("an event", |server| {
            let server = server.client_input(|_, client, _| client.yield_(&END, ()));
            server.on_client(&END, |_, client, ()| {
                client.shutdown();
                panic!("in an event")
            })
        }),
        ("disconnected", |server| {
            server.client_disconnected(|story, _| {
                story.tell("disconnected");
                panic!("in disconnected")
            })
        }),
    ];
    for form in FORMS {
        for (place, change) in panics {
            let server = forgiving(change(lines().concurrency(1)));
            let mut house = House::open(form, server);
            for _ in 0..2 {
                // There is room again.
                let stream = house.connect();
                say_hello(&mut house, &stream);
                house.run_until_told("disconnected");
                house.run_until_told("died");
                drop(stream);
                house.turns(5);
                let told = house.story.take();
                let count = |what| told.iter().filter(|told| **told == what).count();
                let counts = (count("connected"), count("disconnected"), count("died"));
                assert_eq!(counts, (1, 1, 1), "{form:?}, {place}: {told:?}");
            }
            house.post(&SHUTDOWN, ());
            assert_eq!(house.end(), ["stopped"], "{form:?}, {place}");
        }
    }
}

#[test]
fn a_disconnected_that_panics_as_the_server_stops_does_not_keep_it_from_the_others() {
    for form in FORMS {
        let server = lines().client_disconnected(|story, _| {
            story.tell("disconnected");
            panic!("in disconnected")
        });
        let mut house = House::open_isolated(form, server);
        let _streams = [house.connect(), house.connect(), house.connect()];
        house.story.take();
        house.kernel.signal(house.server, "KILL", ()).expect("it is there");
        let told = house.end();
        assert_eq!(told, ["disconnected", "disconnected", "disconnected", "stopped"], "{form:?}");
    }
}

#[test]
fn a_connection_whose_end_was_told_is_told_nothing_more_though_that_panicked() {
    for form in FORMS {
        let server = lines()
            .client_input(|_, client, _| {
                // It comes before what the panic leaves to be done.
                client.cx().yield_(&DRAIN, SECOND);
                client.abort();
            })
            .client_disconnected(|story, _| {
                story.tell("disconnected");
                panic!("in disconnected")
            });
        let mut house = House::open(form, forgiving(server));
        let mut stream = house.connect();
        stream.write_all(b"go\n").expect("write");
        house.run_until_told("died");
        house.turns(3);
        if form == Form::Own {
            house.post(&SHUTDOWN, ());
        }
        assert_eq!(house.end(), ["connected", "disconnected", "died", "stopped"], "{form:?}");
    }
}

#[test]
fn what_could_not_be_sent_is_told_though_the_connection_was_shut_down_at_once() {
    for form in FORMS {
        let server = lines()
            .client_input(|story, client, _| {
                client.pause_input();
                client.delay(&END, SECOND / 20, ());
                story.tell("paused");
            })
            .client_high(1000, |_, _| ())
            .client_error(|story, client, failure| {
                assert!(failure.unsent > 0 && !client.is_open());
                story.tell("lost");
            })
            .on_client(&END, |_, client, ()| {
                // The client has broken it meanwhile: this is tried at once.
                client.put(vec![b'x'; MIB]);
                client.put(vec![b'x'; MIB]);
                client.shutdown();
            });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.write_all(b"go\n").expect("write");
        house.run_until_told("paused");
        net::reset(stream);
        house.run_until_told("disconnected");
        house.post(&SHUTDOWN, ());
        let told = house.end();
        assert_eq!(told, ["connected", "paused", "lost", "disconnected", "stopped"], "{form:?}");
    }
}

#[test]
fn a_failure_that_comes_behind_an_end_that_panicked_is_not_told() {
    for form in FORMS {
        let server = lines()
            .client_input(|story, client, _| {
                client.pause_input();
                client.delay(&END, SECOND / 20, ());
                story.tell("paused");
            })
            .client_high(1000, |_, _| ())
            .on_client(&END, |_, client, ()| {
                // The client has broken it meanwhile: this fails, which is to be told.
                client.put(vec![b'x'; MIB]);
                client.put(vec![b'x'; MIB]);
                client.shutdown();
                client.abort();
            })
            .client_disconnected(|story, _| {
                story.tell("disconnected");
                panic!("in disconnected")
            });
        let mut house = House::open(form, forgiving(server));
        let mut stream = house.connect();
        stream.write_all(b"go\n").expect("write");
        house.run_until_told("paused");
        net::reset(stream);
        house.run_until_told("died");
        house.post(&SHUTDOWN, ());
        let told = house.end();
        assert_eq!(told, ["connected", "paused", "disconnected", "died", "stopped"], "{form:?}");
    }
}

#[test]
fn events_of_a_connection_come_while_it_is_there_and_not_after() {
    for form in FORMS {
        let server = lines()
            .client_input(|story, client, line| {
                story.tell(String::from_utf8_lossy(&line));
                client.delay(&WORD, 3600 * SECOND, "never");
                client.delay(&WORD, SECOND / 100, "soon");
                client.delay(&END, 3600 * SECOND, ());
                client.delay(&CUT, SECOND / 100, ());
                assert!(client.delay_clear(&CUT));
                assert!(!client.delay_clear(&CUT));
                client.yield_(&WORD, "first");
            })
            .on_client(&CUT, |_, _, ()| unreachable!("it was taken back"))
            .on_client(&END, |_, _, ()| unreachable!("it is closed by then"))
            .on_client(&WORD, |story, client, word| {
                story.tell(word);
                if word == "soon" {
                    client.yield_(&WORD, "too late");
                    client.shutdown();
                }
            });
        let mut house = House::open(form, server);
        let mut stream = house.connect();
        stream.write_all(b"go\n").expect("write");
        house.run_until_told("disconnected");
        drop(stream);
        net::run_until_kernel(&mut house.kernel, "no timer is left", |kernel| {
            kernel.event_count() == 0
        });
        assert_eq!(house.story.told(), ["connected", "go", "first", "soon", "disconnected"]);
        house.post(&SHUTDOWN, ());
        house.end();
    }
}

#[test]
fn a_unix_client_has_no_address_and_is_served() {
    for form in FORMS {
        let folder = unix::Folder::new();
        let path = folder.at("socket");
        let server = crate::server_kit::telling(TcpServer::new(Line::new).listen(path.clone()))
            .client_connected(|story, client| {
                story.tell("connected");
                assert_eq!((client.peer().as_ip(), client.peer().path()), (None, None));
            });
        let mut house = House::open(form, server);
        let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("connect");
        stream.write_all(b"hello\n").expect("write");
        house.run_until_told("flushed");
        drop(stream);
        house.run_until_told("disconnected");
        house.post(&SHUTDOWN, ());
        house.end();
        assert!(!path.exists(), "the path goes with the server");
    }
}

/// Says a line, hears the answer if there is one, and ends; if the connection is not closed by then.
fn say_hello(house: &mut House, mut stream: &TcpStream) {
    let _said = stream.write_all(b"hello\n");
    house.turns(3);
    let _ended = stream.shutdown(Shutdown::Write);
}

#[test]
fn that_all_is_sent_is_told_before_the_end_though_it_was_written_at_once() {
    for form in FORMS {
        let server = lines().client_input(|story, client, line| {
            client.put(line);
            let (_, wheel, cx) = client.parts();
            story.tell(wheel.expect("it is open").flush(cx).to_string());
            client.shutdown();
        });
        let mut house = House::open(form, server);
        let stream = house.connect();
        (&stream).write_all(b"hello\r\n").expect("write");
        house.run_until_told("disconnected");
        assert_eq!(house.story.told(), ["connected", "0", "flushed", "disconnected"]);
    }
}

#[test]
fn that_all_is_sent_is_told_before_the_end_though_the_peer_has_ended_before() {
    for form in FORMS {
        let server = lines().client_error(|story, client, _| {
            client.put("good bye");
            let (_, wheel, cx) = client.parts();
            story.tell(wheel.expect("it is open").flush(cx).to_string());
        });
        let mut house = House::open(form, server);
        let stream = house.connect();
        stream.shutdown(std::net::Shutdown::Write).expect("shutdown");
        house.run_until_told("disconnected");
        assert_eq!(house.story.told(), ["connected", "0", "flushed", "disconnected"]);
    }
}
