//! The pool's decisions, pure: from what became of each slot, of the drain and of a signal to what happens now.
//!
//! A worker that ends is replaced, at most one a second in each slot. Workers that die before their first claim are
//! replaced later and later (the respawn back-off); when several in a row do, the respawn breaker trips: something is
//! wrong that more processes will not mend.

use crate::housekeeping::Remaining;
use crate::sys::signal::Signal;

/// The shortest time between two starts in a slot, milliseconds.
pub const RESPAWN_MS: u64 = 1_000;
/// The longest, milliseconds.
pub const RESPAWN_CAP_MS: u64 = 60_000;
/// So many workers in a row that died before their first claim trip the breaker.
pub const EARLY_LOSSES_MAX: u32 = 5;

/// How a worker's process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerExit {
    /// By itself, as it should (also with failed tasks).
    Finished,
    /// By itself, after as many tasks as a worker of a pool does.
    Recycled,
    /// Somebody killed it: that says nothing about the next one.
    Killed,
    /// It failed or crashed after it had claimed a task.
    DiedWorking,
    /// It failed or crashed before it ever claimed one.
    DiedEarly,
}

/// What is known of a place in the pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PoolSlot {
    /// A worker runs in it.
    Running,
    /// Empty; a worker may be started from then on (monotonic milliseconds).
    Empty {
        /// Not before.
        not_before_ms: u64,
    },
    /// In a drain: its worker found nothing left.
    Finished,
}

/// How long a slot stays empty, after the ends of the pool's workers so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RespawnBackoff {
    /// Workers in a row that died before their first claim.
    pub early_losses: u32,
}

impl RespawnBackoff {
    /// With one more end.
    #[must_use]
    pub fn after(self, exit: WorkerExit) -> RespawnBackoff {
        match exit {
            WorkerExit::Killed => self,
            WorkerExit::Finished | WorkerExit::Recycled | WorkerExit::DiedWorking => {
                RespawnBackoff::default()
            }
            WorkerExit::DiedEarly => RespawnBackoff { early_losses: self.early_losses + 1 },
        }
    }

    /// Whether starting more is pointless for now.
    pub fn is_tripped(self) -> bool {
        self.early_losses >= EARLY_LOSSES_MAX
    }

    /// The slot of a worker that ended at `now_ms`.
    pub fn slot_after(self, exit: WorkerExit, drain: bool, now_ms: u64) -> PoolSlot {
        match exit {
            WorkerExit::Finished if drain => PoolSlot::Finished,
            WorkerExit::Recycled => PoolSlot::Empty { not_before_ms: now_ms },
            _ => {
                let doubled = RESPAWN_MS << self.early_losses.min(10);
                PoolSlot::Empty { not_before_ms: now_ms + doubled.min(RESPAWN_CAP_MS) }
            }
        }
    }
}

/// What to do with a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PoolAction {
    /// Start a worker in this slot.
    Spawn(usize),
    /// Ask the worker in this slot to end after its task.
    Retire(usize),
}

/// Brings the slots to the wanted number.
pub fn scale_to(slots: &[PoolSlot], wanted: usize, now_ms: u64) -> Vec<PoolAction> {
    let mut actions = Vec::new();
    for (index, slot) in slots.iter().enumerate() {
        match slot {
            PoolSlot::Running if index >= wanted => actions.push(PoolAction::Retire(index)),
            PoolSlot::Empty { not_before_ms } if index < wanted && *not_before_ms <= now_ms => {
                actions.push(PoolAction::Spawn(index));
            }
            PoolSlot::Running | PoolSlot::Empty { .. } | PoolSlot::Finished => {}
        }
    }
    actions
}

/// What follows when every worker of a drain has found nothing left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DrainStep {
    /// The drain is over; `later`: something waits for a later run.
    End {
        /// Something waits for a later run.
        later: bool,
    },
    /// Something turned up after all: workers are started again.
    Restart,
}

/// Whether a drain is over. `short`: claims wait for capacity, and nobody works who might free some (the workers have
/// waited for it; so would the next ones). `paused`: nobody claims, as a person said.
pub fn drain_step(left: Remaining, short: bool, paused: bool, unsettled: bool) -> DrainStep {
    match left {
        Remaining::Busy if short => DrainStep::End { later: true },
        _ if paused => DrainStep::End { later: true },
        Remaining::Busy => DrainStep::Restart,
        Remaining::Later | Remaining::Empty if unsettled => DrainStep::Restart,
        Remaining::Later => DrainStep::End { later: true },
        Remaining::Empty => DrainStep::End { later: false },
    }
}

/// How far a coordinator goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Until drained or told to end.
    Running,
    /// Until its workers have ended their tasks.
    Finishing(Signal),
    /// Until its workers have stopped; they are killed at this time of our monotonic clock.
    Stopping(Signal, u64),
}

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignalAction {
    /// A look, which comes anyway.
    None,
    /// The settings are read again.
    Reload,
    /// The workers end after their tasks.
    Finish,
    /// The workers stop now.
    Stop,
}

/// What to do about a signal: the first interrupt lets tasks end, the second one, or TERM, stops them.
pub fn on_signal(signal: Signal, phase: Phase) -> SignalAction {
    match (signal, phase) {
        (Signal::Child, _) => SignalAction::None,
        (Signal::HangUp, _) => SignalAction::Reload,
        (Signal::Interrupt, Phase::Running) => SignalAction::Finish,
        (Signal::Interrupt | Signal::Terminate, Phase::Running | Phase::Finishing(_)) => {
            SignalAction::Stop
        }
        (Signal::Interrupt | Signal::Terminate, Phase::Stopping(..)) => SignalAction::None,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
