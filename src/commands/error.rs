//! An act that could not be done: what, where, why, and the next command to type.

use std::fmt;

use super::authorize::Denied;
use crate::git::GitError;
use crate::queue::QueueError;
use crate::sys::fs::FsError;
use crate::trust::TrustStoreError;

/// What kind of failure it is; each surface has its own way to say so (an exit code, a status).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// What was asked for is wrong.
    Usage,
    /// Something needed is missing.
    Missing,
    /// Not now; try again.
    Later,
    /// Not without the user's trust.
    Untrusted,
}

/// Why an act was not done.
#[derive(Debug)]
pub struct CommandError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What, where, why; lower case, no full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl CommandError {
    /// An error of this kind.
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> CommandError {
        CommandError { kind, message: message.into(), hint: None }
    }

    /// What was asked for is wrong.
    pub(super) fn usage(message: impl Into<String>) -> CommandError {
        CommandError::new(ErrorKind::Usage, message)
    }

    /// With what to do next.
    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> CommandError {
        CommandError { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Denied> for CommandError {
    fn from(denied: Denied) -> CommandError {
        CommandError::new(ErrorKind::Untrusted, denied.to_string()).hint(denied.hint())
    }
}

impl From<QueueError> for CommandError {
    fn from(e: QueueError) -> CommandError {
        let kind = match &e {
            QueueError::Absent { .. }
            | QueueError::Gone { .. }
            | QueueError::Unfit { .. }
            | QueueError::Machine { .. }
            | QueueError::Fs(_) => ErrorKind::Missing,
            QueueError::Format { .. } => ErrorKind::Usage,
        };
        CommandError { kind, message: e.to_string(), hint: e.hint() }
    }
}

impl From<FsError> for CommandError {
    fn from(e: FsError) -> CommandError {
        QueueError::from(e).into()
    }
}

impl From<GitError> for CommandError {
    fn from(e: GitError) -> CommandError {
        let kind = if e.is_the_tasks() { ErrorKind::Usage } else { ErrorKind::Missing };
        CommandError { kind, message: e.to_string(), hint: e.hint() }
    }
}

impl From<TrustStoreError> for CommandError {
    fn from(e: TrustStoreError) -> CommandError {
        let hint = match &e {
            TrustStoreError::NoPlace => "set HOME, then: coordinator trust".to_owned(),
            TrustStoreError::Exposed { dir } => {
                format!("chmod 700 it, as its owner: {}", dir.display())
            }
            TrustStoreError::Fs(_) => "coordinator doctor".to_owned(),
        };
        CommandError::new(ErrorKind::Missing, e.to_string()).hint(hint)
    }
}
