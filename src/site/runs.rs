//! `runs/T/` and `runs/T/e.W/`: what a task and an attempt leave there.

use std::path::{Path, PathBuf};

use crate::domain::task::id::Epoch;
use crate::domain::task::name::AttemptName;

/// The paths of one task's directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunPaths(pub(super) PathBuf);

impl RunPaths {
    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// The dropped name, where the task's id does not say it.
    pub fn name(&self) -> PathBuf {
        self.0.join("name")
    }

    /// The record that intake makes.
    pub fn record(&self) -> PathBuf {
        self.0.join("task.json")
    }

    /// Where the task stands, for whoever goes on with it.
    pub fn context(&self) -> PathBuf {
        self.0.join("context.md")
    }

    /// Why its intake waits.
    pub fn waiting(&self) -> PathBuf {
        self.0.join("waiting")
    }

    /// Why it was rejected, for programs.
    pub fn rejection(&self) -> PathBuf {
        self.0.join("rejection.json")
    }

    /// Its branch, written before the branch is made.
    pub fn branch(&self) -> PathBuf {
        self.0.join("branch.json")
    }

    /// The mark that what is left of it may go.
    pub fn pruned(&self) -> PathBuf {
        self.0.join("pruned")
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
    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// The copy of the task's file that the attempt works from.
    pub fn task(&self) -> PathBuf {
        self.0.join("task")
    }

    /// How it began.
    pub fn start(&self) -> PathBuf {
        self.0.join("attempt.json")
    }

    /// How it ended.
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }

    /// That its worker died.
    pub fn lost(&self) -> PathBuf {
        self.0.join("lost")
    }

    /// How its agent stands now.
    pub fn live(&self) -> PathBuf {
        self.0.join("live.json")
    }

    /// The agent's standard output.
    pub fn events(&self) -> PathBuf {
        self.0.join("events.jsonl")
    }

    /// The agent's standard error.
    pub fn stderr(&self) -> PathBuf {
        self.0.join("stderr")
    }

    /// The setup command's standard output.
    pub fn setup_events(&self) -> PathBuf {
        self.0.join("setup.out")
    }

    /// The setup command's standard error.
    pub fn setup_stderr(&self) -> PathBuf {
        self.0.join("setup.err")
    }

    /// What only the agent's adapter reads.
    pub fn private(&self) -> PathBuf {
        self.0.join("private")
    }
}
