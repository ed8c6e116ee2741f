//! What a callback gives back: nothing that matters, or that it has failed.
//!
//! Owns the one trait for that, which all callbacks of this crate share. What follows from a failure is
//! the session's business: see `lent.rs` of the server and of the client.

use std::error::Error;

use wheels::Put;

/// What a callback of a [`TcpServer`](crate::TcpServer) or a [`TcpClient`](crate::TcpClient) may give back.
///
/// * `()`.
/// * What [`Client::put`](crate::Client::put) or [`Server::put`](crate::Server::put) gave, so that a closure
///   may be that alone. It is ignored: who wants to know whether an item was taken looks at it.
/// * A `Result<(), E>`, whose error is a failure of the session, as it is with
///   [`States::try_on`](reactor::States::try_on): the signal `DIE` tells of it, and if nobody calls it handled
///   the program's [`OnException`](reactor::OnException) says what follows. So does a panic.
/// * Nothing at all: a callback that always panics.
///
/// Other results do not compile, lest an error vanish in one of them. A type of your own may be one as well.
///
/// ```
/// use bytes::Bytes;
/// use components::{Client, TcpServer};
/// use reactor::Kernel;
/// use wheels::filter::Line;
///
/// struct Sum(u64);
///
/// impl Sum {
///     fn add(&mut self, client: &mut Client<'_, Line>, line: Bytes) -> Result<(), Box<dyn std::error::Error>> {
///         self.0 += str::from_utf8(&line)?.parse::<u64>()?;
///         client.put(self.0.to_string());
///         Ok(())
///     }
/// }
///
/// # let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
/// # let port = taken.local_addr()?.port();
/// let mut kernel = Kernel::new()?;
/// TcpServer::new(Line::new)
///     .listen(("127.0.0.1", port))
///     .error(|_, _, failure| Err(failure))
///     .client_connected(|_, client| client.put("a number, please"))
///     .client_input(Sum::add)
///     .spawn(&mut kernel, Sum(0));
/// let error = kernel.run().unwrap_err();
/// assert_eq!(error.to_string(), "bind: Address already in use");
/// # std::io::Result::Ok(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a callback cannot give back a `{Self}`",
    label = "is to give back `()`, a `Put`, or a `Result<(), E>` with an error",
    note = "end its closure with a semicolon if what it gives back does not matter"
)]
pub trait Outcome {
    /// Whether the callback has failed, and how.
    ///
    /// # Errors
    ///
    /// The failure.
    fn into_result(self) -> Result<(), Box<dyn Error>>;
}

/// The same for all callbacks, once they are boxed.
pub(crate) type Returned = Result<(), Box<dyn Error>>;

impl Outcome for () {
    #[inline]
    fn into_result(self) -> Returned {
        Ok(())
    }
}

impl<T> Outcome for Put<T> {
    #[inline]
    fn into_result(self) -> Returned {
        Ok(())
    }
}

/// For `()` alone: then `|..| Err(error)` needs no more to be said of its type.
impl<E: Into<Box<dyn Error>>> Outcome for Result<(), E> {
    #[inline]
    fn into_result(self) -> Returned {
        self.map_err(Into::into)
    }
}

#[expect(private_interfaces, reason = "they are but a way to say `!`, which is public")]
impl Outcome for Never {
    fn into_result(self) -> Returned {
        self
    }
}

/// The type `!`, which has no other name yet.
type Never = <fn() -> ! as Function>::Output;

trait Function {
    type Output;
}

impl<R> Function for fn() -> R {
    type Output = R;
}
