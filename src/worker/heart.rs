//! The heart: beats, and looks whether what this worker holds is still its own.
//!
//! On a thread of its own, so that no long call of the main thread delays a beat. Invariant: a worker that
//! could not beat for [`SELF_STOP_AFTER_MS`] has killed its agent before anybody may judge it dead.

use std::path::Path;
use std::sync::Arc;

use super::capacity::relieve;
use super::shared::Shared;
use super::ticker::Ticker;
use crate::agent::StopReason;
use crate::domain::liveness::lease::{HEARTBEAT_EVERY_MS, SELF_STOP_AFTER_MS};
use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::queue::Result;
use crate::queue::claim::ClaimState;
use crate::queue::register::Beat;
use crate::sys::{clock, fs};

pub(super) fn start(shared: &Shared) -> Ticker {
    let mut heart = Heart {
        shared: shared.clone(),
        count: 0,
        last_beat_ms: clock::mono_ms(),
        strangers: Vec::new(),
        parked: None,
    };
    Ticker::start("heart", HEARTBEAT_EVERY_MS, |_| {
        move || {
            heart.beat();
            HEARTBEAT_EVERY_MS
        }
    })
}

/// Gives back whatever this worker holds; what fails is left to whoever declares it dead.
pub(super) fn disown_all(shared: &Shared) {
    for claim in shared.queue.claims().unwrap_or_default() {
        if claim.card.id == *shared.registration.id() {
            // What cannot be given back now is left to the others.
            shared.queue.disown(&claim.at).ok();
        }
    }
}

/// Claims of ours that we do not know of are looked for at every fifth beat: only a lost reply makes one.
const STRANGERS_EVERY: u64 = 5;

/// Whether a pause is meant for what runs already, too: its first line says `now`.
fn stops_now(interrupt: &Path) -> bool {
    let text = fs::read_if_any(interrupt).ok().flatten().unwrap_or_default();
    text.split(|byte| *byte == b'\n').next().is_some_and(|line| line.trim_ascii() == b"now")
}

/// Why the agent in hand has to stop, by how its claim stands. A claim that is gone because the task was closed a moment
/// ago says nothing.
fn stop_reason(state: ClaimState, still_held: impl FnOnce() -> bool) -> Option<StopReason> {
    match state {
        ClaimState::Holds => None,
        ClaimState::CancelWanted => Some(StopReason::Cancelled),
        ClaimState::NameGone | ClaimState::ClaimGone => {
            still_held().then_some(StopReason::LostClaim)
        }
    }
}

/// Those of our claims that we know nothing of.
fn strangers(mine: impl Iterator<Item = TaskEpoch>, held: Option<&TaskEpoch>) -> Vec<TaskEpoch> {
    mine.filter(|at| Some(at) != held).collect()
}

struct Heart {
    shared: Shared,
    count: u64,
    last_beat_ms: u64,
    /// Claims of ours that we did not know of at the last beat.
    strangers: Vec<TaskEpoch>,
    /// The task that we parked for want of room.
    parked: Option<QueueName>,
}

impl Heart {
    fn beat(&mut self) {
        self.count += 1;
        match self.shared.registration.beat(self.count) {
            Ok(Beat::Alive) => self.last_beat_ms = clock::mono_ms(),
            Ok(Beat::Buried) => return self.shared.control.fence(),
            Err(_) if clock::mono_ms() - self.last_beat_ms >= SELF_STOP_AFTER_MS => {
                return self.shared.control.fence();
            }
            Err(_) => {}
        }
        // A look that fails is repeated at the next beat; the rename decides in any case.
        self.look().ok();
        relieve(&self.shared, &self.shared.holding, &mut self.parked);
        if self.shared.queue.asked_to_retire(self.shared.registration.id()) {
            self.shared.control.retire();
        }
    }

    fn look(&mut self) -> Result<()> {
        let Shared { queue, registration, holding, control, .. } = &self.shared;
        let held = holding.get();
        if let Some(name) = &held {
            if stops_now(&self.shared.interrupt) {
                control.stop_agent(StopReason::Operator);
            }
            let state = queue.standing(registration, name)?;
            if let Some(why) = stop_reason(state, || holding.get() == held) {
                control.stop_agent(why);
            }
        }
        // One that was seen is looked at again at the next beat.
        let due = self.count.is_multiple_of(STRANGERS_EVERY) || !self.strangers.is_empty();
        if due { self.disown_strangers() } else { Ok(()) }
    }

    /// Claims that bear our inode though we know nothing of them, at two beats: a lost reply, or a finish
    /// that failed half-way. Given back, lest they stay stuck behind a live heartbeat.
    fn disown_strangers(&mut self) -> Result<()> {
        let Shared { queue, registration, holding, .. } = &self.shared;
        let claims = queue.claims()?;
        let mine = claims.into_iter().filter(|claim| claim.card.id == *registration.id());
        let held = holding.get().map(|name| name.at);
        let now = strangers(mine.map(|claim| claim.at), held.as_ref());
        for at in now.iter().filter(|at| self.strangers.contains(at)) {
            if holding.get().is_none_or(|name| name.at != *at) {
                queue.disown(at)?;
            }
        }
        self.strangers = now;
        Ok(())
    }
}

/// What the threads share must be shareable.
const _: fn() = || {
    fn shareable<T: Send + Sync>() {}
    shareable::<Arc<crate::queue::register::Registration>>();
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::id::{Epoch, TaskId};

    #[test]
    fn an_agent_is_stopped_when_its_task_is_no_longer_to_go_on_here() {
        use StopReason::{Cancelled, LostClaim};
        for (state, still_held, why) in [
            (ClaimState::Holds, true, None),
            (ClaimState::CancelWanted, true, Some(Cancelled)),
            (ClaimState::CancelWanted, false, Some(Cancelled)),
            (ClaimState::NameGone, true, Some(LostClaim)),
            (ClaimState::ClaimGone, true, Some(LostClaim)),
            (ClaimState::NameGone, false, None),
            (ClaimState::ClaimGone, false, None),
        ] {
            assert_eq!(stop_reason(state, || still_held), why, "{state:?}, held: {still_held}");
        }
    }

    #[test]
    fn a_claim_that_is_not_the_one_in_hand_is_a_strangers() {
        let at = |epoch| TaskEpoch {
            id: TaskId::parse("20261120T113012123-fix-k3f9").unwrap(),
            epoch: Epoch(epoch),
        };
        let mine = || [at(1), at(2)].into_iter();
        assert_eq!(strangers(mine(), Some(&at(1))), [at(2)]);
        assert_eq!(strangers(mine(), None), [at(1), at(2)]);
    }
}
