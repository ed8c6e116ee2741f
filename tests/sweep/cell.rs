//! One run of a scenario: which call is to fail, and how.

use std::fmt;
use std::str::FromStr;

use wheels::faults::{self, Call, Fault, Turns};

/// One fault, or one that comes again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    pub(crate) nth: Nth,
    pub(crate) what: What,
    /// What comes again and again meanwhile: notices that are late, or needless.
    pub(crate) beside: Option<What>,
}

/// Which of the calls of a kind, of the notices, of the waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nth {
    Only(usize),
    /// This and all after it.
    From(usize),
    /// Before each, or each.
    Each,
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

impl Nth {
    pub(crate) const fn is_from(self) -> bool {
        matches!(self, Self::From(_))
    }

    const fn turns(self) -> Turns {
        match self {
            Self::Only(nth) | Self::From(nth) => Turns::Nth(nth),
            Self::Each => Turns::EveryOther,
        }
    }
}

impl Cell {
    pub(crate) const fn new(nth: Nth, what: What) -> Self {
        Self { nth, what, beside: None }
    }

    /// Has it happen from now on; what is short moves so much.
    pub(crate) fn arm(self, bite: usize) {
        let on = |call: Call, fault| match self.nth {
            Nth::Only(nth) => faults::on_nth(call, nth, fault),
            Nth::From(nth) => faults::from_nth(call, nth, fault),
            Nth::Each => faults::on_each(call, fault),
        };
        match self.what {
            What::Error(call, errnum) => on(call, Fault::Error(errnum)),
            What::Short(call) => on(call, Fault::Short(bite)),
            What::Late => faults::delay_notices(self.nth.turns()),
            What::Needless => faults::add_notices(self.nth.turns()),
        }
        if let Some(beside) = self.beside {
            Self::new(Nth::Each, beside).arm(bite);
        }
    }
}

/// As it is given on the command line: `3 Recv 104`, `3+ Open 24`, `each Send short`, `0 notice late`, `3
/// Recv 104 late`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nth {
            Nth::Only(nth) => write!(f, "{nth} ")?,
            Nth::From(nth) => write!(f, "{nth}+ ")?,
            Nth::Each => f.write_str("each ")?,
        }
        match self.what {
            What::Error(call, errnum) => write!(f, "{call} {errnum}")?,
            What::Short(call) => write!(f, "{call} short")?,
            What::Late => f.write_str("notice late")?,
            What::Needless => f.write_str("wait needless")?,
        }
        match self.beside {
            Some(What::Late) => f.write_str(" late"),
            Some(_) => f.write_str(" needless"),
            None => Ok(()),
        }
    }
}

impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (nth, call, fault, beside) = match words[..] {
            [nth, call, fault] => (nth, call, fault, None),
            [nth, call, fault, "late"] => (nth, call, fault, Some(What::Late)),
            [nth, call, fault, _] => (nth, call, fault, Some(What::Needless)),
            _ => return Err("K CALL ERRNO".into()),
        };
        let number = |text: &str| text.parse().map_err(|error| format!("{text}: {error}"));
        let nth = match nth.strip_suffix('+') {
            Some(nth) => Nth::From(number(nth)?),
            None if nth == "each" => Nth::Each,
            None => Nth::Only(number(nth)?),
        };
        let what = match (call, fault) {
            ("notice", _) => What::Late,
            ("wait", _) => What::Needless,
            (call, "short") => What::Short(find(call)?),
            (call, errnum) => {
                let errnum = errnum.parse().map_err(|error| format!("{errnum}: {error}"))?;
                What::Error(find(call)?, errnum)
            }
        };
        Ok(Self { nth, what, beside })
    }
}

fn find(name: &str) -> Result<Call, String> {
    let call = Call::ALL.iter().find(|call| call.to_string() == name);
    call.copied().ok_or_else(|| format!("no call is named {name}"))
}
