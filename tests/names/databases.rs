//! Services and protocols: services(5), protocols(5).

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use testkit::private;
use testkit::rig::{Rig, cause};
use wheels::{Address, Failure, Operation, Protocol, SocketFactory, SocketFactoryBuilder};

const EPROTONOSUPPORT: i32 = 93;
const EAI_SERVICE: i32 = -8;

/// On a network that nobody else is on, every port is free.
const GOSSIP: u16 = 7_777;

fn listen() -> (TcpListener, SocketAddr) {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, GOSSIP));
    (TcpListener::bind(addr).expect("bind"), addr)
}

fn loopback() -> SocketFactoryBuilder {
    SocketFactory::builder().remote_address("127.0.0.1")
}

/// Builds it in a session that has nothing else, and says where it was connected to.
fn connects(builder: SocketFactoryBuilder) -> Vec<Address> {
    let mut rig = Rig::start(|host, cx| {
        host.build(cx, builder);
    });
    rig.run_to_end();
    assert_eq!(rig.failures(), []);
    rig.peers()
}

fn fails(builder: SocketFactoryBuilder) -> Failure {
    let rig = Rig::start(|host, cx| {
        host.build(cx, builder);
    });
    rig.only_failure()
}

pub(crate) fn services_and_protocols_are_those_of_the_machine() {
    private::names("");
    private::write("services", "other 1/tcp\ngossip 7777/tcp chatter # talk\ngossip 1/udp\n");
    private::write(
        "protocols",
        "# ours\nmine 6 MINE own\n\nnonsense\nodd x\nlast 252 # the last\n",
    );
    let (_listener, addr) = listen();

    for service in ["gossip", "chatter", "7777"] {
        assert_eq!(connects(loopback().remote_port(service)), [addr], "{service}");
    }
    for service in ["talk", "Gossip", "nonsense"] {
        let failure = fails(loopback().remote_port(service));
        assert_eq!(cause(&failure), (Operation::GetServByName, EAI_SERVICE), "{service}");
        assert_eq!(failure.to_string(), format!("getservbyname: no such service: {service}"));
    }
    for name in ["mine", "MINE", "own", "tcp"] {
        let builder = loopback().remote_port(GOSSIP).socket_protocol(name);
        assert_eq!(connects(builder), [addr], "{name}");
    }
    let unknown = [
        (Protocol::from("Mine"), Operation::GetProtoByName, "getprotobyname", "Mine"),
        (Protocol::from("nonsense"), Operation::GetProtoByName, "getprotobyname", "nonsense"),
        (Protocol::from("odd"), Operation::GetProtoByName, "getprotobyname", "odd"),
        (Protocol::from(""), Operation::GetProtoByName, "getprotobyname", ""),
        (Protocol::from(251), Operation::GetProtoByNumber, "getprotobynumber", "251"),
        (Protocol::from(-1), Operation::GetProtoByNumber, "getprotobynumber", "-1"),
    ];
    for (protocol, operation, call, shown) in unknown {
        let failure = fails(loopback().remote_port(GOSSIP).socket_protocol(protocol));
        assert_eq!(cause(&failure), (operation, EPROTONOSUPPORT));
        assert_eq!(failure.to_string(), format!("{call}: no such protocol: {shown}"));
    }
    // What the database has, the system must still know.
    let failure = fails(loopback().remote_port(GOSSIP).socket_protocol("last"));
    assert_eq!(cause(&failure), (Operation::Socket, EPROTONOSUPPORT));
}

pub(crate) fn a_port_of_a_service_goes_with_every_address_of_a_host() {
    private::names("127.0.0.2 pair.test\n127.0.0.1 pair.test\n");
    private::write("services", "gossip 7777/tcp\n");
    let (_listener, addr) = listen();
    let builder = SocketFactory::builder().remote_address("pair.test").remote_port("gossip");
    assert_eq!(connects(builder), [addr]);
    // The service is looked up first.
    let builder = SocketFactory::builder().remote_address("pair.test").remote_port("absent");
    assert_eq!(cause(&fails(builder)), (Operation::GetServByName, EAI_SERVICE));
}

pub(crate) fn without_databases_hosts_are_found_and_nothing_else_but_the_usual_protocols() {
    private::write("hosts", "127.0.0.1 alone.test\n");
    let (_listener, addr) = listen();
    let alone = SocketFactory::builder().remote_address("alone.test");
    for protocol in [Protocol::from("tcp"), Protocol::from(6), Protocol::from(0)] {
        let builder = alone.clone().remote_port(GOSSIP).socket_protocol(protocol);
        assert_eq!(connects(builder), [addr]);
    }
    assert_eq!(cause(&fails(alone.remote_port("https"))), (Operation::GetServByName, EAI_SERVICE));

    let failure = fails(loopback().remote_port(GOSSIP).socket_protocol("mine"));
    assert_eq!(cause(&failure), (Operation::GetProtoByName, EPROTONOSUPPORT));
    let words = "no such protocol: mine (/etc/protocols: No such file or directory)";
    assert_eq!(failure.errstr, words);
    // Of a number the system itself says whether it is one.
    let failure = fails(loopback().remote_port(GOSSIP).socket_protocol(251));
    assert_eq!(cause(&failure), (Operation::Socket, EPROTONOSUPPORT));
}
