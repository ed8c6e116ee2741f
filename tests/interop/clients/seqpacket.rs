//! Messages over a connection.

use testkit::unix::Folder;
use wheels::{SocketFactory, SocketType};

use crate::program::{self, Program};
use crate::session::End;

const MESSAGES: [&[u8]; 3] = [b"one", b"two\r\n\0\xff", b"\n"];

#[test]
fn socat_by_a_path_and_by_an_abstract_name() {
    let folder = Folder::new();
    let here = folder.at("here");
    let name = program::abstract_name(&here);
    let path = here.display().to_string();
    let places = [
        (path.clone(), format!("UNIX-CONNECT:{path},socktype=5")),
        (name.clone(), format!("ABSTRACT-CONNECT:{},socktype=5", &name[1..])),
    ];
    for (place, client) in places {
        let server = SocketFactory::unix_listen(&place).socket_type(SocketType::SeqPacket);
        let (mut end, _) = End::echo(server);
        let mut client = Program::start("socat", &["-t60", "-", &client]);
        let mut all = Vec::new();
        for message in MESSAGES {
            client.say(message);
            all.extend_from_slice(message);
            client.run_until_said(&mut end.kernel, all.len());
        }
        assert_eq!(client.finish(&mut end.kernel), all);
        end.run_until_told("its end", |told| told.ends == 1);
        let heard: Vec<_> =
            end.told.borrow().messages.iter().map(|(message, _)| message.clone()).collect();
        assert_eq!(heard, MESSAGES);
        assert_eq!(end.failures(), []);
        end.end();
    }
}

#[test]
fn python_hears_every_message_by_itself() {
    let folder = Folder::new();
    let script = "
client.settimeout(60)
many = [bytes([n]) * (n * n + 1) for n in range(100)] + [bytes(100000)]
for message in many[:50]:
    client.send(message)
print([client.recv(200000) for _ in many[:50]] == many[:50])
for message in many[50:]:
    client.send(message)
    print(client.recv(200000) == message, end=' ')
client.shutdown(socket.SHUT_WR)
print(client.recv(100))
";
    let server = SocketFactory::unix_listen(folder.at("here")).socket_type(SocketType::SeqPacket);
    let (mut end, place) = End::echo(server);
    let client = program::python_client("UNIX", "SEQPACKET", &place, script, &[]);
    let said = String::from_utf8(client.finish(&mut end.kernel)).unwrap();
    // What is longer than the wheel receives is cut, and comes back so.
    assert_eq!(said, "True\n".to_owned() + &"True ".repeat(50) + "False b''\n");
    assert_eq!((end.told.borrow().ends, &end.failures()[..]), (1, &[][..]));
    end.end();
}
