//! Housekeeping on request: what there is, what of it is over, what may go, and letting it go.
//!
//! [`survey()`] looks, [`decide()`] judges (pure), [`carry_out`] does. Looking changes nothing. What runs or waits is
//! in no list of what may go; trees and branches go through [`crate::worktree`]'s one function, which saves what
//! no ref reaches; an ended task goes through the queue's row *prune*. All of it may be cut short anywhere and done
//! again. It may not know agents, or print.
//!
//! Names: `domain`, `git`, `queue`, `shape`, `site`, `sys`, `worktree`.

mod branches;
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

/// What may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GcRules {
    /// What is left of what is over.
    pub keep: Keep,
    /// Also what belongs to nobody.
    pub orphans: bool,
    /// Also salvages, by age.
    pub salvages: bool,
}

/// Kinds of things, in the order in which they go.
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
    /// What workers said.
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
        /// The repository.
        repository: PathBuf,
        /// The tree's number.
        number: u32,
        /// Who lived in it.
        holder: Option<(String, String)>,
    },
    /// A branch.
    Branch {
        /// The repository.
        repository: PathBuf,
        /// Its name.
        name: String,
        /// Its task.
        task: Option<String>,
        /// Commits that its work may be on.
        targets: Vec<String>,
    },
    /// A salvage.
    Salvage {
        /// The repository.
        repository: PathBuf,
        /// The ref.
        name: String,
    },
    /// An ended task.
    Task(EndedTask),
    /// What is in `runs/` of this id.
    Run(String),
    /// A file.
    File(PathBuf),
    /// Nothing that goes.
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
    /// It stays, for this reason.
    fn stays(why: impl Into<String>) -> GcDecision {
        GcDecision::Stays(why.into())
    }
}

/// One thing.
#[derive(Clone, PartialEq, Debug)]
pub struct GcItem {
    /// What it is.
    pub kind: GcKind,
    /// What people call it.
    pub name: String,
    /// What it takes.
    pub bytes: u64,
    /// It was last used so long ago, milliseconds.
    pub idle_ms: u64,
    /// How to let it go.
    pub target: GcTarget,
    /// What becomes of it. From the survey: [`GcDecision::Stays`] with a reason that no rule overrides, or without one.
    pub fate: GcDecision,
}

impl GcItem {
    /// Whether it goes.
    pub fn goes(&self) -> bool {
        matches!(self.fate, GcDecision::Goes(_))
    }
}
