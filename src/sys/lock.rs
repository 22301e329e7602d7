//! Advisory locks between processes of one machine. A courtesy or a local fence, never the queue's truth.

use std::fs::File;
use std::path::Path;

use fs2::FileExt;

use super::fs::{self, FsError, Result};

/// A lock, held until dropped or until this process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock on `path` (made if missing); `None` where somebody else holds it.
    pub fn try_take(path: &Path) -> Result<Option<Lock>> {
        let file = fs::open_in_place(path)?;
        match FileExt::try_lock_exclusive(&file) {
            Ok(()) => Ok(Some(Lock { file })),
            Err(e) if e.kind() == fs2::lock_contended_error().kind() => Ok(None),
            Err(source) => Err(FsError { doing: "lock", path: path.to_owned(), source }),
        }
    }

    /// Takes a share of the lock, beside any number of others; `None` where somebody holds it whole.
    pub fn try_share(path: &Path) -> Result<Option<Lock>> {
        let file = fs::open_in_place(path)?;
        match FileExt::try_lock_shared(&file) {
            Ok(()) => Ok(Some(Lock { file })),
            Err(e) if e.kind() == fs2::lock_contended_error().kind() => Ok(None),
            Err(source) => Err(FsError { doing: "lock", path: path.to_owned(), source }),
        }
    }

    /// Waits for the lock.
    pub fn take(path: &Path) -> Result<Lock> {
        let file = fs::open_in_place(path)?;
        FileExt::lock_exclusive(&file).map_err(|source| FsError {
            doing: "lock",
            path: path.to_owned(),
            source,
        })?;
        Ok(Lock { file })
    }

    /// Writes who holds it, for whoever is turned away.
    pub fn note(&self, path: &Path, text: &str) -> Result<()> {
        fs::cut(&self.file, path)?;
        fs::write_at(&self.file, path, text.as_bytes(), 0)
    }
}

/// Given back in so many words: a child between fork and exec shares the lock, and closing ours would leave it held.
impl Drop for Lock {
    fn drop(&mut self) {
        // What cannot be given back ends with the last copy of the descriptor.
        // The lock ends with the process at the latest.
        drop(FileExt::unlock(&self.file));
    }
}
