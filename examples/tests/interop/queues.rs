//! The queue of jobs, and netcat and Python as its clients.

use std::fs::File;
use std::process::Stdio;

use rustix::process::Signal;

use crate::folder::Folder;
use crate::foreign;
use crate::program::{End, Server};

/// What scripts begin with: `ask` on a connection of one's own.
const CLIENT: &str = "
import socket, sys, threading, time
class Client:
    def __init__(self):
        self.stream = socket.create_connection(('127.0.0.1', int(sys.argv[1]))).makefile('rw')
    def ask(self, line):
        print(line, file=self.stream, flush=True)
        return self.stream.readline().rstrip('\\n')
";

fn python(server: &Server, script: &str) -> String {
    let script = format!("{CLIENT}{script}");
    foreign::run("python3", &["-c", &script, &server.address.port().to_string()])
}

#[test]
fn netcat_has_a_conversation() {
    let server = Server::start_program("job_queue", &[], None);
    let folder = Folder::new("queue_netcat");
    let port = server.address.port().to_string();
    let talk = |lines: &str| {
        std::fs::write(folder.at("input"), lines).unwrap();
        let input = File::open(folder.at("input")).unwrap();
        let end = foreign::start_with("nc", &["-N", "127.0.0.1", &port], input.into()).end();
        assert_eq!(end, End::printed(&end.stdout));
        end.stdout
    };
    assert_eq!(talk("put q one\nput q two words\nquit\n"), "put 1\nput 2\n");
    let said = talk("get q\ndone 1\nget q\nstats\n");
    let stats = "ready 0 given 1 buried 0 done 1 waiting 0\n";
    assert_eq!(said, format!("job 1 one\ndone\njob 2 two words\n{stats}"));
    // It ended with a job in its hands.
    assert_eq!(talk("get q\ndone 2\n"), "job 2 two words\ndone\n");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn pythons_workers_do_what_its_clients_put() {
    let server = Server::start_program("job_queue", &[], None);
    let script = "
done = []
def work():
    client = Client()
    while True:
        word, id, text = client.ask('get squares 60000').split(' ', 2)
        assert word == 'job'
        assert client.ask('done ' + id) == 'done'
        if text == 'stop':
            return
        done.append(int(text) ** 2)
workers = [threading.Thread(target=work) for _ in range(5)]
for worker in workers:
    worker.start()
client = Client()
for number in range(200):
    assert client.ask('put squares %d' % number).startswith('put ')
for worker in workers:
    client.ask('put squares stop')
for worker in workers:
    worker.join()
assert sorted(done) == [number ** 2 for number in range(200)], done
print(client.ask('stats'))
";
    assert_eq!(python(&server, script), "ready 0 given 0 buried 0 done 205 waiting 0\n");
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn a_python_that_is_killed_gives_its_job_back() {
    let server = Server::start_program("job_queue", &[], None);
    let script = "
client = Client()
client.ask('put q precious')
print(client.ask('get q'), flush=True)
sys.stdin.read()
";
    let script = format!("{CLIENT}{script}");
    let port = server.address.port().to_string();
    let mut worker = foreign::start_with("python3", &["-c", &script, &port], Stdio::piped());
    assert_eq!(worker.line(), "job 1 precious\n");
    let other = "
client = Client()
print(client.ask('get q'), flush=True)
print(client.ask('get q 60000'))
print(client.ask('done 1'))
";
    let other = format!("{CLIENT}{other}");
    let mut other = foreign::start("python3", &["-c", &other, &port]);
    assert_eq!(other.line(), "none\n");
    assert_eq!(worker.end_by(Signal::KILL).code, None);
    assert_eq!(other.end(), End::printed("job 1 precious\ndone\n"));
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}

#[test]
fn a_job_that_python_does_too_slowly_goes_to_the_next() {
    let arguments = ["--time", "100", "--tries", "2"];
    let server = Server::start_program("job_queue", &arguments, None);
    let script = "
slow, next = Client(), Client()
slow.ask('put q late')
print(slow.ask('get q'))
print(next.ask('get q 60000'))
print(slow.ask('done 1'))
while slow.ask('stats') != 'ready 0 given 0 buried 1 done 0 waiting 0':
    pass
print(next.ask('get q'), next.ask('kick q'), next.ask('get q'), next.ask('quit'), sep=', ')
";
    let said = "job 1 late\njob 1 late\nunknown\nnone, kicked 1, job 1 late, \n";
    assert_eq!(python(&server, script), said);
    assert_eq!(server.end(Signal::TERM), End::silent(0));
}
