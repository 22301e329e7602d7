//! The states of a task, as people see them.

use serde::{Deserialize, Serialize};

/// One state; which name a task has decides it, see the table in `queue/README.md`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Dropped, not yet taken in.
    Pending,
    /// Not eligible now.
    Blocked,
    /// Eligible.
    Ready,
    /// Eligible and claimed.
    Running,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
    /// Its file is wrong.
    Rejected,
    /// Somebody cancelled it.
    Cancelled,
}

impl State {
    /// Every state, in the order of a task's life.
    pub const ALL: [State; 8] = [
        State::Pending,
        State::Blocked,
        State::Ready,
        State::Running,
        State::Done,
        State::Failed,
        State::Rejected,
        State::Cancelled,
    ];

    /// The word in JSON and tables.
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Blocked => "blocked",
            State::Ready => "ready",
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Rejected => "rejected",
            State::Cancelled => "cancelled",
        }
    }

    /// Nothing more happens to it by itself.
    pub fn terminal(self) -> bool {
        matches!(self, State::Done | State::Failed | State::Rejected | State::Cancelled)
    }
}
