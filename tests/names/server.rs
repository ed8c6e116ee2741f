//! A name server that answers when the test wants it to, and notes what it was asked (RFC 1035).

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use reactor::Kernel;
use testkit::net;
use testkit::rig::Rig;

/// A question as it came. One that is repeated has the same number.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Question {
    number: [u8; 2],
    name: String,
    kind: u16,
}

impl Question {
    fn is(&self, name: &str, kind: u16) -> bool {
        self.kind == kind && self.name == name
    }
}

/// The only server there is. It is silent until it is told to speak.
pub(crate) struct Server {
    socket: UdpSocket,
    arrivals: Receiver<(Question, Vec<u8>, SocketAddr)>,
    asked: HashSet<Question>,
    waiting: Vec<(Question, Vec<u8>, SocketAddr)>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("the port is ours");
        let (arrived, arrivals) = channel();
        let ear = socket.try_clone().expect("a copy");
        thread::spawn(move || listen(&ear, &arrived));
        Self { socket, arrivals, asked: HashSet::new(), waiting: Vec::new() }
    }

    /// How many lookups there were of a name. Each asks once for each family.
    pub(crate) fn count(&mut self, name: &str) -> usize {
        self.take_in();
        let of_kind = |kind| self.asked.iter().filter(|asked| asked.is(name, kind)).count();
        of_kind(A).max(of_kind(AAAA))
    }

    /// Runs the kernel until there were so many lookups of a name.
    pub(crate) fn await_lookups(&mut self, kernel: &mut Kernel, name: &str, count: usize) {
        net::run_until(kernel, name, || self.count(name) >= count);
    }

    /// Answers what was asked for so far: names have this address, or there are none if it is absent.
    fn speak(&mut self, address: Option<Ipv4Addr>) {
        self.take_in();
        for (question, packet, from) in self.waiting.drain(..) {
            let answer = answer(&question, &packet, address);
            self.socket.send_to(&answer, from).expect("a datagram to ourselves");
        }
    }

    /// Answers so until the session has heard so many things since the beginning.
    pub(crate) fn speak_until(&mut self, rig: &mut Rig, address: Option<Ipv4Addr>, count: usize) {
        rig.run_until("what the server's answers lead to", |heard| {
            self.speak(address);
            heard.len() >= count
        });
    }

    fn take_in(&mut self) {
        for arrival in self.arrivals.try_iter() {
            self.asked.insert(arrival.0.clone());
            self.waiting.push(arrival);
        }
    }
}

fn listen(socket: &UdpSocket, arrived: &Sender<(Question, Vec<u8>, SocketAddr)>) {
    let mut buffer = [0; 1024];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let packet = buffer[..length].to_vec();
        if arrived.send((read(&packet), packet, from)).is_err() {
            return;
        }
    }
}

fn read(packet: &[u8]) -> Question {
    let (name, end) = read_name(&packet[HEADER..]);
    let kind = &packet[HEADER + end..];
    Question { number: [packet[0], packet[1]], name, kind: u16::from_be_bytes([kind[0], kind[1]]) }
}

/// Labels, each with its length before it, up to one of length zero.
fn read_name(bytes: &[u8]) -> (String, usize) {
    let (mut labels, mut at) = (Vec::new(), 0);
    while bytes[at] > 0 {
        let end = at + 1 + usize::from(bytes[at]);
        labels.push(String::from_utf8_lossy(&bytes[at + 1..end]).into_owned());
        at = end;
    }
    (labels.join("."), at + 1)
}

/// The question again, and behind it an address if there is one of this kind.
fn answer(question: &Question, packet: &[u8], address: Option<Ipv4Addr>) -> Vec<u8> {
    const RESPONSE: u8 = 0x80;
    const RECURSION_DESIRED: u8 = 0x01;
    const RECURSION_AVAILABLE: u8 = 0x80;
    const NO_SUCH_NAME: u8 = 3;

    let code = if address.is_none() { NO_SUCH_NAME } else { 0 };
    let address = address.filter(|_| question.kind == A);
    let (_, end) = read_name(&packet[HEADER..]);
    let mut answer = question.number.to_vec();
    answer.extend([RESPONSE | RECURSION_DESIRED, RECURSION_AVAILABLE | code]);
    answer.extend([0, 1, 0, u8::from(address.is_some()), 0, 0, 0, 0]);
    answer.extend(&packet[HEADER..HEADER + end + 4]);
    if let Some(address) = address {
        // The name is where the question has it; type A, class IN, to be forgotten at once, four octets.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address.octets());
    }
    answer
}

const HEADER: usize = 12;
const A: u16 = 1;
const AAAA: u16 = 28;
