//! A directory of an attempt's own, for agents that work without git. Made and removed by one call each.

use std::path::{Path, PathBuf};

use crate::git::trouble::Result;
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
        // The usual case is one call; the rest is for the first one ever, and after a crash.
        match fs::mkdir(&path) {
            Ok(true) => {}
            Ok(false) if fs::list(&path)?.is_empty() => {}
            Ok(false) => {
                fs::remove_tree(&path)?;
                fs::mkdir(&path)?;
            }
            Err(error) if error.not_found() => {
                fs::mkdirs(dir)?;
                fs::mkdir(&path)?;
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
        fs::remove_tree(&dir.join(format!("scratch-{name}")))?;
        Ok(())
    }

    /// Leaves it to the next user of its name. Nothing in it: nothing to do.
    pub fn leave(self) -> Result<()> {
        if !fs::list(&self.path)?.is_empty() {
            fs::remove_tree(&self.path)?;
        }
        Ok(())
    }
}
