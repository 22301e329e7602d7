//! One tree while somebody works in it.
//!
//! Holding a [`Tree`] is holding its lock. It must be finished by [`Tree::release`]; dropped without, it
//! stays the task's, and the next attempt continues in it: that is what a crash does, too.

use std::path::{Path, PathBuf};

use git2::Repository;

use super::heads;
use super::occupant::{Occupant, Phase, Place};
use super::repo::Repo;
use super::switch::detach;
use super::trouble::{Result, Trouble};

/// A tree that this process may work in.
#[must_use = "a tree that is not released stays occupied"]
pub struct Tree {
    pub(crate) place: Place,
    pub(crate) git: Repository,
    pub(crate) common: PathBuf,
    pub(crate) checkout: Option<PathBuf>,
    pub(crate) occupant: Occupant,
    pub(crate) continued: bool,
    pub(crate) notes: Vec<String>,
    /// What the last collection could not commit.
    pub(crate) left: Left,
}

/// What is in a tree beside its commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Left {
    /// Nobody looked since the agent was in it.
    Unknown,
    /// Nothing but ignored files.
    Nothing,
    /// Content that no commit of ours holds.
    Something,
}

impl Tree {
    pub(crate) fn new(
        repo: &Repo,
        place: Place,
        git: Repository,
        occupant: Occupant,
        continued: bool,
        notes: Vec<String>,
    ) -> Tree {
        Tree {
            place,
            git,
            common: repo.common.clone(),
            checkout: repo.checkout().map(Path::to_owned),
            occupant,
            continued,
            notes,
            left: Left::Unknown,
        }
    }

    /// The directory to work in.
    pub fn path(&self) -> &Path {
        &self.place.tree
    }

    /// The branch that is checked out there.
    pub fn branch(&self) -> &str {
        &self.occupant.branch
    }

    /// The commit that the task began at, hex digits.
    pub fn base(&self) -> &str {
        &self.occupant.base
    }

    /// An earlier attempt's work goes on, in its tree or at least on its branch.
    pub fn continued(&self) -> bool {
        self.continued
    }

    /// What people should know about how the tree was found.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The last collection found content that no commit holds; the tree will be kept for people.
    pub fn holds_more(&self) -> bool {
        self.left == Left::Something
    }

    /// Leaves the tree. `keep_for_task`: it stays the task's, to be continued. Otherwise its HEAD leaves
    /// the branch, so that people can check that out, and the tree is free for the next task; one that
    /// holds what [`Tree::collect`] could not commit is kept for people instead.
    pub fn release(self, keep_for_task: bool) -> Result<()> {
        if keep_for_task {
            return Ok(());
        }
        let head = heads::read(&self.git);
        let base = git2::Oid::from_str(&self.occupant.base)
            .map_err(Trouble::git("read the base", self.path()))?;
        detach(&self.git, head.at.unwrap_or(base))?;
        match self.left {
            Left::Something => self.place.occupy(&Occupant {
                phase: Phase::Held,
                note: Some("it holds what could not be committed".into()),
                ..self.occupant
            }),
            // A tree that nobody collected is looked through, and saved, before it is used again.
            Left::Nothing | Left::Unknown => self.place.vacate(),
        }
    }
}
