//! What comes of a removal, and why there was none: values, in words for people.

use std::fmt;
use std::path::PathBuf;

use crate::git::merged::Proof;

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
pub enum RemovalRefusal {
    /// Another process works in it.
    Busy {
        /// What it wrote about itself.
        holder: String,
    },
    /// A task lives in it.
    Occupied {
        /// Its id.
        task: String,
    },
    /// Somebody said `git worktree lock`.
    Locked {
        /// And why.
        reason: String,
    },
    /// The branch is checked out.
    CheckedOut {
        /// Where.
        at: PathBuf,
    },
    /// It holds what no commit can hold.
    HoldsMore {
        /// What.
        what: String,
    },
    /// The tree became a repository of its own.
    OwnRepository,
    /// Something else stands in its place.
    Replaced {
        /// What.
        what: String,
    },
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
