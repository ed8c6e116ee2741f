//! Streams of every family: what is said to a server comes back, and then the end does.

use std::path::Path;

use testkit::unix::Folder;
use wheels::{Address, Endpoint, Operation, SocketFactory, UnixAddress};

use crate::program::{self, Program};
use crate::session::{End, Manner, WORDS};

const ECONNRESET: i32 = 104;
const ECONNREFUSED: i32 = 111;

/// Says it to a server that says it back by itself.
#[track_caller]
fn is_echoed(mut server: Program, endpoint: impl FnOnce(Option<u16>) -> Endpoint) {
    let mut end = End::new(Manner::Speak(WORDS.into()));
    let port = server.run_until_up(&mut end.kernel);
    end.build(SocketFactory::connect(endpoint(port)));
    end.run_until_told("the end", |told| told.ends == 1);
    heard_it_once(&end);
    server.finish(&mut end.kernel);
    end.end();
}

/// Says it to a server whose user says it back. Such a server ends when its client says no more.
#[track_caller]
fn is_answered(mut server: Program, endpoint: impl FnOnce(Option<u16>) -> Endpoint) {
    let mut end = End::new(Manner::Listen);
    let port = server.run_until_up(&mut end.kernel);
    end.build(SocketFactory::connect(endpoint(port)));
    end.run_until_told("the connection", |told| told.peers.len() == 1);
    end.act(|host, cx| host.streams.values().next().expect("one").put(cx, WORDS));
    assert_eq!(server.run_until_said(&mut end.kernel, WORDS.len()), WORDS);
    server.say(WORDS);
    server.end_input();
    end.run_until_told("the end", |told| told.ends == 1);
    heard_it_once(&end);
    assert_eq!(server.finish(&mut end.kernel), WORDS);
    end.end();
}

#[track_caller]
fn heard_it_once(end: &End) {
    let told = end.told.borrow();
    assert_eq!((&told.bytes[..], &told.failures[..]), (WORDS, &[][..]));
    assert_eq!(told.peers.len(), 1);
}

fn socat(address: &str) -> Program {
    Program::start("socat", &["-dd", "-t60", address, "PIPE"])
}

fn netcat(args: &[&str]) -> Program {
    Program::start("nc", &[&["-n", "-v", "-N", "-l"], args].concat())
}

fn at(host: &'static str) -> impl FnOnce(Option<u16>) -> Endpoint {
    move |port| (host, port.expect("it says which")).into()
}

