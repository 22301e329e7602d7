//! A directory of an attempt's own, for agents that work without git. Made and removed by one call each.
//!
//! As a tree, it is the directory that was made: what an agent puts in its place is not emptied.

use std::path::{Path, PathBuf};

use super::identity::{self, TreeIdentity};
use crate::git::error::{GitError, Result};
use crate::sys::dir::Dir;
use crate::sys::fs;

/// An empty directory that is this attempt's.
#[derive(Debug)]
#[must_use = "a scratch directory that is not released stays"]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes `dir/scratch-<name>`, empty; what was left behind under that name is removed. `dir` is made if
    /// need be; the caller guarantees that nobody else uses the name now.
    pub fn enter(dir: &Path, name: &str) -> Result<Scratch> {
        let path = dir.join(format!("scratch-{name}"));
        match fs::mkdir(&path) {
            Ok(true) => drop(identity::remember(&path)?),
            Ok(false) => empty(&path)?,
            Err(error) if error.not_found() => {
                fs::mkdirs(dir)?;
                fs::mkdir(&path)?;
                identity::remember(&path)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Scratch { path })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory of a name that nobody uses any more, with all that is in it.
    pub fn forget(dir: &Path, name: &str) -> Result<()> {
        let path = dir.join(format!("scratch-{name}"));
        if let TreeIdentity::Ours(_) = identity::check(&path)? {
            fs::remove_tree(&path)?;
        }
        identity::forget(&path)
    }

    /// Leaves it to the next user of its name. Nothing in it: nothing to do.
    pub fn leave(self) -> Result<()> {
        empty(&self.path)
    }
}

/// Empties the directory; one in its place that is not the one that was made stays as it is.
fn empty(path: &Path) -> Result<()> {
    let ours = |dir: &Dir| fs::list(&dir.path()).map(|names| !names.is_empty());
    match identity::check(path)? {
        TreeIdentity::Ours(dir) if !ours(&dir)? => Ok(()),
        TreeIdentity::Ours(_) => {
            fs::remove_tree(path)?;
            make(path)
        }
        TreeIdentity::Gone => make(path),
        TreeIdentity::Other(what) => Err(GitError::Replaced { path: path.to_owned(), what }),
    }
}

fn make(path: &Path) -> Result<()> {
    fs::mkdir(path)?;
    identity::remember(path).map(drop)
}
