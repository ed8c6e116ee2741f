//! What is given back of a timer that was removed.

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use crate::clock::Moment;
use crate::payload::Payload;

/// A timer that was removed before it rang (POE: what `alarm_remove` returns).
///
/// ```
/// use std::time::Duration;
/// use reactor::{Context, Kernel, States};
///
/// let states = States::new().on_start(|_: &mut (), cx: &mut Context<'_>, ()| {
///     let timer = cx.delay_set("retry", Duration::from_secs(5), "example.org");
///     let mut removed = cx.alarm_remove(timer).expect("it did not ring yet");
///     assert_eq!(removed.name(), "retry");
///     assert_eq!(removed.due(), cx.now() + Duration::from_secs(5));
///     assert_eq!(removed.take::<u32>(), None);
///     assert_eq!(removed.take(), Some("example.org"));
/// });
/// let mut kernel = Kernel::new()?;
/// kernel.spawn(&states, ());
/// kernel.run()?;
/// # std::io::Result::Ok(())
/// ```
pub struct Removed {
    name: Rc<str>,
    due: Moment,
    /// When the clock was made that `due` is counted on. Few ask when it was due: that is worked out then.
    base: Instant,
    payload: Option<Payload>,
}

impl Removed {
    pub(crate) const fn new(name: Rc<str>, due: Moment, base: Instant, payload: Payload) -> Self {
        Self { name, due, base, payload: Some(payload) }
    }

    /// The name of the event that it would have delivered.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it would have rung.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.due.counted_from(self.base)
    }

    /// Takes the payload out, if it is a `T` and was not taken yet.
    #[must_use]
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        let taken = self.payload.as_mut()?.take();
        if taken.is_some() {
            self.payload = None;
        }
        taken
    }
}

impl fmt::Debug for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removed")
            .field("name", &self.name)
            .field("due", &self.due())
            .field("payload", &self.payload)
            .finish()
    }
}
