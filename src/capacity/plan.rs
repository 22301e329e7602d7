//! The steps by which one worker comes to a claim, and what is said about it: pure, from what is known to what is next.
//!
//! Where all is ample it is one look. Where a disk has not enough for a tree of every worker at once, the claim is made
//! under the lock of turns, alone; where it nearly has not, beside others who hold a share. Where memory is not enough
//! for all, a second lock comes on top. Invariant: after each lock there is another look, since what was seen before
//! is old by then; and nobody waits for a lock while he holds one.

use crate::domain::capacity::decision::{CapacityDecision, ReusableTrees, StartSpacing};
use crate::domain::capacity::shortage::Shortage;
use crate::sys::lock::LockMode;

/// Whether a task may be claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartAnswer {
    /// Yes; the claim follows at once.
    Start,
    /// Another one perhaps, that has a tree.
    OtherTask,
    /// None now, for want of a resource.
    Shortage,
    /// None now: another worker comes first, and its lock is waited for.
    Queued,
    /// None before so many milliseconds: the memory that the last agent takes is to be seen first.
    After(u64),
}

/// What is known on the way to a claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// The latest look's decision.
    pub(super) decision: Option<&'a CapacityDecision>,
    /// That look still holds.
    pub(super) fresh: bool,
    pub(super) spacing: StartSpacing,
    /// How we hold the lock of turns.
    pub(super) turn: Option<LockMode>,
    /// We hold the lock of memory.
    pub(super) memory: bool,
    /// So long until the last agent has taken its memory, milliseconds.
    pub(super) settles_in_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StartStep {
    Look,
    TakeTurn(LockMode),
    TakeMemory,
    /// Judge this very task.
    Answer,
}

pub(super) fn next_step(known: &Known<'_>) -> StartStep {
    let turn = known.decision.and_then(turn_needed);
    match (turn, known.turn) {
        // The share that the last claim needed is taken before the look, so that one look is enough.
        (Some(LockMode::Shared), None) => StartStep::TakeTurn(LockMode::Shared),
        _ if !known.fresh => StartStep::Look,
        (Some(LockMode::Alone), None | Some(LockMode::Shared)) => {
            StartStep::TakeTurn(LockMode::Alone)
        }
        _ if admits(known.decision) && known.spacing != StartSpacing::Any && !known.memory => {
            StartStep::TakeMemory
        }
        _ => StartStep::Answer,
    }
}

/// How the lock of turns has to be held for a claim under this decision.
fn turn_needed(decision: &CapacityDecision) -> Option<LockMode> {
    match decision {
        CapacityDecision::Admit { alone: Some(_), .. } | CapacityDecision::Reuse(_) => {
            Some(LockMode::Alone)
        }
        CapacityDecision::Admit { alone: None, ample: false } => Some(LockMode::Shared),
        CapacityDecision::Admit { alone: None, ample: true } | CapacityDecision::Wait(_) => None,
    }
}

fn admits(decision: Option<&CapacityDecision>) -> bool {
    matches!(decision, Some(CapacityDecision::Admit { .. } | CapacityDecision::Reuse(_)))
}

pub(super) fn answer(known: &Known<'_>, trees: &ReusableTrees, task: &str) -> StartAnswer {
    match known.decision {
        Some(CapacityDecision::Wait(_)) | None => StartAnswer::Shortage,
        Some(CapacityDecision::Reuse(_)) if !trees.serves(task) => StartAnswer::OtherTask,
        Some(CapacityDecision::Admit { .. } | CapacityDecision::Reuse(_)) => {
            match (known.spacing, known.settles_in_ms) {
                (StartSpacing::Settled, ms) if ms > 0 => StartAnswer::After(ms),
                _ => StartAnswer::Start,
            }
        }
    }
}

/// What people are told, once each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CapacityNews {
    /// Nothing is claimed for want of this.
    Short(Shortage),
    /// There is capacity again.
    Over,
}

/// The shortage that keeps this worker waiting, as it was told.
#[derive(Clone, Default, Debug)]
pub(super) struct Told {
    short: Option<Shortage>,
    since_ms: u64,
}

impl Told {
    /// What an answer adds to what was told.
    pub(super) fn news(
        &mut self,
        answer: StartAnswer,
        decision: Option<&CapacityDecision>,
        now_ms: u64,
    ) -> Option<CapacityNews> {
        match (answer, decision) {
            (StartAnswer::Start, _) => self.short.take().map(|_| CapacityNews::Over),
            (
                StartAnswer::Shortage | StartAnswer::OtherTask,
                Some(CapacityDecision::Wait(short) | CapacityDecision::Reuse(short)),
            ) => {
                let known = self.short.replace(short.clone());
                if known.is_none() {
                    self.since_ms = now_ms;
                }
                let same = known.is_some_and(|known| {
                    (known.what, known.place) == (short.what, short.place.clone())
                });
                (!same).then(|| CapacityNews::Short(short.clone()))
            }
            _ => None,
        }
    }

    /// Nothing waits any more.
    pub(super) fn forget(&mut self) {
        self.short = None;
    }

    /// How long it has been short, milliseconds.
    pub(super) fn short_for_ms(&self, now_ms: u64) -> Option<u64> {
        self.short.as_ref().map(|_| now_ms.saturating_sub(self.since_ms))
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
