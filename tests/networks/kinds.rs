//! Every kind of factory, at random.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use testkit::net::{Refusing, Silent};
use testkit::private::{self, SILENT_V4, SILENT_V6};
use testkit::random::Random;
use testkit::unix::{self, Folder};
use wheels::{Address, Domain, SocketFactory, SocketFactoryBuilder, SocketType};

/// What there is to connect to beside the factories themselves.
pub(crate) struct World {
    pub(crate) folder: Folder,
    refusing: Refusing,
    silent: Silent,
    full: PathBuf,
    _queue: Vec<socket2::Socket>,
    paths: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        private::names(&format!(
            "{SILENT_V6} many.test\n::1 many.test\n127.0.0.1 many.test\n{SILENT_V4} many.test\n\
             127.0.0.1 four.test\n::1 six.test\n"
        ));
        private::write("services", "gossip 7777/tcp\ngossip 7777/udp\n");
        let folder = Folder::new();
        let full = folder.at("full");
        let mut queue = vec![unix::listening(&full, 0)];
        while let Ok(socket) = unix::try_connect(&full, socket2::Type::STREAM) {
            queue.push(socket);
        }
        let (refusing, silent) = (Refusing::new(), Silent::new());
        Self { folder, refusing, silent, full, _queue: queue, paths: 0 }
    }

    /// A name that nothing is at, as a rule. Some are used again.
    fn path(&mut self, dice: &mut Random) -> PathBuf {
        self.paths += 1;
        let number = if dice.one_in(4) { dice.below(self.paths) } else { self.paths };
        self.folder.at(&number.to_string())
    }

    /// Something that waits for others, or has its sockets handed over.
    pub(crate) fn near(&mut self, dice: &mut Random) -> SocketFactoryBuilder {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let builder = match dice.below(12) {
            0..2 => SocketFactory::listen(any),
            2 => SocketFactory::listen_everywhere(0),
            3 => SocketFactory::listen(any).also("[::1]:0").also(self.path(dice)),
            4 => SocketFactory::unix_listen(self.path(dice).as_path()).mode(0o600),
            5 => SocketFactory::unix_listen(&format!("@drops-{}", dice.below(50))),
            6 => SocketFactory::unix_listen(self.path(dice).as_path())
                .socket_type(SocketType::SeqPacket),
            7 => SocketFactory::listen("four.test:0").also("six.test:0").also(any),
            8 => SocketFactory::listen(any).also("nobody.test:0"),
            9 => SocketFactory::datagram(any).also("[::1]:0"),
            10 => SocketFactory::datagram(self.path(dice)),
            _ => SocketFactory::datagram("four.test:gossip").also("six.test:0"),
        };
        if dice.one_in(4) { builder.listen_queue(1) } else { builder }
    }

    /// Something that connects: to one of these in most cases.
    pub(crate) fn far(&self, near: &[Address], dice: &mut Random) -> SocketFactoryBuilder {
        let place = usize::try_from(dice.below(near.len().max(1) as u64)).expect("a small number");
        let builder = match (dice.below(24), near.get(place)) {
            (0, _) => SocketFactory::connect(self.refusing.addr),
            (1, _) => SocketFactory::connect(self.silent.addr),
            (2, _) => SocketFactory::connect((SILENT_V4, 7)),
            (3, _) => SocketFactory::unix_connect(self.full.as_path()),
            (4, _) => SocketFactory::connect("nobody.test:7"),
            (5, _) => SocketFactory::connect("four.test:nothing"),
            (6, _) => SocketFactory::connect("many.test:gossip"),
            (7, _) => SocketFactory::connect("four.test:gossip").socket_type(SocketType::Dgram),
            (8, _) => SocketFactory::builder().remote_port(7),
            (9, _) => SocketFactory::connect("many.test:7").socket_domain(Domain::Inet6),
            (10..14, Some(Address::Ip(addr))) => {
                SocketFactory::builder().remote_address("many.test").remote_port(addr.port())
            }
            (_, Some(addr)) => SocketFactory::connect(addr.clone()),
            (_, None) => SocketFactory::connect(self.refusing.addr),
        };
        let impatient = Duration::from_millis(dice.below(300));
        match dice.below(4) {
            0 => builder.connect_timeout(impatient),
            1 => builder.resolve_timeout(impatient),
            _ => builder,
        }
    }
}
