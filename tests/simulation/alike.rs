//! The same stories on the machine's loopback and on the simulated network: users are told the same, in the
//! same order.

use std::time::Duration;

use wheels::{SocketFactory, SocketOptions};

use crate::kit::{Heard, Who, World, told_alike};

#[test]
fn a_connection_to_nobody_is_refused() {
    told_alike(|world| {
        // A port that somebody had and nobody has.
        let (server, address) = world.listen(|builder| builder, |_, _, _| {});
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        world.settle();
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, cx, _| part.leave(cx));
            part.connect(cx, SocketFactory::connect(address));
        });
        vec![server.told, client.told]
    });
}

#[test]
fn an_echo_and_an_end() {
    told_alike(|world| {
        let (server, address) = world.listen(
            |builder| builder,
            |part, cx, heard| match heard {
                Heard::Made => part.stream(cx),
                Heard::Came => part.put(cx, "hello"),
                Heard::End | Heard::Failed => part.leave(cx),
                Heard::Flushed => {}
            },
        );
        let client = world.join(Who::Client);
        let told = client.told.clone();
        world.act(Who::Client, &client, move |part, cx| {
            part.react(move |part, cx, heard| match heard {
                Heard::Made => {
                    part.stream(cx);
                    part.put(cx, "h");
                }
                Heard::Came if told.bytes() >= 5 => part.leave(cx),
                Heard::Came | Heard::End | Heard::Failed | Heard::Flushed => {}
            });
            part.connect(cx, SocketFactory::connect(address));
        });
        vec![server.told, client.told]
    });
}

#[test]
fn a_request_that_ends_in_a_half_close_is_answered() {
    told_alike(|world| {
        let (server, address) = world.listen(
            |builder| builder,
            |part, cx, heard| match heard {
                Heard::Made => part.stream(cx),
                Heard::End => part.put(cx, vec![b'!'; 40_000]),
                Heard::Flushed | Heard::Failed => part.leave(cx),
                Heard::Came => {}
            },
        );
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, cx, heard| match heard {
                Heard::Made => {
                    part.stream(cx);
                    part.put(cx, vec![b'?'; 40_000]);
                    part.streams[0].shutdown_output(cx);
                }
                Heard::End | Heard::Failed => part.leave(cx),
                Heard::Came | Heard::Flushed => {}
            });
            part.connect(cx, SocketFactory::connect(address));
        });
        vec![server.told, client.told]
    });
}

/// Connects a client that puts `first`, and keeps the server's socket unread.
fn unread(world: &mut World, first: &'static str) -> (crate::kit::Player, crate::kit::Player) {
    let narrow = || SocketOptions::new().send_buffer(10_000).receive_buffer(10_000);
    let (server, address) = world.listen(move |builder| builder.options(narrow()), |_, _, _| {});
    let client = world.join(Who::Client);
    world.act(Who::Client, &client, move |part, cx| {
        part.react(move |part, cx, heard| {
            if *heard == Heard::Made {
                part.stream(cx);
                part.put(cx, first);
            }
        });
        part.connect(cx, SocketFactory::connect(address).options(narrow()));
    });
    let (here, there) = (server.told.clone(), client.told.clone());
    world.run_until("a connection", || here.has("made") && there.has("made"));
    world.settle();
    (server, client)
}

