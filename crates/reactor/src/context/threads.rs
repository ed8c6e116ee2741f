//! Other threads, as a handler deals with them.

use std::io;

use super::Context;
use crate::event::EventName;
use crate::handle::Handle;
use crate::pool::{Blocking, JobError, JobRefused};
use crate::remote::Remote;

impl Context<'_> {
    /// A handle that posts to this kernel's sessions from other threads: see
    /// [`Kernel::remote`](crate::Kernel::remote).
    ///
    /// # Errors
    ///
    /// What `eventfd(2)` and `epoll_ctl(2)` say: too many open descriptors, or no memory.
    pub fn remote(&mut self) -> io::Result<Remote> {
        self.kernel.remote()
    }

    /// Runs a closure that may block on another thread, and delivers what it returns to this session as
    /// `event`. Keeps the session alive until then. (POE has no threads: a program would fork a
    /// `POE::Wheel::Run` for it.)
    ///
    /// Jobs begin in the order of the calls, as many at a time as
    /// [`KernelBuilder::workers`](crate::KernelBuilder::workers) says; their ends have no order.
    /// A panic of the closure is an error in the event and nothing else. A closure that has progress to
    /// report takes a [`Remote`] with it.
    ///
    /// Dropping the handle abandons the job: nothing is delivered, and a job that waits for a thread never
    /// begins. One that has begun runs to its end, because no thread can be stopped; what it returns is
    /// dropped, on its thread. [`Handle::release`] lets go without abandoning. A session that
    /// stops abandons all of its jobs, and dropping the kernel waits for none. On a
    /// [virtual clock](crate::Clock::virtual_time) time does not wait for jobs.
    ///
    /// ```
    /// use reactor::{Blocking, Context, Event, Handle, JobError, Kernel, States};
    ///
    /// const READ: Event<Result<std::io::Result<String>, JobError>> = Event::new("read");
    ///
    /// #[derive(Default)]
    /// struct Reader { job: Option<Handle<Blocking<std::io::Result<String>>>> }
    ///
    /// let states = States::new()
    ///     .on_start(|reader: &mut Reader, cx: &mut Context<'_>, ()| {
    ///         let job = cx.run_blocking(|| std::fs::read_to_string("/etc/hosts"), &READ);
    ///         reader.job = job.ok();
    ///     })
    ///     .on(&READ, |_: &mut Reader, _: &mut Context<'_>, read| match read {
    ///         Ok(Ok(text)) => assert!(!text.is_empty()),
    ///         Ok(Err(error)) => eprintln!("cannot read it: {error}"),
    ///         Err(failure) => eprintln!("{failure}"),
    ///     });
    /// let mut kernel = Kernel::new()?;
    /// kernel.spawn(&states, Reader::default());
    /// kernel.run()?;
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    ///
    /// 1,024 jobs wait already, or the system has no thread to give. The closure comes back.
    pub fn run_blocking<R, F>(
        &mut self,
        job: F,
        event: impl EventName<Result<R, JobError>>,
    ) -> Result<Handle<Blocking<R>>, JobRefused<F>>
    where
        R: Send + 'static,
        F: FnOnce() -> R + Send + 'static,
    {
        let me = self.session();
        self.kernel.run_blocking(me, job, event)
    }
}
