//! A program and its clients, on which a script is played.
//!
//! Promises that nobody waits for ever: sockets give up after a minute, as the program does.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::process::Signal;

use crate::program::Program;
use crate::script::{Language, Script, Step};

#[derive(Debug)]
pub(crate) struct Stage<L> {
    launch: L,
    program: Option<Program>,
    address: Option<SocketAddr>,
    parties: BTreeMap<String, Party>,
    /// What was heard so far, but for what is not compared.
    heard: String,
}

#[derive(Debug)]
enum Party {
    Stream(BufReader<TcpStream>),
    Mailbox(UdpSocket),
    Listener(TcpListener),
}

impl<L: FnMut(&[String]) -> Program> Stage<L> {
    /// Plays the script with the program that `launch` starts, and gives all that was heard.
    pub(crate) fn play(script: &Script, language: Language, launch: L) -> String {
        let (parties, heard) = (BTreeMap::new(), String::new());
        let mut stage = Self { launch, program: None, address: None, parties, heard };
        for step in script.steps.iter().filter(|step| step.is_of(language)) {
            match stage.step(step) {
                Ok(heard) => stage.note(step, heard),
                Err(error) => panic!("{language:?}, {step:?}: {error}; so far:\n{}", stage.heard),
            }
        }
        assert!(stage.program.is_none(), "the script sees the program's end");
        stage.rest();
        stage.heard
    }

    fn note(&mut self, step: &Step, heard: Option<String>) {
        if let Some(heard) = heard.filter(|_| step.only.is_none()) {
            self.heard += &format!("{} {} {heard}\n", step.who, step.what);
        }
    }

    /// What comes of a step, if it is something that one hears.
    fn step(&mut self, step: &Step) -> Result<Option<String>, Wrong> {
        if step.who == "program" {
            return self.step_of_program(step);
        }
        let party = match step.what.as_str() {
            "connects" => stream(TcpStream::connect(self.address()?)?)?,
            "binds" => Party::Mailbox(mailbox(self.address()?)?),
            "listens" => Party::Listener(listener()?),
            "hears" => stream(self.party(&step.who)?.accept()?)?,
            "closes" => {
                self.parties.remove(&step.who).ok_or("nobody of that name")?;
                return Ok(None);
            }
            _ => return self.party(&step.who)?.step(step),
        };
        let name = if step.what == "hears" { &step.text } else { &step.who };
        self.parties.insert(name.clone(), party);
        Ok(None)
    }

    fn step_of_program(&mut self, step: &Step) -> Result<Option<String>, Wrong> {
        if step.what == "starts" {
            let arguments = step.text.split(' ').map(|argument| self.argument(argument));
            let arguments = arguments.collect::<Result<Vec<String>, Wrong>>()?;
            self.program = Some((self.launch)(&arguments));
            return Ok(None);
        }
        if step.what == "ends" {
            return self.end(&step.text).map(Some);
        }
        let program = self.program.as_mut().ok_or("it was not started")?;
        match step.what.as_str() {
            "listens" => {
                let line = program.line();
                let address =
                    line.strip_prefix("listening on ").and_then(|at| at.trim_end().parse().ok());
                let mut address: SocketAddr = address.ok_or_else(|| format!("it said {line:?}"))?;
                let heard = address.ip().to_string();
                if address.ip().is_unspecified() {
                    address.set_ip(Ipv4Addr::LOCALHOST.into());
                }
                self.address = Some(address);
                Ok(Some(heard))
            }
            "says" => expect(program.line().as_bytes(), &step.text).map(Some),
            "gets" => {
                let signal = if step.text == "INT" { Signal::INT } else { Signal::TERM };
                program.kill(signal);
                Ok(None)
            }
            what => Err(format!("a program cannot do that: {what}").into()),
        }
    }