#[test]
fn a_close_with_unread_input_resets_the_connection() {
    told_alike(|world| {
        let (server, client) = unread(world, "n");
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        let told = client.told.clone();
        world.run_until("the reset", || told.lines().len() > 1);
        world.act(Who::Client, &client, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn what_came_before_a_reset_is_read_before_it_is_told() {
    told_alike(|world| {
        // The server says something that nobody reads, and leaves with what the client said unread.
        let (server, address) = world.listen(|builder| builder, |_, _, _| {});
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.connect(cx, SocketFactory::connect(address));
        });
        let (here, there) = (server.told.clone(), client.told.clone());
        world.run_until("a connection", || here.has("made") && there.has("made"));
        world.act(Who::Server, &server, |part, cx| {
            part.stream(cx);
            part.put(cx, "w");
        });
        world.settle();
        world.act(Who::Client, &client, |part, cx| {
            part.stream(cx);
            part.streams[0].pause_input(cx);
            part.put(cx, "n");
        });
        world.act(Who::Server, &server, |part, cx| part.streams[0].pause_input(cx));
        world.settle();
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        world.settle();
        world.act(Who::Client, &client, |part, cx| part.streams[0].resume_input(cx));
        world.settle();
        world.act(Who::Client, &client, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn writing_to_who_has_closed_fails_after_his_end_was_heard() {
    told_alike(|world| {
        let (server, address) = world.listen(
            |builder| builder,
            |part, cx, heard| {
                if *heard == Heard::Made {
                    part.stream(cx);
                }
            },
        );
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, cx, _| part.leave(cx));
            part.connect(cx, SocketFactory::connect(address));
        });
        let told = server.told.clone();
        world.run_until("the end", || told.has("end"));
        for _ in 0..3 {
            world.act(Who::Server, &server, |part, cx| part.put(cx, "anybody there?"));
            world.settle();
        }
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn a_slow_reader_gets_everything() {
    told_alike(|world| {
        // More than the world holds of what nobody reads.
        let plenty = 120_000;
        let (server, client) = unread(world, "x");
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, _, heard| {
                if *heard == Heard::Flushed {
                    part.tell("flushed");
                }
            });
            part.put(cx, vec![b'.'; plenty]);
        });
        world.settle();
        client.told.tell("let in");
        world.act(Who::Server, &server, |part, cx| part.stream(cx));
        let (here, there) = (server.told.clone(), client.told.clone());
        world.run_until("all of it", || here.bytes() == plenty + 1 && there.has("flushed"));
        world.act(Who::Client, &client, |part, cx| part.leave(cx));
        world.run_until("the end", || here.has("end"));
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        vec![client.told]
    });
}

#[test]
fn a_full_backlog_keeps_the_others_waiting_until_they_are_let_in() {
    told_alike(|world| {
        let (server, address) = world.listen(|builder| builder.listen_queue(1), |_, _, _| {});
        world.act(Who::Server, &server, |part, cx| part.factories[0].pause_accept(cx));
        let client = world.join(Who::Client);
        let told = client.told.clone();
        for number in 1..=3 {
            world.act(Who::Client, &client, move |part, cx| {
                part.connect(cx, SocketFactory::connect(address));
            });
            // Of a backlog of one there are two, as on Linux.
            world.run_until("those who have room", || told.count("made") >= number.min(2));
            world.settle();
        }
        assert_eq!(told.count("made"), 2, "the third was let in");
        client.told.tell("let in");
        world.act(Who::Server, &server, |part, cx| part.factories[0].resume_accept(cx));
        let (here, there) = (server.told.clone(), client.told.clone());
        world.run_until("all", || here.count("made") == 3 && there.count("made") == 3);
        world.act(Who::Client, &client, |part, cx| part.leave(cx));
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn a_listener_that_closes_resets_who_waits_in_its_queue() {
    told_alike(|world| {
        let (server, address) = world.listen(|builder| builder, |_, _, _| {});
        world.act(Who::Server, &server, |part, cx| part.factories[0].pause_accept(cx));
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, cx, heard| match heard {
                Heard::Made => part.stream(cx),
                Heard::Failed | Heard::End => part.leave(cx),
                Heard::Came | Heard::Flushed => {}
            });
            part.connect(cx, SocketFactory::connect(address));
        });
        let told = client.told.clone();
        world.run_until("a connection", || told.has("made"));
        world.settle();
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn who_left_before_he_was_accepted_is_accepted_all_the_same() {
    told_alike(|world| {
        let (server, address) = world.listen(
            |builder| builder,
            |part, cx, heard| {
                if *heard == Heard::Made {
                    part.stream(cx);
                }
            },
        );
        world.act(Who::Server, &server, |part, cx| part.factories[0].pause_accept(cx));
        let client = world.join(Who::Client);
        world.act(Who::Client, &client, move |part, cx| {
            part.react(|part, cx, heard| match heard {
                Heard::Made => {
                    part.stream(cx);
                    part.put(cx, "w");
                }
                Heard::Flushed => {
                    part.tell("flushed");
                    part.leave(cx);
                }
                Heard::Came | Heard::Failed | Heard::End => {}
            });
            part.connect(cx, SocketFactory::connect(address));
        });
        let told = client.told.clone();
        world.run_until("a word", || told.has("flushed"));
        world.settle();
        world.act(Who::Server, &server, |part, cx| part.factories[0].resume_accept(cx));
        let told = server.told.clone();
        world.run_until("the end", || told.has("end"));
        world.act(Who::Server, &server, |part, cx| part.leave(cx));
        vec![server.told, client.told]
    });
}

#[test]
fn a_port_belongs_to_one_listener_until_that_is_gone() {
    told_alike(|world| {
        let (first, address) = world.listen(|builder| builder, |_, _, _| {});
        let listen = move |world: &mut World| {
            let player = world.join(Who::Server);
            world.act(Who::Server, &player, move |part, cx| {
                part.listen(cx, SocketFactory::listen(address));
            });
            world.settle();
            player
        };
        let second = listen(world);
        world.act(Who::Server, &first, |part, cx| part.leave(cx));
        world.settle();
        let third = listen(world);
        let state = if third.listens().is_some() { "listens" } else { "does not listen" };
        third.told.tell(state);
        world.act(Who::Server, &second, |part, cx| part.leave(cx));
        world.act(Who::Server, &third, |part, cx| part.leave(cx));
        vec![second.told, third.told]
    });
}

#[test]
fn options_that_linux_refuses_are_refused() {
    let second = Duration::from_secs(1);
    for (idle, interval, count) in
        [(Duration::ZERO, second, 1), (second, Duration::ZERO, 1), (second, second, 0)]
    {
        told_alike(|world| {
            let (server, address) = world.listen(|builder| builder, |_, _, _| {});
            let client = world.join(Who::Client);
            world.act(Who::Client, &client, move |part, cx| {
                let options = SocketOptions::new().keepalive(idle, interval, count);
                part.react(|part, cx, _| part.leave(cx));
                part.connect(cx, SocketFactory::connect(address).options(options));
            });
            world.settle();
            world.act(Who::Server, &server, |part, cx| part.leave(cx));
            assert!(client.told.has("setsockopt EINVAL"), "{:?}", client.told.lines());
            vec![server.told, client.told]
        });
    }
}
