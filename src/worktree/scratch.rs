//! A directory of an attempt's own, for agents that work without git. Made and removed by one call each.

use std::path::{Path, PathBuf};

use super::trouble::Result;
use crate::sys::fs;

/// An empty directory that is this attempt's.
#[derive(Debug)]
#[must_use = "a scratch directory that is not released stays"]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes `dir/scratch-<name>`, empty; what an attempt of that name left behind is removed. `dir` is
    /// made if need be; the caller guarantees that nobody else uses the name now (a task's id does).
    pub fn enter(dir: &Path, name: &str) -> Result<Scratch> {
        let path = dir.join(format!("scratch-{name}"));
        // The usual case is one call; the rest is for the first one ever, and after a crash.
        match fs::mkdir(&path) {
            Ok(true) => {}
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

    /// Leaves it; `remove`: with all that is in it.
    pub fn release(self, remove: bool) -> Result<()> {
        if remove && fs::rmdir(&self.path).is_err() {
            fs::remove_tree(&self.path)?;
        }
        Ok(())
    }
}
