//! Why a name means nothing.

use std::borrow::Cow;

use reactor::WheelId;

use crate::failure::{Failure, Operation};
use crate::sys::{NameError, eai};

/// A lookup that has failed, before it is known to which wheel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failed {
    pub(crate) operation: Operation,
    /// Of getaddrinfo(3), and then negative, or of the system.
    pub(crate) errnum: i32,
    pub(crate) errstr: Cow<'static, str>,
}

impl Failed {
    pub(crate) fn new(
        operation: Operation,
        errnum: i32,
        errstr: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { operation, errnum, errstr: errstr.into() }
    }

    pub(crate) fn of(operation: Operation, error: NameError) -> Self {
        Self::new(operation, error.errnum, error.errstr)
    }

    /// Neither a port nor a service that the system knows.
    pub(crate) fn no_service(name: &str) -> Self {
        let text = format!("no such service: {}", name.escape_debug());
        Self::new(Operation::GetServByName, eai::SERVICE, text)
    }

    /// It happened to this wheel.
    pub(crate) fn to(self, wheel: WheelId) -> Failure {
        Failure::told(self.operation, self.errnum, self.errstr, wheel)
    }
}