fn unix(address: impl Into<UnixAddress>) -> impl FnOnce(Option<u16>) -> Endpoint {
    let address = address.into();
    move |_| address.into()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn socat_by_tcp_of_ipv4() {
    is_echoed(socat("TCP4-LISTEN:0,bind=127.0.0.1"), at("127.0.0.1"));
}

#[test]
fn socat_by_tcp_of_ipv6() {
    is_echoed(socat("TCP6-LISTEN:0,bind=[::1]"), at("::1"));
}

#[test]
fn socat_by_a_path() {
    let folder = Folder::new();
    let path = folder.at("there");
    is_echoed(socat(&format!("UNIX-LISTEN:{}", text(&path))), unix(&path));
}

#[test]
fn p56_socat_by_an_abstract_name() {
    let folder = Folder::new();
    let name = program::abstract_name(&folder.at("there"));
    is_echoed(socat(&format!("ABSTRACT-LISTEN:{}", &name[1..])), unix(&name));
}

#[test]
fn netcat_by_tcp_of_ipv4() {
    is_answered(netcat(&["-4", "127.0.0.1", "0"]), at("127.0.0.1"));
}

#[test]
fn netcat_by_tcp_of_ipv6() {
    is_answered(netcat(&["-6", "::1", "0"]), at("::1"));
}

#[test]
fn netcat_by_a_path() {
    let folder = Folder::new();
    let path = folder.at("there");
    is_answered(netcat(&["-U", &text(&path)]), unix(&path));
}

/// It stands for IPv4 alone on some machines, and for IPv6 too on others: then that is refused first.
#[test]
fn socat_by_the_name_of_this_machine() {
    is_echoed(socat("TCP4-LISTEN:0,bind=127.0.0.1"), at("localhost"));
}

#[test]
fn python_listens_to_both_families_with_one_socket() {
    let script = "
listener.close()
listener = socket.create_server(('', 0), family=socket.AF_INET6, dualstack_ipv6=True)
say(listener.getsockname()[1])
for _ in range(2):
    client, peer = listener.accept()
    say(peer[0], client.recv(5))
";
    let mut end = End::new(Manner::Speak(b"hello".into()));
    let mut server = program::python_server("INET6", "STREAM", "", script);
    let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
    for (count, host) in [(1, "127.0.0.1"), (2, "::1")] {
        end.build(SocketFactory::connect((host, port)));
        end.run_until_told("a connection", |told| told.peers.len() == count);
    }
    let said = String::from_utf8(server.finish(&mut end.kernel)).unwrap();
    assert_eq!(said, format!("{port}\n::ffff:127.0.0.1 b'hello'\n::1 b'hello'\n"));
    end.end();
}

/// The path that the client is bound to, and the process that it is.
#[test]
fn a_server_on_a_path_sees_who_its_client_is() {
    let folder = Folder::new();
    let (here, there) = (folder.at("here"), folder.at("there"));
    let script = "
listener.listen()
up()
client, peer = listener.accept()
pid, uid, gid = struct.unpack('3i', client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
say(peer, pid)
";
    let mut end = End::new(Manner::Listen);
    let mut server = program::python_server("UNIX", "STREAM", &text(&there), script);
    server.run_until_line(&mut end.kernel);
    end.build(SocketFactory::unix_connect(&there).bind_address(here.clone()));
    let said = String::from_utf8(server.finish(&mut end.kernel)).unwrap();
    assert_eq!(said, format!("0\n{} {}\n", text(&here), std::process::id()));
    assert_eq!(end.told.borrow().peers, [Address::Unix((&there).into())]);
    end.end();
    assert_eq!(folder.names(), ["there"], "the near end's path went with it");
}

#[test]
fn a_near_end_that_was_chosen_is_what_the_server_sees() {
    let script = "
listener.listen()
up()
say(listener.accept()[1][0])
";
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let mut end = End::new(Manner::Listen);
        let mut server = program::python_server(family, "STREAM", "", script);
        let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
        end.build(SocketFactory::connect((host, port)).bind_address(host));
        let said = String::from_utf8(server.finish(&mut end.kernel)).unwrap();
        assert_eq!(said, format!("{port}\n{host}\n"));
        end.end();
    }
}

#[test]
fn a_server_that_accepts_and_resets_has_made_a_connection_that_failed() {
    let script = "
listener.listen()
up()
client, _ = listener.accept()
client.recv(1)
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
client.close()
";
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let mut end = End::new(Manner::Speak(WORDS.into()));
        let mut server = program::python_server(family, "STREAM", "", script);
        let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
        end.build(SocketFactory::connect((host, port)));
        assert_eq!(end.run_until_failed(), (Operation::Read, ECONNRESET));
        server.finish(&mut end.kernel);
        let told = end.told.borrow().peers.clone();
        assert_eq!(told, [Address::Ip((host.parse::<std::net::IpAddr>().unwrap(), port).into())]);
        assert_eq!((end.failures().len(), end.told.borrow().ends), (1, 0));
        end.end();
    }
}

#[test]
fn where_nobody_listens_the_connection_is_refused() {
    let script = "
up()
sys.stdin.read()
";
    let folder = Folder::new();
    let path = text(&folder.at("there"));
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1"), ("UNIX", "")] {
        let mut end = End::new(Manner::Listen);
        let mut server = program::python_server(family, "STREAM", &path, script);
        let port: u16 = server.run_until_line(&mut end.kernel).parse().unwrap();
        end.build(match family {
            "UNIX" => SocketFactory::unix_connect(&path),
            _ => SocketFactory::connect((host, port)),
        });
        assert_eq!(end.run_until_failed(), (Operation::Connect, ECONNREFUSED), "{family}");
        server.finish(&mut end.kernel);
        end.end();
    }
}
