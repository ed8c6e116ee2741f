//! What is put to a client's server: on the connection that there is, or for the next one.
//!
//! Promises that an item is refused or sent or kept, and that what is kept goes in its order. `kept.rs` has the
//! list, `link.rs` the connection.

use reactor::Context;
use wheels::Put;
use wheels::filter::Filter;

use super::kept::PutAgain;
use super::link::{LOG, Link, Next, Stage};

impl<F: Filter> Link<F> {
    pub(super) fn put(&mut self, item: F::Out, cx: &mut Context<'_>) -> Put<F::Out> {
        if self.close.is_some() {
            return Put::Refused(item);
        }
        match &self.stage {
            Stage::Connected(peer) if peer.is_greeted || !self.kept.is_wanted() => {
                peer.wheel.put(cx, item)
            }
            Stage::Connected(_) => self.put_and_keep(item, cx),
            Stage::Ended => Put::Refused(item),
            Stage::Idle | Stage::Waiting | Stage::Connecting(_) | Stage::Closing(_) => {
                self.keep(item)
            }
        }
    }

    fn put_and_keep(&mut self, item: F::Out, cx: &mut Context<'_>) -> Put<F::Out> {
        let Stage::Connected(peer) = &self.stage else { return self.keep(item) };
        if self.kept.is_behind() {
            return self.keep(item);
        }
        if self.kept.is_full() && peer.wheel.flush(cx) == 0 {
            self.kept.sent();
        }
        if self.kept.is_full() {
            return Put::Refused(item);
        }
        let copy = self.kept.copy(&item);
        let put = peer.wheel.put(cx, item);
        match &put {
            Put::Queued | Put::High => copy.into_iter().for_each(|copy| self.kept.push_put(copy)),
            // It has failed, which is told soon: it goes by the next one, if there is to be one.
            Put::Refused(_) if self.backoff.is_set() => {
                return copy.map_or(put, |copy| self.keep(copy));
            }
            Put::Refused(_) => {}
            Put::Unencodable(_) => {}
        }
        put
    }

    /// Keeps an item for the next connection, or for when this one has sent what was kept before.
    fn keep(&mut self, item: F::Out) -> Put<F::Out> {
        if !self.kept.is_wanted() || self.kept.is_full() || self.is_last() {
            return Put::Refused(item);
        }
        self.kept.push(item);
        Put::Queued
    }

    /// Whether no other connection is to come, as far as is known.
    fn is_last(&self) -> bool {
        match self.next {
            Some(Next::End) => true,
            Some(Next::AsSet) => !self.backoff.is_set(),
            Some(Next::Connect | Next::ConnectAfter(_)) | None => false,
        }
    }

    /// If `connected` was running it has returned: what was kept is put.
    pub(super) fn greeted(&mut self, cx: &mut Context<'_>) {
        if let Stage::Connected(peer) = &mut self.stage
            && std::mem::take(&mut peer.is_greeted)
        {
            self.put_kept(AT_ONCE, cx);
        }
    }

    /// The connection has sent all that was put: the next of what was kept is put.
    pub(super) fn flushed(&mut self, cx: &mut Context<'_>) {
        self.kept.sent();
        self.put_kept(AT_ONCE, cx);
    }

    /// The connection is being closed in order. If it is the last, all that was kept goes with it.
    pub(super) fn put_last(&mut self, cx: &mut Context<'_>) {
        if self.is_last() {
            self.put_kept(usize::MAX, cx);
        }
    }

    /// Puts what was kept, until so many bytes are unsent: all of it could be more than a connection may leave
    /// unsent.
    fn put_kept(&mut self, enough: usize, cx: &mut Context<'_>) {
        let Stage::Connected(peer) = &self.stage else { return };
        // What comes next is known when it is closed, and what is put then with it.
        if self.close.is_some() {
            return;
        }
        self.kept.put_again(|item| {
            if peer.wheel.unsent(cx) >= enough {
                return PutAgain::Stop;
            }
            match peer.wheel.put(cx, item) {
                Put::Queued | Put::High => PutAgain::Done,
                // It has failed, which is told soon.
                Put::Refused(_) => PutAgain::Stop,
                Put::Unencodable(error) => {
                    log::warn!(target: LOG, "{}: what was kept: {error}", cx.session());
                    PutAgain::Drop
                }
            }
        });
    }
}

/// Enough to keep a connection busy until it says that it has sent it.
const AT_ONCE: usize = 256 * 1024;
