//! What the kernel would not do to a group: on which file, and its answer.

use std::io;
use std::path::{Path, PathBuf};

/// What the system would not do.
#[derive(Debug)]
pub struct CgroupError {
    /// On what.
    pub path: PathBuf,
    /// Its answer.
    pub source: io::Error,
}

impl std::fmt::Display for CgroupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.path, self.source)
    }
}

pub(super) fn on(path: &Path) -> impl FnOnce(io::Error) -> CgroupError {
    let path = path.to_owned();
    move |source| CgroupError { path, source }
}

pub(super) fn say(path: &Path, text: &str) -> Result<(), CgroupError> {
    std::fs::write(path, text).map_err(on(path))
}
