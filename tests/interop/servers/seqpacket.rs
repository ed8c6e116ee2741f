//! Messages over a connection.

use testkit::unix::Folder;
use wheels::{SocketFactory, SocketType};

use crate::program::{self, Program};
use crate::session::{End, Manner};

const MESSAGE: &[u8] = b"two\r\n\0\xff";

#[test]
fn socat_by_a_path_and_by_an_abstract_name() {
    let folder = Folder::new();
    let path = folder.at("there").display().to_string();
    let name = program::abstract_name(&folder.at("there"));
    let places = [
        (path.clone(), format!("UNIX-LISTEN:{path},socktype=5")),
        (name.clone(), format!("ABSTRACT-LISTEN:{},socktype=5", &name[1..])),
    ];
    for (place, server) in places {
        let mut end = End::new(Manner::Speak(MESSAGE.into()));
        let mut server = Program::start("socat", &["-dd", "-t60", &server, "PIPE"]);
        server.run_until_up(&mut end.kernel);
        end.build(SocketFactory::unix_connect(&place).socket_type(SocketType::SeqPacket));
        end.run_until_told("a message", |told| !told.messages.is_empty());
        assert_eq!(end.told.borrow().messages[0].0, MESSAGE);
        end.act(|host, _| host.mailboxes.clear());
        server.finish(&mut end.kernel);
        assert_eq!((end.told.borrow().messages.len(), end.failures()), (1, vec![]));
        end.end();
    }
}

#[test]
fn python_ends_the_connection_after_its_messages() {
    let script = "
listener.listen()
up()
client, _ = listener.accept()
say(client.recv(100))
for message in [b'one', b'', b'two']:
    client.send(message)
client.close()
";
    let folder = Folder::new();
    let path = folder.at("there").display().to_string();
    let mut end = End::new(Manner::Speak(MESSAGE.into()));
    let mut server = program::python_server("UNIX", "SEQPACKET", &path, script);
    server.run_until_line(&mut end.kernel);
    end.build(SocketFactory::unix_connect(&path).socket_type(SocketType::SeqPacket));
    end.run_until_told("the end", |told| told.ends == 1);
    assert_eq!(server.finish(&mut end.kernel), b"0\nb'two\\r\\n\\x00\\xff'\n");
    let heard: Vec<_> =
        end.told.borrow().messages.iter().map(|(message, _)| message.clone()).collect();
    assert_eq!((heard, end.failures()), (vec![b"one".to_vec(), vec![], b"two".to_vec()], vec![]));
    end.end();
}
