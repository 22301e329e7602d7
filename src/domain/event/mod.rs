//! Resource the journal records: one closed, versioned vocabulary, one line of JSON for each event.
//!
//! The vocabulary is documented in `docs/events.md`, and a test compares the two. It grows by addition; a reader skips
//! events and fields that it does not know. Invariant: events are evidence. Nothing is decided by them.
//!
//! Names: `account`, `capacity`, `task`, `time`.

use serde::{Deserialize, Serialize};

use crate::domain::account::breaker::AccountState;
use crate::domain::capacity::shortage::Resource;
use crate::domain::task::id::{Epoch, TaskId, WorkerId};
use crate::domain::task::state::State;
use crate::domain::time::UnixMs;

/// The version of the vocabulary: raised when an event or a field changes its meaning or goes away.
pub const EVENT_SCHEMA: u32 = 1;

/// One line of a journal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EventLine {
    /// The vocabulary that it is written in.
    pub schema: u32,
    /// When it happened.
    pub at_ms: UnixMs,
    /// Resource happened.
    #[serde(flatten)]
    pub event: Event,
}

impl EventLine {
    /// An event that happened at `at`.
    pub fn new(at: UnixMs, event: Event) -> EventLine {
        EventLine { schema: EVENT_SCHEMA, at_ms: at, event }
    }

    /// The line, with its end.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("words and numbers are JSON");
        text.push('\n');
        text
    }

    /// Reads a line. `None`: it is torn, or of a later version.
    pub fn parse(line: &str) -> Option<EventLine> {
        let read: EventLine = serde_json::from_str(line).ok()?;
        (read.schema <= EVENT_SCHEMA).then_some(read)
    }
}

/// Resource happened. Each event is described in `docs/events.md`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/events.md describes each event and field, a test sees to it")]
pub enum Event {
    CoordinatorStarted {
        agents: u32,
        drain: bool,
    },
    CoordinatorEnded {
        how: ProcessEnd,
        error: Option<String>,
    },
    WorkerStarted {
        worker: WorkerId,
        pid: i32,
        cgroups: String,
    },
    WorkerEnded {
        worker: WorkerId,
        how: ProcessEnd,
        error: Option<String>,
    },
    WorkerLost {
        worker: WorkerId,
        evidence: String,
    },

    TaskAdded {
        task: TaskId,
    },
    TaskReady {
        task: TaskId,
    },
    TaskRejected {
        task: TaskId,
        epoch: Option<Epoch>,
    },
    TaskUntrusted {
        name: String,
        why: String,
    },
    TaskUnblocked {
        task: TaskId,
        epoch: Epoch,
    },
    CancelRequestClosed {
        task: TaskId,
        cancelled: bool,
    },
    MoveObstructed {
        why: String,
    },

    AttemptClaimed {
        task: TaskId,
        epoch: Epoch,
        worker: WorkerId,
    },
    AttemptClosed {
        task: TaskId,
        epoch: Epoch,
        worker: WorkerId,
        disposition: State,
        reason: Option<String>,
        outcome: String,
        refused: bool,
    },
    AttemptStoppedForCapacity {
        task: TaskId,
        epoch: Epoch,
        what: Resource,
        place: String,
        have: u64,
    },
    ClaimReclaimed {
        task: TaskId,
        epoch: Epoch,
        worker: WorkerId,
        result: Reclaimed,
    },

    AccountChanged {
        account: String,
        state: AccountState,
        fault: String,
        until_ms: UnixMs,
    },
    CapacityShort {
        what: Resource,
        place: String,
        have: u64,
        need: u64,
    },
    CapacityRestored,
    ReserveReleased,
    GarbageCollected {
        removed: u64,
        freed_bytes: u64,
    },
}

/// Why a coordinator or a worker ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessEnd {
    /// Nothing was left to do, or it was told to end after its task.
    Finished,
    /// A worker that makes room for a fresh one.
    Recycled,
    /// It was told to stop now.
    Stopped,
    /// A worker that was declared dead, or could not beat.
    Fenced,
    /// A coordinator that could not start workers.
    NoWorkers,
    /// The system refused something: the event's `error`.
    Error,
}

/// Resource became of a dead worker's claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reclaimed {
    /// The task waits again.
    Ready,
    /// Too many workers died of it.
    Failed,
    /// The task had been moved before; only the claim was left.
    Swept,
}

#[cfg(test)]
mod tests;
