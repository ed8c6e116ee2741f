//! Messages without a connection.

use testkit::unix::Folder;
use wheels::{Address, Operation, SocketFactory, SocketFactoryBuilder, SocketType};

use crate::program::{self, Program};
use crate::session::{End, Manner};

const ECONNREFUSED: i32 = 111;
const MESSAGE: &[u8] = b"two\r\n\0\xff";

/// Says it to a server that says it back by itself.
#[track_caller]
fn is_echoed(address: &str, client: impl FnOnce(Option<u16>) -> SocketFactoryBuilder) {
    let mut end = End::new(Manner::Speak(MESSAGE.into()));
    // It is killed in the end: there is no other to a socket without a connection.
    let mut server = Program::start("socat", &["-dd", address, "PIPE"]);
    let port = server.run_until_up(&mut end.kernel);
    end.build(client(port));
    heard_it_once(end);
}

/// Says it to a server whose user says it back.
#[track_caller]
fn is_answered(args: &[&str], client: impl FnOnce(Option<u16>) -> SocketFactoryBuilder) {
    let mut end = End::new(Manner::Speak(MESSAGE.into()));
    let mut server = Program::start("nc", &[&["-n", "-v", "-u", "-l"], args].concat());
    let port = server.run_until_up(&mut end.kernel);
    end.build(client(port));
    assert_eq!(server.run_until_said(&mut end.kernel, MESSAGE.len()), MESSAGE);
    server.say(MESSAGE);
    heard_it_once(end);
}

#[track_caller]
fn heard_it_once(mut end: End) {
    end.run_until_told("the message", |told| !told.messages.is_empty());
    {
        let told = end.told.borrow();
        let [(message, from)] = &told.messages[..] else { panic!("{told:?}") };
        assert_eq!((&message[..], from), (MESSAGE, &told.peers[0]));
        assert_eq!((told.peers.len(), &told.failures[..]), (1, &[][..]));
    }
    end.end();
}

fn udp(host: &'static str) -> impl FnOnce(Option<u16>) -> SocketFactoryBuilder {
    move |port| {
        let endpoint = (host, port.expect("it says which"));
        SocketFactory::connect(endpoint).socket_type(SocketType::Dgram)
    }
}

#[test]
fn socat_by_udp_of_ipv4() {
    is_echoed("UDP4-LISTEN:0,bind=127.0.0.1", udp("127.0.0.1"));
}

#[test]
fn socat_by_udp_of_ipv6() {
    is_echoed("UDP6-LISTEN:0,bind=[::1]", udp("::1"));
}

#[test]
fn socat_by_a_path() {
    let folder = Folder::new();
    let (here, there) = (folder.at("here"), folder.at("there"));
    is_echoed(&format!("UNIX-RECVFROM:{}", there.display()), |_| {
        SocketFactory::datagram(here).remote_address(there)
    });
}

#[test]
fn socat_by_an_abstract_name() {
    let folder = Folder::new();
    let here = program::abstract_name(&folder.at("here"));
    let there = program::abstract_name(&folder.at("there"));
    is_echoed(&format!("ABSTRACT-RECVFROM:{}", &there[1..]), |_| {
        SocketFactory::datagram(here).remote_address(there.as_str())
    });
}

#[test]
fn netcat_by_udp_of_ipv4() {
    is_answered(&["-4", "127.0.0.1", "0"], udp("127.0.0.1"));
}

#[test]
fn netcat_by_udp_of_ipv6() {
    is_answered(&["-6", "::1", "0"], udp("::1"));
}

#[test]
fn netcat_by_a_path() {
    let folder = Folder::new();
    let (here, there) = (folder.at("here"), folder.at("there"));
    is_answered(&["-U", &there.display().to_string()], |_| {
        SocketFactory::datagram(here).remote_address(there)
    });
}

#[test]
fn a_socket_that_is_connected_to_nobody_talks_to_each() {
    let script = "
up()
message, peer = listener.recvfrom(100)
listener.sendto(message + b'!', peer)
";
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let (mut end, place) = End::serve(Manner::Listen, SocketFactory::datagram((host, 0)));
        for count in 1..=2 {
            let mut server = program::python_server(family, "DGRAM", "", script);
            let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
            let there = (host.parse::<std::net::IpAddr>().unwrap(), port);
            end.act(move |host, cx| {
                let mailbox = host.mailboxes.values().next().unwrap();
                mailbox.send_to(cx, MESSAGE, std::net::SocketAddr::from(there));
            });
            end.run_until_told("an answer", |told| told.messages.len() == count);
            let (heard, from) = end.told.borrow().messages[count - 1].clone();
            assert_eq!(heard, [MESSAGE, b"!"].concat());
            assert_eq!(from, Address::Ip(there.into()));
            server.finish(&mut end.kernel);
        }
        assert_ne!(place.port(), Some(0));
        assert_eq!(end.failures(), []);
        end.end();
    }
}

#[test]
fn a_unix_socket_that_is_bound_to_nothing_is_nobody_to_the_server() {
    let script = "
up()
say(listener.recvfrom(100))
";
    let folder = Folder::new();
    let there = folder.at("there");
    let mut end = End::new(Manner::Speak(b"hello".into()));
    let mut server = program::python_server("UNIX", "DGRAM", &there.display().to_string(), script);
    server.run_until_line(&mut end.kernel);
    end.build(SocketFactory::unix_connect(&there).socket_type(SocketType::Dgram));
    assert_eq!(server.finish(&mut end.kernel), b"0\n(b'hello', None)\n");
    assert_eq!(end.failures(), []);
    end.end();
}

#[test]
fn p23_where_nobody_is_there_to_hear_it_that_is_told_and_the_socket_stays() {
    let script = "
up()
listener.close()
";
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let mut end = End::new(Manner::Speak(b"hello".into()));
        let mut server = program::python_server(family, "DGRAM", "", script);
        let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
        server.finish(&mut end.kernel);
        end.build(udp(host)(Some(port)));
        let (operation, errnum) = end.run_until_failed();
        assert!(matches!(operation, Operation::Read | Operation::Write), "{operation}");
        assert_eq!((errnum, end.told.borrow().peers.len()), (ECONNREFUSED, 1));
        let mailboxes = end.act(|host, _| host.mailboxes.len());
        assert_eq!(mailboxes, 1);
        end.end();
    }
}
