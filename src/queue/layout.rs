//! The only file where the queue's directory names are spelt.

use std::path::{Path, PathBuf};

/// The queue's directories; `queue/README.md` says what lies in each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dir {
    /// The drop zone.
    Pending,
    /// Waiting or being worked on.
    Ready,
    /// Not eligible now.
    Blocked,
    /// Hard links of workers' files: who works on what.
    Claims,
    /// Live workers: identity and heartbeat.
    Workers,
    /// Workers declared dead.
    Gone,
    /// Workers asked to end.
    Retire,
    /// Each task's own record and attempts.
    Runs,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Wrong files, each with its errors beside it.
    Rejected,
    /// Cancel requests.
    Cancel,
    /// Accounts, one an account, and who tries a closed one.
    Accounts,
    /// Staging.
    Tmp,
    /// The journal.
    Log,
}

impl Dir {
    /// All of them.
    pub const ALL: [Dir; 16] = [
        Dir::Pending,
        Dir::Ready,
        Dir::Blocked,
        Dir::Claims,
        Dir::Workers,
        Dir::Gone,
        Dir::Retire,
        Dir::Runs,
        Dir::Done,
        Dir::Failed,
        Dir::Cancelled,
        Dir::Rejected,
        Dir::Cancel,
        Dir::Accounts,
        Dir::Tmp,
        Dir::Log,
    ];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Dir::Pending => "pending",
            Dir::Ready => "ready",
            Dir::Blocked => "blocked",
            Dir::Claims => "claims",
            Dir::Workers => "workers",
            Dir::Gone => "gone",
            Dir::Retire => "retire",
            Dir::Runs => "runs",
            Dir::Done => "done",
            Dir::Failed => "failed",
            Dir::Cancelled => "cancelled",
            Dir::Rejected => "rejected",
            Dir::Cancel => "cancel",
            Dir::Accounts => "accounts",
            Dir::Tmp => "tmp",
            Dir::Log => "log",
        }
    }
}

/// Paths within one queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Of the queue directory `root`.
    pub fn new(root: PathBuf) -> Layout {
        Layout { root }
    }

    /// The queue directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that says what this directory is.
    pub fn format(&self) -> PathBuf {
        self.root.join("FORMAT")
    }

    /// One directory.
    pub fn dir(&self, dir: Dir) -> PathBuf {
        self.root.join(dir.name())
    }

    /// One name in a directory.
    pub fn file(&self, dir: Dir, name: impl AsRef<Path>) -> PathBuf {
        let mut path = self.dir(dir);
        path.push(name);
        path
    }

    /// The lock by which processes of one machine keep out of each other's way at intake.
    pub fn intake_lock(&self) -> PathBuf {
        self.file(Dir::Tmp, ".intake.lock")
    }

    /// The file that keeps the queue writable on a full disk.
    pub fn reserve_file(&self) -> PathBuf {
        self.file(Dir::Tmp, ".reserve")
    }
}
