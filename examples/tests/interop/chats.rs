//! The chat server, and netcat and Python as its guests.

use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;

use crate::foreign;
use crate::program::{End, Program, Server};

fn netcat(server: &Server) -> Program {
    let port = server.address.port().to_string();
    foreign::start_with("nc", &["-N", "127.0.0.1", &port], Stdio::piped())
}

#[test]
fn two_netcats_talk() {
    let server = Server::start_program("chat_server", &[], None);
    let (mut alice, mut bob) = (netcat(&server), netcat(&server));
    let (mut alices, mut bobs) = (alice.stdin(), bob.stdin());
    alices.write_all(b"alice\n").unwrap();
    assert_eq!(alice.line(), "* your nickname?\r\n");
    assert_eq!(alice.line(), "* alice, you are in lobby\r\n");
    bobs.write_all(b"bob\nhello\n").unwrap();
    assert_eq!(alice.line(), "* bob has joined\r\n");
    assert_eq!(alice.line(), "<bob> hello\r\n");
    alices.write_all(b"good bye\n/quit\n").unwrap();
    drop(alices);
    assert_eq!(alice.end(), End::printed("* good bye\r\n"));
    drop(bobs);
    let heard = "* your nickname?\r\n* bob, you are in lobby\r\n<alice> good bye\r\n";
    assert_eq!(bob.end(), End::printed(format!("{heard}* alice has left\r\n")));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

/// Fifty in five rooms, each of whom says a hundred lines and hears all that the nine others say, in order.
#[test]
fn fifty_pythons_talk_in_five_rooms() {
    let server = Server::start_program("chat_server", &[], None);
    let script = "
import collections, socket, sys, threading
ready, done = threading.Barrier(50), threading.Barrier(50)
failed = []
def guest(number):
    stream = socket.create_connection(('127.0.0.1', int(sys.argv[1]))).makefile('rw', newline='\\n')
    def say(line):
        stream.write(line + '\\n')
        stream.flush()
    def hear(last):
        while stream.readline() != last + '\\r\\n':
            pass
    name, room = 'guest%d' % number, 'room%d' % (number % 5)
    say(name)
    say('/join ' + room)
    hear('* %s, you are in %s' % (name, room))
    ready.wait()
    for line in range(100):
        say('line %d' % line)
    heard = collections.defaultdict(list)
    while sum(map(len, heard.values())) < 900:
        line = stream.readline().strip()
        if line.startswith('<'):
            speaker, said = line[1:].split('> ')
            heard[speaker].append(said)
    expected = ['line %d' % line for line in range(100)]
    others = {'guest%d' % other for other in range(number % 5, 50, 5)} - {name}
    if heard != {other: expected for other in others}:
        failed.append(name)
    done.wait()
    say('/quit')
    hear('* good bye')
threads = [threading.Thread(target=guest, args=(number,)) for number in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failed)
";
    let port = server.address.port().to_string();
    assert_eq!(foreign::run("python3", &["-c", script, &port]), "[]\n");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}
