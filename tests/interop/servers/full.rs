//! Servers that are too busy to accept.

use std::time::Duration;

use testkit::unix::Folder;
use wheels::{Operation, SocketFactory};

use crate::program::{self, Program};
use crate::session::{End, Manner};

const EAGAIN: i32 = 11;
const ETIMEDOUT: i32 = 110;

/// Its queue has room for one, who is there already. It accepts when it is told to.
fn full(family: &str, path: &str, end: &mut End) -> (Program, u16) {
    let script = "
listener.listen(0)
first = socket.socket(listener.family)
first.connect(listener.getsockname())
up()
sys.stdin.buffer.read(1)
listener.accept()
client, _ = listener.accept()
say(client.recv(100))
";
    let mut server = program::python_server(family, "STREAM", path, script);
    let port = server.run_until_line(&mut end.kernel).parse().unwrap();
    (server, port)
}

#[test]
fn p06_who_finds_the_queue_of_a_path_full_gets_in_when_there_is_room() {
    let folder = Folder::new();
    let path = folder.at("there");
    let mut end = End::new(Manner::Speak(b"hello".into()));
    let (mut server, _) = full("UNIX", &path.display().to_string(), &mut end);
    end.build(SocketFactory::unix_connect(&path));
    for _ in 0..10 {
        end.kernel.run_one_turn(Duration::from_millis(1)).unwrap();
    }
    assert!(end.told.borrow().peers.is_empty());
    server.say(b".");
    assert_eq!(server.finish(&mut end.kernel), b"0\nb'hello'\n");
    assert_eq!((end.told.borrow().peers.len(), end.failures()), (1, vec![]));
    end.end();
}

#[test]
fn p06_a_queue_of_a_path_that_stays_full_is_given_up_in_time() {
    let folder = Folder::new();
    let path = folder.at("there");
    let mut end = End::new(Manner::Listen);
    let _server = full("UNIX", &path.display().to_string(), &mut end);
    end.build(SocketFactory::unix_connect(&path).connect_timeout(Duration::from_millis(50)));
    assert_eq!(end.run_until_failed(), (Operation::Connect, EAGAIN));
    end.end();
}

/// What is dropped at the door is sent again by the system, a second later.
#[test]
fn who_finds_the_queue_of_a_port_full_gets_in_when_there_is_room() {
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let mut end = End::new(Manner::Speak(b"hello".into()));
        let (mut server, port) = full(family, "", &mut end);
        end.build(SocketFactory::connect((host, port)));
        for _ in 0..10 {
            end.kernel.run_one_turn(Duration::from_millis(1)).unwrap();
        }
        assert!(end.told.borrow().peers.is_empty());
        server.say(b".");
        let said = server.finish(&mut end.kernel);
        assert!(said.ends_with(b"\nb'hello'\n"));
        assert_eq!((end.told.borrow().peers.len(), end.failures()), (1, vec![]));
        end.end();
    }
}

#[test]
fn a_queue_of_a_port_that_stays_full_is_given_up_in_time() {
    for (family, host) in [("INET", "127.0.0.1"), ("INET6", "::1")] {
        let mut end = End::new(Manner::Listen);
        let (_server, port) = full(family, "", &mut end);
        let builder = SocketFactory::connect((host, port));
        end.build(builder.connect_timeout(Duration::from_millis(50)));
        assert_eq!(end.run_until_failed(), (Operation::Connect, ETIMEDOUT));
        end.end();
    }
}
