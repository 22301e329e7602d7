//! `queue/`: its directories, and the files in them whose names are fixed.

use std::path::{Path, PathBuf};

use super::runs::{AttemptPaths, RunPaths};
use crate::domain::task::id::TaskId;
use crate::domain::task::name::{AttemptName, TaskEpoch};

/// How the name of a rejected task's report ends.
pub const REPORT: &str = ".error.txt";

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

/// The paths of a queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuePaths {
    root: PathBuf,
}

impl QueuePaths {
    /// Of the queue directory `root`.
    pub fn new(root: PathBuf) -> QueuePaths {
        QueuePaths { root }
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

    /// What is kept about a task.
    pub fn run(&self, id: &TaskId) -> RunPaths {
        RunPaths(self.file(Dir::Runs, id.as_str()))
    }

    /// What one attempt left.
    pub fn attempt(&self, attempt: &AttemptName) -> AttemptPaths {
        self.run(&attempt.at.id).attempt(attempt)
    }

    /// What is wrong with a rejected task, for people.
    pub fn report(&self, at: &TaskEpoch) -> PathBuf {
        self.file(Dir::Rejected, format!("{at}{REPORT}"))
    }

    /// The journal of a process.
    pub fn journal(&self, owner: &str) -> PathBuf {
        self.file(Dir::Log, format!("{owner}.jsonl"))
    }

    /// The lock by which processes of one machine keep out of each other's way at intake.
    pub fn intake_lock(&self) -> PathBuf {
        self.file(Dir::Tmp, ".intake.lock")
    }

    /// Held by the process of this machine that does the housekeeping.
    pub fn leader_lock(&self) -> PathBuf {
        self.file(Dir::Tmp, ".tend.lock")
    }

    /// Held by one of those who watch directories.
    pub fn watcher_lock(&self, number: usize) -> PathBuf {
        self.file(Dir::Tmp, format!(".watch.{number}"))
    }

    /// The file that is let go when the disk is full.
    pub fn reserve_file(&self) -> PathBuf {
        self.file(Dir::Tmp, ".reserve")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::task::id::Epoch;

    #[test]
    fn every_path_of_a_queue() {
        let paths = QueuePaths::new("/q".into());
        let name = format!("T.2.{}", "0a".repeat(16));
        let attempt = AttemptName::parse(&name).expect("valid");
        let (run, files) = (paths.run(&attempt.at.id), paths.attempt(&attempt));
        assert_eq!(files.dir(), run.dir().join(attempt.dir()));
        assert_eq!(run.retry(Epoch(3)), run.dir().join("retry.3"));
        for (path, written) in [
            (paths.format(), "/q/FORMAT"),
            (paths.file(Dir::Ready, "5-x.1"), "/q/ready/5-x.1"),
            (paths.journal("W"), "/q/log/W.jsonl"),
            (paths.report(&attempt.at), "/q/rejected/T.2.error.txt"),
            (run.record(), "/q/runs/T/task.json"),
            (run.retry(Epoch(3)), "/q/runs/T/retry.3"),
            (paths.reserve_file(), "/q/tmp/.reserve"),
            (paths.watcher_lock(1), "/q/tmp/.watch.1"),
        ] {
            assert_eq!(path, Path::new(written));
        }
    }
}
