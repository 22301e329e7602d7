//! The worker's part in capacity: what it says of a shortage, its start slot, and what it does where a disk is full all
//! the same: agents are parked in time, what one has done is kept, and nobody is charged for it.
//!
//! Invariant: an attempt whose agent has ended is not given up for want of space, but by a stop or a drain's end.

use std::sync::Arc;

use super::control::{Control, Level};
use super::holding::Holding;
use super::options::{Log, RunMode};
use super::shared::{Shared, WorkerContext};
use crate::agent::{Report, StopReason};
use crate::capacity::{CapacityNews, CapacitySettings, StartAdmission, StartSlot, StartSlots};
use crate::domain::capacity::shortage::Shortage;
use crate::domain::event::Event;
use crate::domain::failure::fault::Fault;
use crate::domain::outcome::disposition::Outcome;
use crate::domain::settings::config::Config;
use crate::domain::task::name::QueueName;
use crate::domain::task::record::RuleMatch;
use crate::housekeeping::capacity::{QueueCapacity, reserve_file};
use crate::queue::Queue;
use crate::sys::clock;
use crate::sys::lock::Lock;

/// Nothing tells when a full disk has space again: what could not be written is tried again so often, milliseconds.
const FULL_MS: u64 = 1_000;

/// This worker's part in who may start an agent.
pub(super) fn admission(queue: &Queue, config: &Config, control: &Control) -> StartAdmission {
    StartAdmission::new(QueueCapacity { queue, config }.probe(), waking(control))
}

fn waking(control: &Control) -> Arc<dyn Fn() + Send + Sync> {
    let control = control.clone();
    Arc::new(move || control.wake())
}

/// Tells, once, that claims wait for want of a resource, and once that they go on.
pub(super) fn tell(news: Option<CapacityNews>, shared: &Shared, log: &Log) {
    match news {
        Some(CapacityNews::Short(short)) => {
            (log)(&format!("paused: {short}"));
            let Shortage { what, place, have, need, .. } = short;
            shared.journal.record(Event::CapacityShort { what, place, have, need });
        }
        Some(CapacityNews::Over) => {
            (log)("there is capacity again: going on");
            shared.journal.record(Event::CapacityRestored);
        }
        None => {}
    }
}

/// Lets the queue's reserve go, so that a state can be written. False: there was none.
pub(super) fn release_reserve(shared: &Shared) -> bool {
    let released = reserve_file(&shared.queue).release();
    if released {
        shared.journal.record(Event::ReserveReleased);
    }
    released
}

impl WorkerContext {
    /// Waits for a start slot; `None`: the start is not spaced, as locks do not work or all holders are slow.
    pub(super) fn start_slot(&self) -> Option<Lock> {
        let mut slots = StartSlots::new(&self.shared.capacity(), waking(&self.shared.control));
        while self.shared.control.level() < Level::Stop {
            match slots.take() {
                StartSlot::Start(lock) => return lock,
                StartSlot::Wait(ms) => drop(self.pause(ms)),
            }
        }
        None
    }

    /// Does something of an attempt that has ended, for which the disk must have space: with the reserve where there is
    /// none, and again as soon as there is. What the agent has done is not given up for want of a block. In a drain
    /// (and for one task) the wait has the drain's end.
    pub(super) fn with_space<T, E: std::fmt::Display>(
        &self,
        full: impl Fn(&E) -> bool,
        mut act: impl FnMut() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut waits_since: Option<u64> = None;
        loop {
            let error = match act() {
                Err(error) if full(&error) => error,
                other => {
                    if waits_since.is_some() && other.is_ok() {
                        (self.options.log)("the disk has space again: going on");
                    }
                    return other;
                }
            };
            if release_reserve(&self.shared) {
                continue;
            }
            let now = clock::mono_ms();
            if waits_since.is_none() {
                (self.options.log)(&format!("{error}; waiting for space to keep what was done"));
            }
            let since = *waits_since.get_or_insert(now);
            let stays = self.options.mode == RunMode::Stay;
            let over = !stays && now - since >= self.config.drain_wait_ms;
            if over || self.shared.control.level() >= Level::Stop {
                return Err(error);
            }
            self.pause(FULL_MS);
        }
    }

    /// An agent that failed while the disk had less than is kept free failed by that: nobody can tell which of its
    /// tools met the end of the disk. Not its deadlines, its turns and its money.
    pub(super) fn blame_the_disk(&self, report: &Report) -> (Outcome, Option<RuleMatch>) {
        let as_it_was = || (report.ending.clone(), report.rule_match.clone());
        let Outcome::Failure { fault, detail } = &report.ending else { return as_it_was() };
        let may = [Fault::Error, Fault::Crashed, Fault::NoResult, Fault::Silent, Fault::Setup];
        let short = may.contains(fault).then(|| self.shared.capacity().short_of_disk());
        let Some(short) = short.flatten() else { return as_it_was() };
        let rule_match = RuleMatch::ours(Fault::Disk.word(), "worker", &short.evidence());
        let detail = format!("{}; seen as it ended: {detail}", short.evidence());
        (Outcome::Failure { fault: Fault::Disk, detail }, Some(rule_match))
    }
}

/// What the heart needs to see that the disk gets full under a running agent.
pub(super) fn watched(config: &Config) -> CapacitySettings {
    let settings = CapacitySettings::of(config);
    settings.prepare_relief();
    settings
}

/// Parks the agent in hand if the disk is about to be full and it is our turn to.
pub(super) fn relieve(shared: &Shared, holding: &Holding, parked: &mut Option<QueueName>) {
    let held = holding.get();
    let Some(name) = held.as_ref().filter(|_| held != *parked && shared.control.has_agent()) else {
        return;
    };
    let Some(short) = shared.capacity().take_relief_turn() else { return };
    shared.journal.record(Event::AttemptStoppedForCapacity {
        task: name.at.id.clone(),
        epoch: name.at.epoch,
        what: short.what,
        place: short.place,
        have: short.have,
    });
    shared.control.stop_agent(StopReason::NoRoom);
    *parked = held;
}
