//! What the system would not do to a file: what was tried, on which path, and what it said.
//!
//! It tells kinds of refusal apart, so that nobody else compares numbers of errors.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use nix::libc;

/// What was tried, on which path, and what the system said.
#[derive(Debug)]
pub struct FsError {
    /// The verb: `rename`, `read` …
    pub doing: &'static str,
    /// The (first) path.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl FsError {
    pub(super) fn of(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FsError {
        let path = path.to_owned();
        move |source| FsError { doing, path, source }
    }

    /// No room: `ENOSPC` or a quota.
    pub fn disk_full(&self) -> bool {
        matches!(self.source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT))
    }

    /// This file may not, or cannot, be opened by this user; another one could be.
    pub fn unopenable(&self) -> bool {
        let errno = self.source.raw_os_error();
        matches!(errno, Some(libc::EACCES | libc::EPERM | libc::ELOOP | libc::ENXIO))
    }

    /// Something of another kind stands where a file should be, or should go.
    pub fn in_the_way(&self) -> bool {
        let kinds = [libc::EISDIR, libc::ENOTDIR, libc::ENOTEMPTY, libc::EEXIST, libc::ELOOP];
        self.source.raw_os_error().is_some_and(|errno| kinds.contains(&errno))
    }

    /// The name does not exist.
    pub fn not_found(&self) -> bool {
        self.source.kind() == ErrorKind::NotFound
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {:?}: {}", self.doing, self.path, self.source)
    }
}

impl std::error::Error for FsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// The usual result here.
pub type Result<T> = std::result::Result<T, FsError>;
