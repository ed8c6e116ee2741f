//! Clients that end otherwise than servers like.

use wheels::{Operation, SocketFactory};

use crate::program;
use crate::session::{End, Manner};

const ECONNRESET: i32 = 104;

/// A listener that goes on, whatever its client did: the next is served.
#[track_caller]
fn serves_another(end: &mut End, place: &wheels::Address) {
    let script = "client.sendall(b'!'); client.shutdown(socket.SHUT_WR); print(client.recv(2))";
    let client = program::python_client("INET", "STREAM", place, script, &[]);
    assert_eq!(client.finish(&mut end.kernel), b"b'!'\n");
}

#[test]
fn who_says_no_more_still_hears_all() {
    let script = "
client.sendall(b'x' * 100000)
client.shutdown(socket.SHUT_WR)
heard = b''
while part := client.recv(1000):
    heard += part
print(heard == b'x' * 100000)
";
    let (mut end, place) = End::echo(SocketFactory::listen("127.0.0.1:0"));
    let client = program::python_client("INET", "STREAM", &place, script, &[]);
    assert_eq!(client.finish(&mut end.kernel), b"True\n");
    assert_eq!((end.told.borrow().ends, &end.failures()[..]), (1, &[][..]));
    end.end();
}

#[test]
fn a_reset_is_a_failure_to_read_after_all_that_came() {
    let script = "
client.sendall(b'before')
client.recv(6)
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
";
    let (mut end, place) = End::echo(SocketFactory::listen("127.0.0.1:0"));
    let client = program::python_client("INET", "STREAM", &place, script, &[]);
    client.finish(&mut end.kernel);
    end.run_until_told("the reset", |told| !told.failures.is_empty());
    assert_eq!(end.failures(), [(Operation::Read, ECONNRESET)]);
    assert_eq!((&end.told.borrow().bytes[..], end.told.borrow().ends), (&b"before"[..], 0));
    serves_another(&mut end, &place);
    end.end();
}

/// Linux gives such a connection out all the same; it is over when it is first read.
#[test]
fn p04_a_reset_before_it_was_accepted_is_the_clients_alone() {
    let (mut end, place) = End::echo(SocketFactory::listen("127.0.0.1:0"));
    end.act(|host, cx| host.factories[0].pause_accept(cx));
    let script = "
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
";
    program::python_client("INET", "STREAM", &place, script, &[]).finish(&mut end.kernel);
    end.act(|host, cx| host.factories[0].resume_accept(cx));
    serves_another(&mut end, &place);
    assert!(end.failures().iter().all(|(operation, _)| *operation == Operation::Read));
    end.end();
}

/// Data beyond the stream's end is not asked for: the server closes, and the client hears of it.
#[test]
fn a_client_that_is_hung_up_on_is_told() {
    let script = "
client.settimeout(60)
print(client.recv(1))
";
    let (mut end, place) = End::serve(Manner::Listen, SocketFactory::listen("127.0.0.1:0"));
    let client = program::python_client("INET", "STREAM", &place, script, &[]);
    end.run_until_told("the client", |told| told.peers.len() == 1);
    end.act(|host, _| host.streams.clear());
    assert_eq!(client.finish(&mut end.kernel), b"b''\n");
    end.end();
}

#[test]
fn urgent_data_is_no_data_and_no_end() {
    let script = "
client.sendall(b'one')
client.send(b'!', socket.MSG_OOB)
client.sendall(b'two')
client.shutdown(socket.SHUT_WR)
heard = b''
while part := client.recv(1000):
    heard += part
print(heard)
";
    let (mut end, place) = End::echo(SocketFactory::listen("127.0.0.1:0"));
    let client = program::python_client("INET", "STREAM", &place, script, &[]);
    assert_eq!(client.finish(&mut end.kernel), b"b'onetwo'\n");
    assert_eq!((end.told.borrow().ends, &end.failures()[..]), (1, &[][..]));
    end.end();
}
