//! Where clients come in: the listeners of a server, and how many it lets in.
//!
//! Owns the listeners and the count of connections. Promises that no client is accepted while there are as
//! many as there may be: those who come wait in the system's queue.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use reactor::{Context, Handle, SessionId};
use wheels::{Address, Failure, SocketFactory, SocketFactoryBuilder};

use super::admission::Admission;
use super::deadline::Deadline;
use super::names;

/// What a server listens on, before it does.
#[derive(Debug)]
pub(super) enum Source {
    Built(Box<SocketFactoryBuilder>),
    /// Sockets that listen already.
    Inherited(Vec<OwnedFd>),
}

#[derive(Debug, Default)]
pub(super) struct Door {
    pub(super) alias: Option<String>,
    pub(super) admission: Admission,
    /// What is to be listened on once the session has started.
    pub(super) sources: Vec<Source>,
    listeners: Vec<SocketFactory>,
    /// Whether the listeners are paused, because there are as many connections as there may be.
    paused: bool,
    /// The connections that are sessions of their own.
    pub(super) sessions: HashMap<SessionId, Address>,
    /// When a server that is draining is to be gone.
    pub(super) deadline: Option<Handle<Deadline>>,
}

impl Door {
    pub(super) fn new(alias: Option<String>, admission: Admission, sources: Vec<Source>) -> Self {
        Self { alias, admission, sources, ..Self::default() }
    }

    pub(super) fn open(&mut self, cx: &mut Context<'_>) {
        if let Some(alias) = &self.alias
            && let Err(error) = cx.alias_set(alias)
        {
            log::warn!("server: alias {alias}: {error}");
        }
        for source in std::mem::take(&mut self.sources) {
            let (client, failure) = (&names::GOT_CLIENT, &names::GOT_LISTEN_ERROR);
            let listener = match source {
                Source::Built(builder) => to_listen(*builder)
                    .listening_event(&names::LISTENING)
                    .build(cx, client, failure),
                Source::Inherited(sockets) => {
                    let builder = SocketFactory::builder().listening_event(&names::LISTENING);
                    builder.build_on(cx, sockets, client, failure)
                }
            };
            self.listeners.push(listener);
        }
        self.adjust(cx);
    }

    /// Pauses or resumes, as the count of connections has it.
    pub(super) fn adjust(&mut self, cx: &mut Context<'_>) {
        let full = self.admission.is_full();
        if full == self.paused {
            return;
        }
        self.paused = full;
        for listener in &self.listeners {
            if full {
                listener.pause_accept(cx);
            } else {
                listener.resume_accept(cx);
            }
        }
    }

    /// Listens no more. Connections live on.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        self.listeners.clear();
        if let Some(alias) = self.alias.take()
            && let Err(error) = cx.alias_remove(&alias)
        {
            log::debug!("server: alias {alias}: {error}");
        }
    }

    /// Lets go of a listener that has failed for good, and of the alias with the last; says whether it had.
    pub(super) fn has_lost(&mut self, cx: &mut Context<'_>, failure: &Failure) -> bool {
        let Some(at) = self.listeners.iter().position(|listener| listener.id() == failure.wheel)
        else {
            return false;
        };
        let lost = self.listeners[at].local_addr(cx).is_none();
        if lost {
            self.listeners.remove(at);
        }
        if self.listeners.is_empty() {
            // Its alias would keep the session, for which nobody can come.
            self.close(cx);
        }
        lost
    }

    /// Whether nobody is in and nobody can come.
    pub(super) fn is_useless(&self) -> bool {
        self.listeners.is_empty() && self.admission.count() == 0
    }

    pub(super) fn local_addrs(&self, cx: &mut Context<'_>) -> Vec<Address> {
        self.listeners.iter().flat_map(|listener| listener.local_addrs(cx)).collect()
    }

    /// A connection that was a session of its own is closed; says whether it was one.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, session: SessionId) -> bool {
        let Some(peer) = self.sessions.remove(&session) else { return false };
        self.admission.leave(&peer);
        self.adjust(cx);
        true
    }
}

/// What a factory connects to would be taken for a client. That it has a queue is a failure to listen.
fn to_listen(builder: SocketFactoryBuilder) -> SocketFactoryBuilder {
    if builder.connects() { builder.listen_queue(0) } else { builder }
}
