//! What this process has seen of the registered workers, and which of them are dead.
//!
//! Two ways to know: the process is gone (same boot, same namespaces), or the heartbeat stood still over a lease by
//! our own clock. A process that stood still itself has seen nothing of that lease: it looks anew.

use std::collections::HashMap;

use crate::domain::liveness::lease::Look;
use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::domain::task::id::WorkerId;
use crate::queue::register::Card;
use crate::queue::{Queue, Result};
use crate::sys::{clock, process};

/// Heartbeats are read so often, milliseconds: a lease is ten times as long.
const READ_MS: u64 = 2_000;

/// Looks to remember.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    seen: HashMap<WorkerId, Seen>,
    next_read_ms: u64,
}

#[derive(Debug)]
struct Seen {
    card: Card,
    look: Look,
}

impl Heartbeats {
    /// Registered workers that are dead, by what this process has seen so far, and how one knows.
    pub(super) fn dead(
        &mut self,
        queue: &Queue,
        me: &ProcessIdentity,
    ) -> Result<Vec<(WorkerId, &'static str)>> {
        let ids = queue.worker_ids()?;
        self.seen.retain(|id, _| ids.contains(id));
        let now = clock::mono_ms();
        let all = now >= self.next_read_ms;
        if all {
            self.next_read_ms = now + READ_MS;
        }
        for id in &ids {
            if all || !self.seen.contains_key(id) {
                self.read(queue, id, now);
            }
        }
        if self.seen.values().any(|seen| seen.card.process == *me && seen.look.expired(now)) {
            self.look_anew(now);
        }
        let dead = self.seen.iter().filter_map(|(id, seen)| {
            let alive = || process::alive(&seen.card.process);
            evidence(seen.card.host_match(me), alive, seen.look.expired(now))
                .map(|evidence| (id.clone(), evidence))
        });
        Ok(dead.collect())
    }

    /// This process stood still (stopped, frozen with its machine): the others may have done so with it, and are only
    /// about to beat again.
    pub(super) fn look_anew(&mut self, now_ms: u64) {
        self.seen.values_mut().for_each(|seen| seen.look.seen_at_ms = now_ms);
    }

    fn read(&mut self, queue: &Queue, id: &WorkerId, now_ms: u64) {
        // One that cannot be read now was torn by a power cut, or has just left.
        let Some((card, pulse)) = queue.worker(id) else { return };
        let earlier = self.seen.get(id).map(|seen| seen.look);
        let look = Look::again(earlier, pulse, now_ms);
        self.seen.insert(id.clone(), Seen { card, look });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// The processes of those that can be seen from here.
    pub(super) fn processes(&self, me: &ProcessIdentity) -> Vec<ProcessIdentity> {
        let here = |card: &&Card| card.host_match(me) == HostMatch::Here && card.process != *me;
        let cards = self.seen.values().map(|seen| &seen.card).filter(here);
        cards.map(|card| card.process.clone()).collect()
    }
}

/// How one knows that a worker is dead; `None`: one does not.
fn evidence(host: HostMatch, alive: impl FnOnce() -> bool, expired: bool) -> Option<&'static str> {
    match (host, expired) {
        (HostMatch::Here, _) if !alive() => Some("process gone"),
        (_, true) => Some("lease expired"),
        (_, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_dead_when_its_process_is_gone_or_its_lease_is_over() {
        use HostMatch::{Elsewhere, Here};
        for (host, alive, expired, dead, case) in [
            (Here, true, false, None, "it runs and beats"),
            (Here, false, false, Some("process gone"), "gone, though it beat a moment ago"),
            (Here, false, true, Some("process gone"), "the better evidence is told"),
            (Here, true, true, Some("lease expired"), "it hangs, or was stopped"),
            (Elsewhere, false, false, None, "what cannot be seen from here is not gone"),
            (Elsewhere, false, true, Some("lease expired"), "only the lease tells"),
        ] {
            assert_eq!(evidence(host, || alive, expired), dead, "{case}");
        }
    }
}
