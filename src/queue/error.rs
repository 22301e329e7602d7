//! What can go wrong with a queue, apart from lost races (which are values).

use std::error::Error;
use std::path::PathBuf;
use std::{fmt, io};

use crate::sys::fs::FsError;

/// An error of the queue.
#[derive(Debug)]
#[expect(missing_docs, reason = "what a variant says names its fields")]
pub enum QueueError {
    /// The file system said no.
    Fs(FsError),
    /// `FORMAT` is not ours, or of another version.
    Format {
        path: PathBuf,
        /// What it says.
        found: String,
    },
    /// There is no queue here.
    Absent { path: PathBuf },
    /// There was a queue here, and is none any more.
    Gone {
        path: PathBuf,
        /// The file that remembers it.
        memory: PathBuf,
    },
    /// Hard links or renames do not work here.
    Unfit {
        path: PathBuf,
        /// What failed.
        source: FsError,
    },
    /// The machine said no to something that is about no file.
    Machine {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl QueueError {
    /// What the machine would not do.
    pub fn machine<E: Into<Box<dyn Error + Send + Sync>>>(
        doing: &'static str,
    ) -> impl FnOnce(E) -> QueueError {
        move |source| QueueError::Machine { doing, source: io::Error::other(source) }
    }

    /// The next command to type, where one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            QueueError::Fs(e) if e.disk_full() => {
                Some("make room on that disk; nothing is lost, the queue goes on by itself".into())
            }
            QueueError::Fs(_) | QueueError::Machine { .. } => None,
            QueueError::Format { .. } => {
                Some("use the version of swarmdir that made this queue, or another --root".into())
            }
            QueueError::Absent { .. } => Some("coordinator init".into()),
            QueueError::Gone { memory, .. } => Some(format!(
                "mount its disk, or put it back (a backup, the place that it was moved to); to begin a new one: rm {memory:?} && coordinator init"
            )),
            QueueError::Unfit { .. } => Some(
                "put the queue on a local file system with hard links (ext4, xfs, btrfs), \
                 all of it on one mount: --root DIR"
                    .into(),
            ),
        }
    }

    /// No room on the disk.
    pub fn disk_full(&self) -> bool {
        matches!(self, QueueError::Fs(e) if e.disk_full())
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueError::Fs(e) => e.fmt(f),
            QueueError::Format { path, found } => {
                write!(f, "{path:?} is not a queue of format 2: it says {found:?}")
            }
            QueueError::Absent { path } => write!(f, "there is no queue at {path:?}"),
            QueueError::Gone { path, .. } => {
                write!(f, "the queue at {path:?} is gone: there was one, and its tasks were in it")
            }
            QueueError::Unfit { path, source } => {
                write!(f, "the file system at {path:?} cannot hold a queue: {source}")
            }
            QueueError::Machine { doing, source } => write!(f, "cannot {doing}: {source}"),
        }
    }
}

impl Error for QueueError {}

impl From<FsError> for QueueError {
    fn from(e: FsError) -> QueueError {
        QueueError::Fs(e)
    }
}

/// The usual result here.
pub type Result<T> = std::result::Result<T, QueueError>;
