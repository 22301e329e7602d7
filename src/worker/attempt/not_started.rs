//! Why an attempt never came to run its agent.

use std::fmt;

use crate::domain::failure::fault::Fault;
use crate::git::GitError;
use crate::queue::QueueError;

/// Why the agent was not started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NotStarted {
    pub(super) fault: Fault,
    pub(super) detail: String,
}

impl NotStarted {
    /// Something that the settings name is not there, or cannot be used.
    pub(super) fn missing(what: &impl fmt::Display) -> NotStarted {
        NotStarted { fault: Fault::Missing, detail: what.to_string() }
    }

    /// The repository, the tree or this machine stands in the way.
    pub(super) fn machine(detail: impl Into<String>) -> NotStarted {
        NotStarted { fault: Fault::Machine, detail: detail.into() }
    }
}

impl From<GitError> for NotStarted {
    fn from(error: GitError) -> NotStarted {
        let fault = if error.disk_full() { Fault::Disk } else { Fault::Machine };
        NotStarted { fault, detail: error.to_string() }
    }
}

/// Why the steps of an attempt were left: it is closed as not started, or the queue itself failed.
pub(super) enum Halt {
    NotStarted(NotStarted),
    Queue(QueueError),
}

impl From<NotStarted> for Halt {
    fn from(why: NotStarted) -> Halt {
        Halt::NotStarted(why)
    }
}

impl From<QueueError> for Halt {
    fn from(error: QueueError) -> Halt {
        Halt::Queue(error)
    }
}
