//! Streams of every family: what a client says comes back to it, and then the end does.

use testkit::unix::Folder;
use wheels::{Address, SocketFactory, SocketFactoryBuilder, UnixAddress};

use crate::program::{self, Program};
use crate::session::{End, WORDS};

/// The program says it to a server that says it back, and ends when it hears no more. Gives the client's
/// address.
#[track_caller]
fn echoes(server: SocketFactoryBuilder, client: impl FnOnce(&Address) -> Program) -> Address {
    let (mut end, place) = End::echo(server);
    let mut client = client(&place);
    client.say(WORDS);
    client.run_until_said(&mut end.kernel, WORDS.len());
    assert_eq!(client.finish(&mut end.kernel), WORDS);
    end.run_until_told("its end", |told| told.ends == 1);
    let peer = {
        let told = end.told.borrow();
        assert_eq!((&told.bytes[..], &told.failures[..]), (WORDS, &[][..]));
        assert_eq!(told.peers.len(), 1);
        told.peers[0].clone()
    };
    end.end();
    peer
}

fn over_ipv4(client: impl FnOnce(&Address) -> Program) {
    let peer = echoes(SocketFactory::listen("127.0.0.1:0"), client);
    assert_eq!(peer.ip().unwrap().to_string(), "127.0.0.1");
}

fn over_ipv6(client: impl FnOnce(&Address) -> Program) {
    let peer = echoes(SocketFactory::listen("[::1]:0"), client);
    assert_eq!(peer.ip().unwrap().to_string(), "::1");
}

fn over_a_path(client: impl FnOnce(&Address) -> Program) {
    let folder = Folder::new();
    let peer = echoes(SocketFactory::unix_listen(folder.at("here")), client);
    assert_eq!(peer, Address::Unix(UnixAddress::Unnamed));
    assert_eq!(folder.names(), [""; 0], "the path went with its listener");
}

fn over_an_abstract_name(client: impl FnOnce(&Address) -> Program) {
    let folder = Folder::new();
    let name = program::abstract_name(&folder.at("here"));
    let peer = echoes(SocketFactory::unix_listen(&name), client);
    assert_eq!(peer, Address::Unix(UnixAddress::Unnamed));
}

fn socat(kind: &str, at: &str) -> Program {
    Program::start("socat", &["-t60", "-", &format!("{kind}:{at}")])
}

fn netcat(flags: &str, at: &Address) -> Program {
    match at.as_ip() {
        Some(at) => {
            let (ip, port) = (at.ip().to_string(), at.port().to_string());
            Program::start("nc", &["-N", flags, &ip, &port])
        }
        None => Program::start("nc", &["-N", flags, &at.to_string()]),
    }
}

fn python(family: &str, at: &Address) -> Program {
    let script = "
client.sendall(sys.stdin.buffer.read(int(sys.argv[3])))
while heard := client.recv(100):
    sys.stdout.buffer.write(heard)
    sys.stdout.flush()
    if not sys.stdin.buffer.read():
        client.shutdown(socket.SHUT_WR)
";
    program::python_client(family, "STREAM", at, script, &[&WORDS.len().to_string()])
}

#[test]
fn socat_by_tcp_of_ipv4() {
    over_ipv4(|at| socat("TCP4", &at.to_string()));
}

#[test]
fn socat_by_tcp_of_ipv6() {
    over_ipv6(|at| socat("TCP6", &at.to_string()));
}

#[test]
fn socat_by_a_path() {
    over_a_path(|at| socat("UNIX-CONNECT", &at.to_string()));
}

#[test]
fn p56_socat_by_an_abstract_name() {
    over_an_abstract_name(|at| socat("ABSTRACT-CONNECT", &at.to_string()[1..]));
}

#[test]
fn netcat_by_tcp_of_ipv4() {
    over_ipv4(|at| netcat("-4", at));
}

#[test]
fn netcat_by_tcp_of_ipv6() {
    over_ipv6(|at| netcat("-6", at));
}

#[test]
fn netcat_by_a_path() {
    over_a_path(|at| netcat("-U", at));
}

#[test]
fn python_by_tcp_of_ipv4() {
    over_ipv4(|at| python("INET", at));
}

#[test]
fn python_by_tcp_of_ipv6() {
    over_ipv6(|at| python("INET6", at));
}

#[test]
fn python_by_a_path() {
    over_a_path(|at| python("UNIX", at));
}

#[test]
fn p56_python_by_an_abstract_name() {
    over_an_abstract_name(|at| python("UNIX", at));
}

#[test]
fn a_client_that_is_bound_to_a_path_is_told_by_it() {
    let folder = Folder::new();
    let (here, there) = (folder.at("here"), folder.at("there"));
    let peer = echoes(SocketFactory::unix_listen(&here), |at| {
        socat("UNIX-CONNECT", &format!("{at},bind={}", there.display()))
    });
    assert_eq!(peer.path(), Some(&*there));
}

#[test]
fn an_ipv4_client_of_a_listener_of_both_families_is_told_by_its_ipv4_address() {
    let both = || SocketFactory::listen("[::]:0").only_v6(false);
    let at = |host: &str, at: &Address| format!("{host}:{}", at.port().unwrap());
    let peer = echoes(both(), |place| socat("TCP4", &at("127.0.0.1", place)));
    assert_eq!(peer.ip().unwrap().to_string(), "127.0.0.1");
    let peer = echoes(both(), |place| socat("TCP6", &at("[::1]", place)));
    assert_eq!(peer.ip().unwrap().to_string(), "::1");
}

/// More than any buffer on the way holds.
#[test]
fn sixteen_mebibytes_come_back_as_they_were() {
    let script = "
import hashlib, threading
words = bytes(range(256)) * 65536
def speak():
    client.sendall(words)
    client.shutdown(socket.SHUT_WR)
speaker = threading.Thread(target=speak)
speaker.start()
heard, length = hashlib.sha256(), 0
while part := client.recv(65536):
    heard.update(part)
    length += len(part)
speaker.join()
same = heard.digest() == hashlib.sha256(words).digest()
print(length, same)
";
    let folder = Folder::new();
    let servers = [
        ("INET", SocketFactory::listen("127.0.0.1:0")),
        ("INET6", SocketFactory::listen("[::1]:0")),
        ("UNIX", SocketFactory::unix_listen(folder.at("here"))),
    ];
    for (family, server) in servers {
        let (mut end, place) = End::echo(server);
        let client = program::python_client(family, "STREAM", &place, script, &[]);
        assert_eq!(client.finish(&mut end.kernel), b"16777216 True\n", "{family}");
        assert_eq!(end.failures(), []);
        end.end();
    }
}
