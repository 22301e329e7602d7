//! What is asked of the trees, what is written of who asked, and what comes of it, in words for people. No doing.

use std::fmt;
use std::path::{Path, PathBuf};

use super::holder::{Holder, TreePhase};
use crate::git::compare::Proof;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct TreeRequest<'a> {
    /// The task's id.
    pub task: &'a str,
    /// The attempt: `e.W`.
    pub token: &'a str,
    /// The queue's random id.
    pub queue: &'a str,
    /// The branch to make.
    pub branch: &'a str,
    /// The task chose the branch's name itself: that one or none.
    pub branch_is_fixed: bool,
    /// The pinned base, hex digits.
    pub base_oid: &'a str,
    /// A file of the task's own in which we keep which branch we made; missing at first.
    pub intent: &'a Path,
    /// An earlier attempt cannot be continued (it was lost on another machine): a new branch and tree.
    pub fresh: bool,
    /// Make records durable before acting on them.
    pub sync: bool,
}

/// What comes of clearing up after a task that nobody works on any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Vacated {
    /// Its tree is free now, or it had none.
    Free,
    /// Another process holds it.
    Busy,
    /// Something in it cannot be committed; it is kept for people.
    Held,
}

/// The record of a tree that is being made ready for this.
pub(super) fn preparing(
    order: &TreeRequest<'_>,
    branch: &str,
    base: &str,
    since_ms: u64,
) -> Holder {
    Holder {
        queue: order.queue.into(),
        task: order.task.into(),
        token: order.token.into(),
        branch: branch.into(),
        base: base.into(),
        phase: TreePhase::Preparing,
        since_ms,
        note: None,
    }
}

/// The record of a tree that is kept for people, and why.
pub(super) fn held(order: &TreeRequest<'_>, note: String) -> Holder {
    Holder {
        phase: TreePhase::Held,
        note: Some(note),
        task: String::new(),
        ..preparing(order, "", "", 0)
    }
}

/// What comes of asking for a removal.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Removed {
    /// It is gone.
    Yes {
        /// How one knows that nothing is lost.
        proof: Proof,
        /// The ref that keeps what nothing else reached.
        salvage: Option<String>,
    },
    /// It stays as it is.
    No(RemovalRefusal),
}

/// Why something was not removed.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "what a variant says names its fields")]
pub enum RemovalRefusal {
    /// Another process works in it.
    Busy {
        /// What it wrote about itself.
        holder: String,
    },
    /// A task lives in it.
    Occupied { task: String },
    /// Somebody said `git worktree lock`.
    Locked {
        /// And why.
        reason: String,
    },
    /// The branch is checked out.
    CheckedOut { at: PathBuf },
    /// It holds what no commit can hold.
    HoldsMore { what: String },
    /// The tree became a repository of its own.
    OwnRepository,
    /// Something else stands in its place.
    Replaced { what: String },
    /// A git command is at work in it.
    GitRuns,
    /// Processes have it as their working directory.
    InUse {
        /// Their numbers.
        processes: Vec<i32>,
    },
    /// The branch's work is on no target.
    Unmerged,
    /// Somebody changed it meanwhile.
    Changed,
}

impl fmt::Display for RemovalRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemovalRefusal::Busy { holder } => {
                write!(f, "a process works in it ({})", holder.trim())
            }
            RemovalRefusal::Occupied { task } if task.is_empty() => {
                f.write_str("it is kept for people")
            }
            RemovalRefusal::Occupied { task } => write!(f, "the task {task} lives in it"),
            RemovalRefusal::Locked { reason } if reason.is_empty() => {
                f.write_str("git worktree lock")
            }
            RemovalRefusal::Locked { reason } => write!(f, "git worktree lock: {reason}"),
            RemovalRefusal::CheckedOut { at } => write!(f, "it is checked out at {}", at.display()),
            RemovalRefusal::HoldsMore { what } => {
                write!(f, "no commit can hold what it holds: {what}")
            }
            RemovalRefusal::OwnRepository => f.write_str("it became a repository of its own"),
            RemovalRefusal::Replaced { what } => write!(f, "in its place stands {what}"),
            RemovalRefusal::GitRuns => f.write_str("a git command is at work in it"),
            RemovalRefusal::InUse { processes } => {
                let list: Vec<String> = processes.iter().map(i32::to_string).collect();
                write!(f, "processes stand in it: {}", list.join(", "))
            }
            RemovalRefusal::Unmerged => f.write_str("its work is on no target"),
            RemovalRefusal::Changed => f.write_str("somebody changed it meanwhile"),
        }
    }
}
