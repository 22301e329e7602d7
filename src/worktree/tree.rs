//! One tree while somebody works in it.
//!
//! Holding a [`Tree`] is holding its lock, and its directory by a descriptor. It must be finished by
//! [`Tree::release`]; dropped without, it stays the task's, and the next attempt continues in it: that is what a crash
//! does, too.

use std::path::Path;

use git2::Repository;

use super::fill::{detach, sweep};
use super::forget;
use super::holder::OpenTree;
use super::holder::{Holder, TreePhase, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::settings::GitSettings;
use crate::git::command::Git;
use crate::git::command::TreePath;
use crate::git::error::{GitError, Result};
use crate::git::head;
use crate::git::repo::Repo;
use crate::sys::dir::Dir;

/// A tree that this process may work in.
#[must_use = "a tree that is not released stays occupied"]
pub struct Tree {
    pub(crate) place: TreeSlot,
    /// The directory that was made, wherever it is now.
    pub(crate) dir: Dir,
    /// Its administrative directory: HEAD, refs, objects.
    pub(crate) git: Repository,
    pub(crate) repo: Repo,
    pub(crate) settings: GitSettings,
    pub(crate) holder: Holder,
    pub(crate) continued: bool,
    pub(crate) notes: Vec<String>,
    /// What the last collection could not commit.
    pub(crate) left: Uncommitted,
}

/// What is in a tree beside its commits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Uncommitted {
    /// Nobody looked since the agent was in it.
    Unknown,
    /// Nothing but ignored files, and names that hold no content.
    Nothing {
        special: Vec<TreePath>,
        /// Empty directories, deepest first.
        empty: Vec<TreePath>,
    },
    /// Content that no commit of ours holds.
    Something,
    Gone,
}

impl Tree {
    pub(super) fn new(
        repo: &Repo,
        found: OpenTree,
        holder: Holder,
        settings: GitSettings,
        continued: bool,
        notes: Vec<String>,
    ) -> Result<Tree> {
        let OpenTree { place, dir, git, .. } = found;
        let (repo, left) = (repo.again()?, Uncommitted::Unknown);
        Ok(Tree { place, dir, git, repo, settings, holder, continued, notes, left })
    }

    /// The directory to work in.
    pub fn path(&self) -> &Path {
        &self.place.tree
    }

    /// The branch that is checked out there.
    pub fn branch(&self) -> &str {
        &self.holder.branch
    }

    /// The commit that the task began at, hex digits.
    pub fn base(&self) -> &str {
        &self.holder.base
    }

    /// An earlier attempt's work goes on, in its tree or at least on its branch.
    pub fn continued(&self) -> bool {
        self.continued
    }

    /// What people should know about how the tree was found.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether commits here have an author: the user's name and mail address are configured.
    pub fn has_identity(&self) -> bool {
        self.settings.config.has_identity()
    }

    /// The last collection found content that no commit holds; the tree will be kept for people.
    pub fn holds_more(&self) -> bool {
        self.left == Uncommitted::Something
    }

    pub(crate) fn command(&self) -> Git {
        self.settings.git(&self.git, &self.dir)
    }

    /// Leaves the tree. `keep_for_task`: it stays the task's, to be continued. Otherwise its HEAD leaves
    /// the branch, so that people can check that out, and the tree is free for the next task; one that
    /// holds what [`Tree::collect`] could not commit is kept for people instead.
    pub fn release(self, keep_for_task: bool) -> Result<()> {
        if keep_for_task {
            return Ok(());
        }
        if self.left == Uncommitted::Gone
            || matches!(identity::check(self.path())?, TreeIdentity::Gone)
        {
            let Tree { repo, place, holder, .. } = self;
            return forget::forget_missing(&repo, &place, &holder);
        }
        let head = head::read(&self.git);
        let base = git2::Oid::from_str(&self.holder.base)
            .map_err(GitError::git("read the base", self.path()))?;
        detach(&self.git, head.at.unwrap_or(base))?;
        match &self.left {
            Uncommitted::Something => self.place.occupy(&Holder {
                phase: TreePhase::Held,
                note: Some("it holds what could not be committed".into()),
                ..self.holder
            }),
            Uncommitted::Nothing { special, empty } => {
                sweep(&self.dir, special, empty);
                self.place.vacate()
            }
            // A tree that nobody collected is looked through, and saved, before it is used again.
            Uncommitted::Unknown | Uncommitted::Gone => self.place.vacate(),
        }
    }
}
