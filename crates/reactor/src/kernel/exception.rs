//! How a handler failed: what `run` ends with.

use std::any::Any;
use std::error::Error;
use std::fmt;

pub(crate) enum Exception {
    Error(Box<dyn Error>),
    Panic(Box<dyn Any + Send>),
}

impl Exception {
    /// The same, with more text.
    pub(super) fn with(self, further: &str) -> Self {
        let text = format!("{self}{further}");
        match self {
            Self::Error(_) => Self::Error(text.into()),
            Self::Panic(_) => Self::Panic(Box::new(text)),
        }
    }
}

/// The error's text, or the panic's.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Panic(panic) => {
                write!(f, "panic: {}", panic_message(&**panic))
            }
        }
    }
}

impl fmt::Debug for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exception({self})")
    }
}

/// A panic's text.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(not text)")
}
