//! One run of a scenario: which call is to fail, and how.

use std::fmt;
use std::str::FromStr;

use wheels::faults::{self, Call, Fault, Turns};

/// One fault, or one that comes again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    /// The how manieth of its kind; `None`: each.
    pub(crate) nth: Option<usize>,
    pub(crate) what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Error(Call, i32),
    Short(Call),
    /// A notice comes a turn later.
    Late,
    /// At a wait everybody is told to be ready.
    Needless,
}

impl Cell {
    /// Has it happen from now on.
    pub(crate) fn arm(self, bite: usize) {
        match (self.what, self.nth) {
            (What::Error(call, errnum), Some(nth)) => {
                faults::on_nth(call, nth, Fault::Error(errnum))
            }
            (What::Error(call, errnum), None) => faults::on_each(call, Fault::Error(errnum)),
            (What::Short(call), Some(nth)) => faults::on_nth(call, nth, Fault::Short(bite)),
            (What::Short(call), None) => faults::on_each(call, Fault::Short(bite)),
            (What::Late, nth) => faults::delay_notices(turns(nth)),
            (What::Needless, nth) => faults::add_notices(turns(nth)),
        }
    }
}

fn turns(nth: Option<usize>) -> Turns {
    nth.map_or(Turns::EveryOther, Turns::Nth)
}

/// As it is given on the command line: `3 Recv 104`, `each Send short`, `0 notice late`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            Some(nth) => write!(f, "{nth} ")?,
            None => f.write_str("each ")?,
        }
        match self.what {
            What::Error(call, errnum) => write!(f, "{call} {errnum}"),
            What::Short(call) => write!(f, "{call} short"),
            What::Late => f.write_str("notice late"),
            What::Needless => f.write_str("wait needless"),
        }
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [nth, call, fault] = words[..] else { return Err("K CALL ERRNO".into()) };
        let nth = match nth {
            "each" => None,
            number => Some(number.parse().map_err(|error| format!("{number}: {error}"))?),
        };
        let what = match (call, fault) {
            ("notice", _) => What::Late,
            ("wait", _) => What::Needless,
            (call, "short") => What::Short(find(call)?),
            (call, number) => {
                let errnum = number.parse().map_err(|error| format!("{number}: {error}"))?;
                What::Error(find(call)?, errnum)
            }
        };
        Ok(Self { nth, what })
    }
}

fn find(name: &str) -> Result<Call, String> {
    let call = Call::ALL.iter().find(|call| call.to_string() == name);
    call.copied().ok_or_else(|| format!("no call is named {name}"))
}
