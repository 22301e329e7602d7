//! Everything below a directory: parents before children, by name, links not followed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::fs::FsError;

#[derive(Debug)]
pub struct DirWalk {
    inner: walkdir::IntoIter,
}

#[derive(Clone, Debug)]
pub struct WalkEntry {
    /// From the root of the walk on.
    pub path: PathBuf,
    /// 1 for what lies in the root itself.
    pub depth: usize,
    /// What the name itself is.
    pub meta: Metadata,
}

impl DirWalk {
    /// Below `root`, which is not a part of it.
    pub fn below(root: &Path) -> DirWalk {
        DirWalk { inner: WalkDir::new(root).min_depth(1).sort_by_file_name().into_iter() }
    }

    /// What comes by, relative to `root`; `None` at the end.
    pub fn step(&mut self, root: &Path) -> Option<Result<WalkEntry, FsError>> {
        let entry = self.inner.next()?;
        let found = entry.and_then(|entry| {
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
            Ok(WalkEntry { path, depth: entry.depth(), meta: entry.metadata()? })
        });
        Some(found.map_err(|error| FsError {
            doing: "look at",
            path: error.path().unwrap_or(root).to_owned(),
            source: error.into(),
        }))
    }

    /// Leaves out what is below the directory that came by last.
    pub fn leave_out(&mut self) {
        self.inner.skip_current_dir();
    }
}
