//! Messages without a connection: each comes back by itself to who sent it.

use testkit::unix::Folder;
use wheels::{Address, Operation, SocketFactory, SocketFactoryBuilder};

use crate::program::{self, Program};
use crate::session::End;

/// To send to nobody.
const EINVAL: i32 = 22;

const MESSAGES: [&[u8]; 3] = [b"one", b"two\r\n\0\xff", b"\n"];

/// The program says message after message, and each comes back to it. Gives the client's address.
#[track_caller]
fn echoes(server: SocketFactoryBuilder, client: impl FnOnce(&Address) -> Program) -> Address {
    let (mut end, place) = End::echo(server);
    let mut client = client(&place);
    let mut all = Vec::new();
    for message in MESSAGES {
        // One after another, so that no two are one to a program that knows streams alone.
        client.say(message);
        all.extend_from_slice(message);
        client.run_until_said(&mut end.kernel, all.len());
    }
    assert_eq!(client.finish(&mut end.kernel), all);
    let peer = {
        let told = end.told.borrow();
        let heard: Vec<_> = told.messages.iter().map(|(message, _)| &message[..]).collect();
        assert_eq!((&heard[..], &told.failures[..]), (&MESSAGES[..], &[][..]));
        assert!(told.messages.iter().all(|(_, from)| *from == told.messages[0].1));
        told.messages[0].1.clone()
    };
    end.end();
    peer
}

fn over_ipv4(client: impl FnOnce(&Address) -> Program) {
    let peer = echoes(SocketFactory::datagram("127.0.0.1:0"), client);
    assert_eq!(peer.ip().unwrap().to_string(), "127.0.0.1");
}

fn over_ipv6(client: impl FnOnce(&Address) -> Program) {
    let peer = echoes(SocketFactory::datagram("[::1]:0"), client);
    assert_eq!(peer.ip().unwrap().to_string(), "::1");
}

/// Who has no more to say ends at once: it has heard all.
fn socat(address: &str) -> Program {
    Program::start("socat", &["-t0", "-", address])
}

fn netcat(flags: &str, at: &Address) -> Program {
    match at.as_ip() {
        Some(at) => {
            let (ip, port) = (at.ip().to_string(), at.port().to_string());
            Program::start("nc", &["-q0", flags, &ip, &port])
        }
        None => Program::start("nc", &["-q0", flags, &at.to_string()]),
    }
}

#[test]
fn socat_by_udp_of_ipv4() {
    over_ipv4(|at| socat(&format!("UDP4:{at}")));
    over_ipv4(|at| socat(&format!("UDP4-SENDTO:{at}")));
}

#[test]
fn socat_by_udp_of_ipv6() {
    over_ipv6(|at| socat(&format!("UDP6:{at}")));
    over_ipv6(|at| socat(&format!("UDP6-SENDTO:{at}")));
}

#[test]
fn socat_by_a_path() {
    let folder = Folder::new();
    let (here, there) = (folder.at("here"), folder.at("there"));
    let peer = echoes(SocketFactory::datagram(here), |at| {
        socat(&format!("UNIX-SENDTO:{at},bind={}", there.display()))
    });
    assert_eq!(peer.path(), Some(&*there));
}

#[test]
fn socat_by_an_abstract_name() {
    let folder = Folder::new();
    let here = program::abstract_name(&folder.at("here"));
    let there = program::abstract_name(&folder.at("there"));
    let peer = echoes(SocketFactory::datagram(here), |at| {
        socat(&format!("ABSTRACT-SENDTO:{},bind={}", &at.to_string()[1..], &there[1..]))
    });
    assert_eq!(peer.to_string(), there);
}

#[test]
fn netcat_by_udp_of_ipv4() {
    over_ipv4(|at| netcat("-u4", at));
}

#[test]
fn netcat_by_udp_of_ipv6() {
    over_ipv6(|at| netcat("-u6", at));
}

#[test]
fn netcat_by_a_path() {
    let folder = Folder::new();
    let peer = echoes(SocketFactory::datagram(folder.at("here")), |at| netcat("-uU", at));
    assert!(peer.path().is_some(), "netcat binds itself to a path of its own");
}

#[test]
fn a_socket_of_both_families_answers_each_in_its_own() {
    let both = || SocketFactory::datagram("[::]:0").only_v6(false);
    let at = |host: &str, at: &Address| format!("{host}:{}", at.port().unwrap());
    let peer = echoes(both(), |place| socat(&format!("UDP4:{}", at("127.0.0.1", place))));
    assert_eq!(peer.ip().unwrap().to_string(), "127.0.0.1");
    let peer = echoes(both(), |place| socat(&format!("UDP6:{}", at("[::1]", place))));
    assert_eq!(peer.ip().unwrap().to_string(), "::1");
}

/// The empty one, the longest that IP has, and many at once.
#[test]
fn python_hears_every_message_whole() {
    let script = "
client.settimeout(60)
for size in [0, 1, 1472, 65507 if client.family == socket.AF_INET else 65000]:
    client.sendto(bytes(size), server)
    heard, peer = client.recvfrom(70000)
    print(heard == bytes(size), peer[:2] == server[:2])
many = [bytes([n]) * (n + 1) for n in range(20)]
for message in many:
    client.sendto(message, server)
print([client.recv(100) for _ in many] == many)
";
    let folder = Folder::new();
    let servers = [
        ("INET", SocketFactory::datagram("127.0.0.1:0")),
        ("INET6", SocketFactory::datagram("[::1]:0")),
        ("UNIX", SocketFactory::datagram(folder.at("here"))),
    ];
    for (family, server) in servers {
        let (mut end, place) = End::echo(server);
        let own = folder.at("own").display().to_string();
        let client = program::python_socket(family, "DGRAM", &place, script, &[&own]);
        let said = String::from_utf8(client.finish(&mut end.kernel)).unwrap();
        assert_eq!(said, "True True\n".repeat(4) + "True\n", "{family}");
        assert_eq!(end.failures(), []);
        end.end();
    }
}

/// There is nobody to send an answer to, and nothing stops for it.
#[test]
fn who_has_no_name_is_heard_and_not_answered() {
    let folder = Folder::new();
    let (mut end, place) = End::echo(SocketFactory::datagram(folder.at("here")));
    for count in 1..=2 {
        let mut client = socat(&format!("UNIX-SENDTO:{place}"));
        client.say(b"hello");
        end.run_until_told("the message", |told| told.messages.len() == count);
        assert_eq!(client.finish(&mut end.kernel), b"");
    }
    end.run_until_told("two failures", |told| told.failures.len() == 2);
    assert_eq!(end.failures(), [(Operation::Write, EINVAL); 2]);
    end.end();
}
