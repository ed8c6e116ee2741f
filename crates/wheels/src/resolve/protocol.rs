//! Protocols: protocols(5).

use super::{Failed, Question};
use crate::failure::{Operation, describe};
use crate::sys::{self, errno};

/// A protocol of the internet, by its name or number in the system's database, protocols(5).
///
/// Names are compared as getprotobyname(3) does: as they are written, aliases too. `tcp` and `udp`, and
/// their aliases in capitals, are known without it. What it does not have is a
/// [`Failure`](crate::Failure) of `getprotobyname` or `getprotobynumber` with `EPROTONOSUPPORT`; on a
/// machine without a database any number is taken, and `socket(2)` says whether it is one.
///
/// ```
/// use wheels::Protocol;
///
/// assert_eq!(Protocol::from("tcp"), Protocol::Name("tcp".into()));
/// assert_eq!(Protocol::from(6), Protocol::Number(6));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// Its name, or an alias of it.
    Name(String),
    /// Its number.
    Number(i32),
}

impl Protocol {
    /// The number, where it is known without asking.
    pub(crate) fn known(&self) -> Option<i32> {
        let known = KNOWN.iter().find(|(name, number)| match self {
            Self::Name(asked) => asked == name,
            Self::Number(asked) => asked == number,
        });
        known.map(|(_, number)| *number)
    }

    fn is_named(&self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Name(name) => entry.names().any(|known| known == name),
            Self::Number(number) => entry.number == *number,
        }
    }

    /// The system has no such protocol, or no database.
    fn unknown(&self, why: &str) -> Failed {
        let text = match self {
            Self::Name(name) => format!("no such protocol: {}{why}", name.escape_debug()),
            Self::Number(number) => format!("no such protocol: {number}{why}"),
        };
        Failed::new(self.operation(), errno::PROTONOSUPPORT, text)
    }
}

impl Question for Protocol {
    type Answer = i32;

    fn operation(&self) -> Operation {
        match self {
            Self::Name(_) => Operation::GetProtoByName,
            Self::Number(_) => Operation::GetProtoByNumber,
        }
    }

    fn check(&self) -> Result<(), Failed> {
        Ok(())
    }

    fn ask(&self) -> Result<i32, Failed> {
        if let Some(number) = self.known() {
            return Ok(number);
        }
        match (sys::read_protocols(), self) {
            (Ok(database), _) => entries(&database)
                .find(|entry| self.is_named(entry))
                .map(|entry| entry.number)
                .ok_or_else(|| self.unknown("")),
            (Err(_), Self::Number(number)) => Ok(*number),
            (Err(error), Self::Name(_)) => {
                Err(self.unknown(&format!(" ({}: {})", sys::PROTOCOLS, describe(&error))))
            }
        }
    }
}

impl From<&str> for Protocol {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for Protocol {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<i32> for Protocol {
    fn from(number: i32) -> Self {
        Self::Number(number)
    }
}

/// A line of the database: `tcp 6 TCP # transmission control protocol`.
struct Entry<'a> {
    name: &'a str,
    number: i32,
    aliases: std::str::SplitAsciiWhitespace<'a>,
}

impl<'a> Entry<'a> {
    fn names(&self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.name).chain(self.aliases.clone())
    }
}

/// Lines that are none are passed over, as the system does.
fn entries(database: &str) -> impl Iterator<Item = Entry<'_>> {
    database.lines().filter_map(|line| {
        let (line, _) = line.split_once('#').unwrap_or((line, ""));
        let mut words = line.split_ascii_whitespace();
        let (name, number) = (words.next()?, words.next()?.parse().ok()?);
        Some(Entry { name, number, aliases: words })
    })
}

/// What needs no database.
const KNOWN: [(&str, i32); 4] = [("tcp", 6), ("TCP", 6), ("udp", 17), ("UDP", 17)];