    /// The program has ended as it should.
    fn end(&mut self, expected: &str) -> Result<String, Wrong> {
        let end = self.program.take().ok_or("it was not started")?.end();
        let code = end.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        let heard = format!("{code} {}", end.stderr);
        if heard.trim_end() != expected || !end.stdout.is_empty() {
            return Err(format!("{end:?}").into());
        }
        Ok(heard.escape_debug().to_string())
    }

    /// What those who are left have not heard yet.
    fn rest(&mut self) {
        for (name, party) in &mut self.parties {
            if let Party::Stream(stream) = party {
                let mut bytes = Vec::new();
                let end = stream.read_to_end(&mut bytes).map_err(|error| error.kind());
                let bytes = bytes.escape_ascii();
                self.heard += &format!("{name} is left with {end:?} {bytes}\n");
            }
        }
    }

    fn argument(&mut self, argument: &str) -> Result<String, Wrong> {
        match argument.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Ok(self.party(name)?.port()?.to_string()),
            None => Ok(argument.to_owned()),
        }
    }

    fn address(&self) -> Result<SocketAddr, Wrong> {
        self.address.ok_or_else(|| "it has not said yet where it listens".into())
    }

    fn party(&mut self, name: &str) -> Result<&mut Party, Wrong> {
        self.parties.get_mut(name).ok_or_else(|| "nobody of that name".into())
    }
}

impl Party {
    fn step(&mut self, step: &Step) -> Result<Option<String>, Wrong> {
        match (step.what.as_str(), self) {
            ("sends", Self::Stream(stream)) => {
                stream.get_mut().write_all(format!("{}\n", step.text).as_bytes())?;
            }
            ("types", Self::Stream(stream)) => stream.get_mut().write_all(step.text.as_bytes())?,
            ("ends", Self::Stream(stream)) => stream.get_mut().shutdown(Shutdown::Write)?,
            ("gets", Self::Stream(stream)) => {
                let mut line = Vec::new();
                stream.read_until(b'\n', &mut line)?;
                return expect(&line, &step.text).map(Some);
            }
            ("is", Self::Stream(stream)) => {
                let mut line = Vec::new();
                stream.read_until(b'\n', &mut line)?;
                return expect(&line, "").map(|_| Some(step.text.clone()));
            }
            ("sends", Self::Mailbox(socket)) => {
                socket.send(step.text.as_bytes())?;
            }
            ("gets", Self::Mailbox(socket)) => {
                let mut message = [0; 2000];
                let length = socket.recv(&mut message)?;
                return expect(&message[..length], &step.text).map(Some);
            }
            (what, party) => return Err(format!("{party:?} cannot do that: {what}").into()),
        }
        Ok(None)
    }

    fn accept(&self) -> Result<TcpStream, Wrong> {
        match self {
            Self::Listener(listener) => Ok(listener.accept()?.0),
            Self::Stream(_) | Self::Mailbox(_) => Err("it does not listen".into()),
        }
    }

    fn port(&self) -> Result<u16, Wrong> {
        match self {
            Self::Listener(listener) => Ok(listener.local_addr()?.port()),
            Self::Stream(_) | Self::Mailbox(_) => Err("it does not listen".into()),
        }
    }
}

type Wrong = Box<dyn std::error::Error>;

fn stream(stream: TcpStream) -> io::Result<Party> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(Party::Stream(BufReader::new(stream)))
}

fn listener() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    set_socket_timeout(&listener, Timeout::Recv, Some(PATIENCE))?; // of accept(2), too
    Ok(listener)
}

fn mailbox(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(address)?;
    Ok(socket)
}

/// What came, as it came, if it is the line that was expected.
fn expect(came: &[u8], expected: &str) -> Result<String, Wrong> {
    let heard = came.escape_ascii().to_string();
    let line = came.strip_suffix(b"\n").unwrap_or(came);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line == expected.as_bytes() { Ok(heard) } else { Err(format!("it was {heard:?}").into()) }
}

const PATIENCE: Duration = Duration::from_secs(60);
