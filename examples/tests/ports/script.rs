//! What the clients of a program say, and what they expect to hear.
//!
//! A script is lines, played one after the other; `#` begins a comment. Each expectation is waited for, so
//! that nothing depends on who is faster.
//!
//! ```text
//! program starts ARGUMENT...    the port of a listener for {its name}
//! program listens               says so; clients can connect from here on
//! program says LINE             on its standard output
//! program gets TERM             or INT
//! program ends CODE [TEXT]      and has said so much on its standard error
//! NAME connects                 a client
//! NAME binds                    a client of datagrams
//! NAME listens                  on a port of its own
//! NAME hears OTHER              accepts a connection, which is OTHER
//! NAME sends LINE               or a datagram; \n makes several lines of it
//! NAME types TEXT               no line yet
//! NAME gets LINE                or a datagram
//! NAME ends                     sends no more
//! NAME closes                   is gone
//! NAME is done                  the program has ended the connection
//! ```
//!
//! What only one of them does has `perl:` or `rust:` before it, and is not compared.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Perl,
    Rust,
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    /// Where in the script, from one.
    pub(crate) line: usize,
    /// Whose alone.
    pub(crate) only: Option<Language>,
    pub(crate) who: String,
    pub(crate) what: String,
    pub(crate) text: String,
}

impl Script {
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Self { steps: lines.map(|(number, line)| Step::parse(number + 1, line)).collect() }
    }
}

impl Step {
    /// Whether it is played with the program in that language.
    pub(crate) fn is_of(&self, language: Language) -> bool {
        self.only.is_none_or(|only| only == language)
    }

    fn parse(line: usize, text: &str) -> Self {
        let (only, text) = match text.split_once(": ") {
            Some(("perl", rest)) => (Some(Language::Perl), rest),
            Some(("rust", rest)) => (Some(Language::Rust), rest),
            Some(_) | None => (None, text),
        };
        let mut words = text.splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (who, what, text) = (word(), word(), word().replace("\\n", "\n"));
        Self { line, only, who, what, text }
    }
}
