//! `queue/`: its directories, the files in them whose names are fixed, and what a task and an attempt leave in
//! `runs/T/` and `runs/T/e.W/`.

use std::path::{Path, PathBuf};

use crate::domain::task::id::{Epoch, TaskId};
use crate::domain::task::name::{AttemptName, TaskEpoch};

/// How the name of a rejected task's report ends.
pub const REPORT: &str = ".error.txt";

/// The directories: their enum, all of them in order, and their names on disk.
macro_rules! dirs {
    ($(#[$doc:meta] $dir:ident = $name:literal,)+) => {
        /// The queue's directories; `queue/README.md` says what lies in each.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Dir {
            $(#[$doc] $dir,)+
        }

        impl Dir {
            /// All of them.
            pub const ALL: [Dir; 16] = [$(Dir::$dir),+];

            /// Its name on disk.
            pub fn name(self) -> &'static str {
                match self {
                    $(Dir::$dir => $name,)+
                }
            }
        }
    };
}

dirs! {
    /// The drop zone.
    Pending = "pending",
    /// Waiting or being worked on.
    Ready = "ready",
    /// Not eligible now.
    Blocked = "blocked",
    /// Hard links of workers' files: who works on what.
    Claims = "claims",
    /// Live workers: identity and heartbeat.
    Workers = "workers",
    /// Workers declared dead.
    Gone = "gone",
    /// Workers asked to end.
    Retire = "retire",
    /// Each task's own record and attempts.
    Runs = "runs",
    /// Ended well.
    Done = "done",
    /// Ended badly.
    Failed = "failed",
    /// Cancelled.
    Cancelled = "cancelled",
    /// Wrong files, each with its errors beside it.
    Rejected = "rejected",
    /// Cancel requests.
    Cancel = "cancel",
    /// Accounts, one an account, and who tries a closed one.
    Accounts = "accounts",
    /// Staging.
    Tmp = "tmp",
    /// The journal.
    Log = "log",
}

/// Methods for files whose names are fixed, below `self.dir()`.
macro_rules! files {
    ($(#[$doc:meta] $method:ident = $file:literal,)+) => {
        /// The directory itself.
        pub fn dir(&self) -> &Path {
            &self.0
        }
        $(
            #[$doc]
            pub fn $method(&self) -> PathBuf {
                self.0.join($file)
            }
        )+
    };
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

/// The paths of one task's directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunPaths(PathBuf);

impl RunPaths {
    files! {
        /// The dropped name, where the task's id does not say it.
        name = "name",
        /// The record that intake makes.
        record = "task.json",
        /// Where the task stands, for whoever goes on with it.
        context = "context.md",
        /// Why its intake waits.
        waiting = "waiting",
        /// Why it was rejected, for programs.
        rejection = "rejection.json",
        /// Its branch, written before the branch is made.
        branch = "branch.json",
        /// The mark that what is left of it may go.
        pruned = "pruned",
    }

    /// The mark of a retry.
    pub fn retry(&self, epoch: Epoch) -> PathBuf {
        self.0.join(format!("retry.{epoch}"))
    }

    /// A second name of the task that was found in a directory of the queue, put aside.
    pub fn duplicate(&self, dir: &str, name: &str) -> PathBuf {
        self.0.join(format!("duplicate.{dir}.{name}"))
    }

    /// One attempt's directory.
    pub fn attempt(&self, attempt: &AttemptName) -> AttemptPaths {
        AttemptPaths(self.0.join(attempt.dir()))
    }
}

/// The paths of one attempt's directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttemptPaths(PathBuf);

impl AttemptPaths {
    files! {
        /// The copy of the task's file that the attempt works from.
        task = "task",
        /// How it began.
        start = "attempt.json",
        /// How it ended.
        result = "result.json",
        /// That its worker died.
        lost = "lost",
        /// How its agent stands now.
        live = "live.json",
        /// The agent's standard output.
        events = "events.jsonl",
        /// The agent's standard error.
        stderr = "stderr",
        /// The setup command's standard output.
        setup_events = "setup.out",
        /// The setup command's standard error.
        setup_stderr = "setup.err",
        /// What only the agent's adapter reads.
        private = "private",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
