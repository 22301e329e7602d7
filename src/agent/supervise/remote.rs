//! The remote control of a run: orders from any thread, which ring a bell for the one that runs it.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use crate::agent::supervise::sign::StopReason;
use crate::agent::supervise::state::Event;
use crate::sys::ready::WakePipe;

/// Stops a session, at any time: before its run, during it, and (without effect) after it.
#[derive(Clone, Debug)]
pub struct Remote {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Vec<Event>>,
    /// Without one (no descriptors left) orders are looked for now and then.
    bell: Option<WakePipe>,
}

impl Remote {
    pub(in crate::agent) fn new() -> Remote {
        let shared = Shared { waiting: Mutex::default(), bell: WakePipe::new().ok() };
        Remote { shared: Arc::new(shared) }
    }

    /// Stops the agent by the ladder of its kind.
    pub fn stop(&self, why: StopReason) {
        self.order(Event::Stop(why));
    }

    /// Kills the agent and sweeps at once.
    pub fn kill(&self) {
        self.order(Event::Kill);
    }

    fn order(&self, order: Event) {
        let mut waiting = self.waiting();
        // A second order of a kind says nothing new, and one ring is enough for all that wait.
        if waiting.contains(&order) {
            return;
        }
        waiting.push(order);
        if let (1, Some(bell)) = (waiting.len(), &self.shared.bell) {
            bell.ring();
        }
    }

    /// Becomes readable when there are orders.
    pub(in crate::agent) fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.shared.bell.as_ref().map(AsFd::as_fd)
    }

    /// The orders so far; the bell is silent then.
    pub(in crate::agent) fn take(&self) -> Vec<Event> {
        let mut waiting = self.waiting();
        if let (false, Some(bell)) = (waiting.is_empty(), &self.shared.bell) {
            bell.silence();
        }
        std::mem::take(&mut waiting)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_wait_until_taken_and_ring_once() {
        let orders = Remote::new();
        let remote = orders.clone();
        remote.stop(StopReason::Operator);
        remote.stop(StopReason::Operator);
        remote.kill();
        assert_eq!(orders.take(), [Event::Stop(StopReason::Operator), Event::Kill]);
        assert_eq!(orders.take(), []);
        let ready = crate::sys::ready::wait([orders.bell()], Some(0)).unwrap();
        assert_eq!(ready, [false]);
    }
}
