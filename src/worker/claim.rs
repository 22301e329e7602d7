//! Which task this worker holds, as its threads know it; and how it gets one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use super::Worker;
use super::capacity::tell;
use super::control::Level;
use crate::capacity::StartAnswer;
use crate::domain::event::Event;
use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::housekeeping::capacity::QueueCapacity;
use crate::queue::claim::{Claim, ClaimResult};
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// Fruitless looks at what waits behind closed accounts take at most one part in so many of a worker's time.
const LOOK_SHARE: u64 = 20;
/// File systems tell changes apart only so finely, with much to spare, nanoseconds.
const YOUNG_NS: i128 = 2_000_000_000;

/// The task in hand (or about to be claimed), for the heart to watch over.
#[derive(Clone, Default)]
pub(super) struct Holding(Arc<Mutex<Option<QueueName>>>);

impl Holding {
    pub(super) fn set(&self, name: Option<QueueName>) {
        *self.lock() = name;
    }

    pub(super) fn get(&self) -> Option<QueueName> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<QueueName>> {
        self.0.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}

impl Worker {
    /// Claims the best eligible task. `None`: there is none, or a stop came.
    pub(super) fn claim_next(&mut self) -> Result<Option<Claim>> {
        self.admission.refresh(&self.shared, &self.config)?;
        let closed = self.admission.closed();
        if self
            .empty_scan
            .as_ref()
            .is_some_and(|empty_scan| empty_scan.holds(&self.shared.queue, &closed))
        {
            self.capacity.stop_waiting();
            return Ok(None);
        }
        let claimed = self.scan(EmptyScan::begin(&self.shared.queue, closed));
        if !matches!(claimed, Ok(Some(_))) {
            self.admission.end_probe(&self.shared);
            self.capacity.give_up_turn();
        }
        claimed
    }

    fn scan(&mut self, look: Option<EmptyScan>) -> Result<Option<Claim>> {
        // What others hold still stands in `ready/`: tried once a look, or an idle worker would spin on it.
        let mut held: HashSet<TaskEpoch> = HashSet::new();
        // Something could be claimed, were there capacity for it.
        let mut short = false;
        loop {
            if self.shared.control.level() > Level::Run {
                return Ok(None);
            }
            let queue = &self.shared.queue;
            let (admission, shared, config) = (&mut self.admission, &self.shared, &self.config);
            let eligible = |name: &QueueName| {
                !held.contains(&name.at) && admission.admits(shared, config, name)
            };
            let Some(name) = self.idle.ready.next(queue, eligible)? else {
                self.empty_scan = look.and_then(EmptyScan::end);
                if !short {
                    self.capacity.nothing_to_claim();
                }
                return Ok(None);
            };
            let answer =
                self.capacity.ask(&QueueCapacity { queue, config }, name.at.id.as_str())?;
            tell(self.capacity.news(), shared, &self.options.log);
            match answer {
                StartAnswer::Start => {}
                StartAnswer::OtherTask => {
                    short = true;
                    held.insert(name.at);
                    continue;
                }
                StartAnswer::Shortage | StartAnswer::Queued | StartAnswer::After(_) => {
                    return Ok(None);
                }
            }
            // Known to the heart before the link exists: what bears our inode and is unknown it gives back.
            self.shared.holding.set(Some(name.clone()));
            match queue.claim(&self.shared.registration, &name)? {
                ClaimResult::Won(claim) => {
                    self.capacity.claimed();
                    let (task, epoch) = (name.at.id, name.at.epoch);
                    let worker = self.shared.registration.id().clone();
                    self.shared.journal.record(Event::AttemptClaimed { task, epoch, worker });
                    return Ok(Some(claim));
                }
                ClaimResult::Buried => self.shared.control.fence(),
                ClaimResult::Lost | ClaimResult::Gone => {}
            }
            self.shared.holding.set(None);
            held.insert(name.at);
        }
    }
}

/// A look at `ready/` that found nothing but tasks behind closed accounts: it read the record of every one, which
/// with very many must not be done again and again all night.
pub(super) struct EmptyScan {
    /// `ready/` as it was, and when the look began and the next one may begin (monotonic milliseconds).
    stamp: i128,
    began_ms: u64,
    again_at_ms: u64,
    closed: Vec<String>,
}

impl EmptyScan {
    /// Before a look; `None` while all accounts are open, when looking is cheap.
    fn begin(queue: &Queue, closed: Vec<String>) -> Option<EmptyScan> {
        if closed.is_empty() {
            return None;
        }
        let began_ms = clock::mono_ms();
        Some(EmptyScan { stamp: queue.ready_stamp()?, began_ms, again_at_ms: 0, closed })
    }

    /// After a look that found nothing. Looking takes at most one part in [`LOOK_SHARE`] of the time. A stamp
    /// that is young may be that of a later change as well, and says nothing.
    fn end(self) -> Option<EmptyScan> {
        let now = clock::mono_ms();
        let young = i128::from(clock::now().0) * 1_000_000 - self.stamp < YOUNG_NS;
        let stamp = if young { 0 } else { self.stamp };
        let again_at_ms = now + (now - self.began_ms) * LOOK_SHARE;
        Some(EmptyScan { stamp, again_at_ms, ..self })
    }

    /// Whether another look would find the same.
    fn holds(&self, queue: &Queue, closed: &[String]) -> bool {
        let same_accounts = closed == self.closed;
        let soon = || clock::mono_ms() < self.again_at_ms;
        same_accounts && (soon() || queue.ready_stamp() == Some(self.stamp))
    }
}
