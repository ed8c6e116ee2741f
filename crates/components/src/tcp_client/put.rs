//! What is put to a client's server: on the connection that there is, or for the next one.
//!
//! Promises that an item is refused or sent or kept, and that what is kept goes in its order. `kept.rs` has the
//! list, `link.rs` the connection.

use reactor::{Context, WheelId};
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
            // It has failed, which is told soon: it goes by the next one.
            Put::Refused(_) => return copy.map_or(put, |copy| self.keep(copy)),
            Put::Unencodable(_) => {}
        }
        put
    }

    /// Keeps an item for the next connection, if any is to come.
    fn keep(&mut self, item: F::Out) -> Put<F::Out> {
        let is_over = match self.next {
            Some(Next::End) => true,
            Some(Next::AsSet) => !self.backoff.is_set(),
            Some(Next::Connect | Next::ConnectAfter(_)) | None => false,
        };
        if !self.kept.is_wanted() || self.kept.is_full() || is_over {
            return Put::Refused(item);
        }
        self.kept.push(item);
        Put::Queued
    }

    /// A wheel has sent all that was put. What was put since it said so is another matter.
    pub(super) fn flushed(&mut self, wheel: WheelId, cx: &mut Context<'_>) {
        let is_all = match &self.stage {
            Stage::Connected(peer) => peer.wheel.id() == wheel && peer.wheel.unsent(cx) == 0,
            Stage::Closing(id) => *id == wheel,
            Stage::Idle | Stage::Ended | Stage::Waiting | Stage::Connecting(_) => false,
        };
        if is_all {
            self.kept.sent();
        }
    }

    /// `connected` has returned: what was kept is put.
    pub(super) fn greeted(&mut self, cx: &mut Context<'_>) {
        let Stage::Connected(peer) = &mut self.stage else { return };
        peer.is_greeted = false;
        if self.close.is_some() {
            return;
        }
        self.kept.put_again(|item| match peer.wheel.put(cx, item) {
            Put::Queued | Put::High => PutAgain::Done,
            // It has failed, which is told soon.
            Put::Refused(_) => PutAgain::Stop,
            Put::Unencodable(error) => {
                log::warn!(target: LOG, "{}: what was kept: {error}", cx.session());
                PutAgain::Drop
            }
        });
    }
}
