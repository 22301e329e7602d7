//! What can go wrong with an attempt, one word each. It may not know what follows from it.

use serde::{Deserialize, Serialize};

/// What went wrong. The first group is the task's own, the second is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The agent reported an error, or exited non-zero.
    Error,
    /// It used up its turns.
    MaxTurns,
    /// It used up its own budget.
    Budget,
    /// It ran into the wall-clock deadline.
    Timeout,
    /// It gave no sign of life for too long.
    Silent,
    /// It was killed by a signal that was not ours (a crash, the OOM killer, a limit).
    Crashed,
    /// It would not end after its result, or could not be judged.
    NoResult,
    /// The setup command of the tree failed.
    Setup,
    /// Tools that it needs were denied, and it changed nothing.
    Denied,
    /// It wrote more than an attempt may: a runaway.
    Output,

    /// It never said a word after its start.
    Startup,
    /// The account's usage limit; due at the reset.
    Limit {
        /// Unix seconds of the reset, where the service said so.
        resets_at_secs: Option<u64>,
    },
    /// The service is overloaded or rate-limits for a short time.
    Overload,
    /// Not logged in, or the key is refused.
    Auth,
    /// The account has no credit, or reached its spending limit.
    Spend,
    /// The agent's program is missing or cannot be executed.
    Missing,
    /// No space left, or a quota.
    Disk,
    /// A repository, a tree or our own start failed.
    Machine,
    /// We were told to stop.
    Stopped,
}

impl Fault {
    /// The word in records, JSON and summaries.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Error => "error",
            Fault::MaxTurns => "max_turns",
            Fault::Budget => "budget",
            Fault::Timeout => "timeout",
            Fault::Silent => "silent",
            Fault::Crashed => "crashed",
            Fault::NoResult => "no_result",
            Fault::Setup => "setup",
            Fault::Denied => "denied",
            Fault::Output => "output",
            Fault::Startup => "startup",
            Fault::Limit { .. } => "limit",
            Fault::Overload => "overload",
            Fault::Auth => "auth",
            Fault::Spend => "spend",
            Fault::Missing => "missing",
            Fault::Disk => "disk",
            Fault::Machine => "machine",
            Fault::Stopped => "stopped",
        }
    }
}
