//! Housekeeping on request: what there is, what of it is over, what may go, and letting it go.
//!
//! [`survey()`] looks, [`decide()`] judges (pure), [`carry_out`] does. Looking changes nothing. What runs or waits is
//! in no list of what may go; trees and branches go through [`crate::worktree`]'s one function, which saves what
//! no ref reaches; an ended task goes through the queue's row *prune*. All of it may be cut short anywhere and done
//! again. It may not know agents, or print.
//!
//! Names: `domain`, `git`, `queue`, `shape`, `site`, `sys`, `worktree`.

mod carry;
mod decide;
mod known;
mod show;
mod survey;

use std::path::PathBuf;

use serde::Serialize;

use crate::domain::settings::retention::Keep;
use crate::queue::shift::EndedTask;

pub use carry::{GcResult, carry_out};
pub use decide::decide;
pub use show::{json, text};
pub use survey::survey;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GcRules {
    /// What is left of what is over.
    pub keep: Keep,
    /// Also what belongs to nobody.
    pub orphans: bool,
    /// Also salvages, by age.
    pub salvages: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GcKind {
    /// Ignored files of a tree that nobody lives in.
    Build,
    /// A tree that nobody lives in.
    Tree,
    /// A tree whose task or queue is not known here.
    OrphanTree,
    /// The branch of an ended task.
    Branch,
    /// A branch of ours whose task is nowhere.
    OrphanBranch,
    /// An ended task: its name, and its directory in `runs/`.
    Task,
    /// A directory in `runs/` whose task is nowhere.
    OrphanRun,
    /// The reasons of a rejection whose task is gone.
    Report,
    /// The journal of a process that ended.
    Journal,
    Log,
    /// What a removal saved.
    Salvage,
    /// What waits, runs or is in use: never touched.
    Live,
}

/// How to let it go.
#[derive(Clone, PartialEq, Debug)]
pub enum GcTarget {
    /// A tree (or what it ignores): repository, number, and the task that was over.
    Tree {
        repository: PathBuf,
        number: u32,
        holder: Option<(String, String)>,
    },
    Branch {
        repository: PathBuf,
        name: String,
        task: Option<String>,
        /// Commits that its work may be on.
        targets: Vec<String>,
    },
    Salvage {
        repository: PathBuf,
        name: String,
    },
    Task(EndedTask),
    /// What is in `runs/` of this id.
    Run(String),
    File(PathBuf),
    None,
}

/// What becomes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GcDecision {
    /// It goes, because.
    Goes(String),
    /// It stays, because; empty: it is young.
    Stays(String),
}

impl GcDecision {
    fn stays(why: impl Into<String>) -> GcDecision {
        GcDecision::Stays(why.into())
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct GcItem {
    pub kind: GcKind,
    pub name: String,
    pub bytes: u64,
    /// It was last used so long ago, milliseconds.
    pub idle_ms: u64,
    /// How to let it go.
    pub target: GcTarget,
    /// What becomes of it. From the survey: [`GcDecision::Stays`] with a reason that no rule overrides, or without one.
    pub fate: GcDecision,
}

impl GcItem {
    pub fn goes(&self) -> bool {
        matches!(self.fate, GcDecision::Goes(_))
    }
}
