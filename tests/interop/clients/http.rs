//! curl asks a server that answers in a few words of HTTP: what it was asked, and who asked.

use testkit::unix::Folder;
use wheels::{Address, SocketFactory, SocketFactoryBuilder};

use crate::program::{self, Program};
use crate::session::{End, Manner};

struct Server {
    end: End,
    place: Address,
}

impl Server {
    fn start(builder: SocketFactoryBuilder) -> Self {
        let (end, place) = End::serve(Manner::Http, builder);
        Self { end, place }
    }

    /// What it answers at this host, on its own port.
    #[track_caller]
    fn answers(&mut self, flags: &[&str], host: &str) -> String {
        let port = self.place.port().map_or_else(String::new, |port| format!(":{port}"));
        let url = format!("http://{host}{port}/path");
        let args = [&["-sS", "--max-time", "60", "-A", ""], flags, &[&url]].concat();
        let said = Program::start("curl", &args).finish(&mut self.end.kernel);
        String::from_utf8(said).unwrap()
    }

    /// curl says that nobody answers there.
    fn refuses(&mut self, host: &str) {
        let url = format!("http://{host}:{}/", self.place.port().unwrap());
        let mut client = Program::start("curl", &["-sS", "--max-time", "60", &url]);
        let (status, said) = client.run_to_end(&mut self.end.kernel);
        assert_eq!((status.code(), said), (Some(COULD_NOT_CONNECT), vec![]), "{}", client.noted());
    }

    fn end(self) {
        assert_eq!(self.end.failures(), []);
        self.end.end();
    }
}

/// Of curl(1).
const COULD_NOT_CONNECT: i32 = 7;

const V4: &str = "GET /path HTTP/1.1, says 127.0.0.1\n";
const V6: &str = "GET /path HTTP/1.1, says ::1\n";

#[test]
fn of_each_family_by_itself() {
    let mut server = Server::start(SocketFactory::listen("127.0.0.1:0"));
    assert_eq!(server.answers(&[], "127.0.0.1"), V4);
    assert_eq!(server.answers(&["-4"], "localhost"), V4);
    server.refuses("[::1]");
    server.end();

    let mut server = Server::start(SocketFactory::listen("[::1]:0"));
    assert_eq!(server.answers(&[], "[::1]"), V6);
    assert_eq!(server.answers(&["-6"], "localhost"), V6);
    server.refuses("127.0.0.1");
    server.end();
}

#[test]
fn a_listener_on_all_of_ipv6_leaves_ipv4_alone() {
    let mut server = Server::start(SocketFactory::listen("[::]:0"));
    assert_eq!(server.answers(&["-6"], "localhost"), V6);
    server.refuses("127.0.0.1");
    server.end();
}

#[test]
fn one_socket_of_both_families_answers_both() {
    let mut server = Server::start(SocketFactory::listen("[::]:0").only_v6(false));
    assert_eq!(server.answers(&["-4"], "localhost"), V4);
    assert_eq!(server.answers(&["-6"], "localhost"), V6);
    server.end();
}

#[test]
fn a_listener_everywhere_answers_both() {
    let mut server = Server::start(SocketFactory::listen_everywhere(0));
    let ports: Vec<_> = server
        .end
        .act(|host, cx| host.factories[0].local_addrs(cx).iter().map(Address::port).collect());
    assert_eq!(ports, [server.place.port(); 2], "two sockets on one port");
    assert_eq!(server.answers(&["-4"], "localhost"), V4);
    assert_eq!(server.answers(&["-6"], "localhost"), V6);
    server.end();
}

#[test]
fn by_a_path_and_by_an_abstract_name() {
    let folder = Folder::new();
    let path = folder.at("here");
    let unnamed = "GET /path HTTP/1.1, says unnamed\n";
    let mut server = Server::start(SocketFactory::unix_listen(&path));
    let at = path.display().to_string();
    assert_eq!(server.answers(&["--unix-socket", &at], "any.test"), unnamed);
    server.end();

    let name = program::abstract_name(&path);
    let mut server = Server::start(SocketFactory::unix_listen(&name));
    assert_eq!(server.answers(&["--abstract-unix-socket", &name[1..]], "any.test"), unnamed);
    server.end();
}

#[test]
fn several_requests_on_one_connection_and_several_connections() {
    let mut server = Server::start(SocketFactory::listen("127.0.0.1:0"));
    let url = format!("http://{}/path", server.place);
    assert_eq!(server.answers(&[&url, &url], "127.0.0.1"), V4.repeat(3));
    assert_eq!(server.end.told.borrow().peers.len(), 1);
    for _ in 0..3 {
        assert_eq!(server.answers(&[], "127.0.0.1"), V4);
    }
    assert_eq!(server.end.told.borrow().peers.len(), 4);
    server.end();
}
