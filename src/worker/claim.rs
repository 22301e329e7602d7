//! How a worker gets a task: the first in order that accounts, capacity and the others leave to it.
//!
//! Invariant: the heart knows of a task before the claim's link exists.

use std::collections::HashSet;

use super::account_admission::AccountAdmission;
use super::capacity::tell;
use super::control::Level;
use super::empty_scan::EmptyScan;
use super::shared::WorkerContext;
use crate::capacity::{StartAdmission, StartAnswer};
use crate::domain::event::Event;
use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::housekeeping::capacity::QueueCapacity;
use crate::queue::Result;
use crate::queue::claim::{Claim, ClaimResult};
use crate::queue::ready::ReadyList;
use crate::sys::clock;

/// What a worker remembers from one claim to the next.
pub(super) struct Claimer {
    pub(super) accounts: AccountAdmission,
    pub(super) capacity: StartAdmission,
    ready: ReadyList,
    empty_scan: Option<EmptyScan>,
}

impl Claimer {
    pub(super) fn new(capacity: StartAdmission) -> Claimer {
        Claimer {
            accounts: AccountAdmission::default(),
            capacity,
            ready: ReadyList::default(),
            empty_scan: None,
        }
    }

    /// Claims the best eligible task. `None`: there is none, or a stop came.
    pub(super) fn next(&mut self, context: &WorkerContext) -> Result<Option<Claim>> {
        self.accounts.refresh(&context.shared, &context.config)?;
        let queue = &context.shared.queue;
        let closed = self.accounts.closed();
        let began_ms = clock::mono_ms();
        let stamp = || queue.ready_stamp();
        if self.empty_scan.as_ref().is_some_and(|scan| scan.holds(&closed, began_ms, stamp)) {
            self.capacity.stop_waiting();
            return Ok(None);
        }
        // While all accounts are open, scanning is cheap.
        let stamp = if closed.is_empty() { None } else { queue.ready_stamp() };
        let claimed = self.scan(context, || {
            let wall_ns = i128::from(clock::now().0) * 1_000_000;
            Some(EmptyScan::ended(closed, stamp?, (began_ms, clock::mono_ms()), wall_ns))
        });
        if !matches!(claimed, Ok(Some(_))) {
            self.accounts.end_probe(&context.shared);
            self.capacity.give_up_turn();
        }
        claimed
    }

    fn scan(
        &mut self,
        context: &WorkerContext,
        empty: impl FnOnce() -> Option<EmptyScan>,
    ) -> Result<Option<Claim>> {
        let WorkerContext { shared, config, options, .. } = context;
        // What others hold is still in `ready/`: tried once a scan, or an idle worker would spin on it.
        let mut held: HashSet<TaskEpoch> = HashSet::new();
        // Something could be claimed, were there capacity for it.
        let mut short = false;
        loop {
            if shared.control.level() > Level::Run {
                return Ok(None);
            }
            let accounts = &mut self.accounts;
            let eligible = |name: &QueueName| {
                !held.contains(&name.at) && accounts.admits(shared, config, name)
            };
            let Some(name) = self.ready.next(&shared.queue, eligible)? else {
                self.empty_scan = empty();
                if !short {
                    self.capacity.nothing_to_claim();
                }
                return Ok(None);
            };
            let capacity = QueueCapacity { queue: &shared.queue, config };
            let answer = self.capacity.ask(&capacity, name.at.id.as_str())?;
            tell(self.capacity.news(), shared, &options.log);
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
            shared.holding.set(Some(name.clone()));
            match shared.queue.claim(&shared.registration, &name)? {
                ClaimResult::Won(claim) => {
                    self.capacity.claimed();
                    let (task, epoch) = (name.at.id, name.at.epoch);
                    let worker = shared.registration.id().clone();
                    shared.journal.record(Event::AttemptClaimed { task, epoch, worker });
                    return Ok(Some(claim));
                }
                ClaimResult::Buried => shared.control.fence(),
                ClaimResult::Lost | ClaimResult::Gone => {}
            }
            shared.holding.set(None);
            held.insert(name.at);
        }
    }

    /// Nothing is to be done now: everything is looked at anew after the wait.
    pub(super) fn forget_seen(&mut self) {
        self.ready.invalidate();
        self.accounts.invalidate();
    }

    /// Other settings: another default agent may have a closed account.
    pub(super) fn settings_changed(&mut self, capacity: StartAdmission) {
        self.empty_scan = None;
        self.accounts.invalidate();
        self.capacity = capacity;
    }

    /// In how many milliseconds an account opens by itself, or capacity is asked for again.
    pub(super) fn opens_in_ms(&self) -> Option<u64> {
        [self.accounts.opens_in_ms(), self.capacity.ask_again_in_ms()].into_iter().flatten().min()
    }
}
