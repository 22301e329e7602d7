//! A command that cannot go on: what, where, why, the exit code, and the next command to type.

use std::fmt;

use super::config::{ConfigError, WriteError};
use super::exit;
use crate::commands::{CommandError, ErrorKind};
use crate::queue::QueueError;
use crate::sys::fs::FsError;

/// Ends a command.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) code: u8,
    /// What, where, why; lower case, no full stop.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// A failure with this code.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into(), hint: None }
    }

    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Failure {
        Failure::new(exit::USAGE, message)
    }

    /// What to do next, whatever happened: its own hint, or where to look for such a code. `None` where the
    /// message holds one already.
    pub(super) fn next(&self) -> Option<&str> {
        match (&self.hint, self.code) {
            (Some(hint), _) => Some(hint),
            (None, _) if self.message.contains("hint:") => None,
            (None, exit::USAGE) => Some("coordinator status --all; coordinator --help"),
            (None, exit::LATER) => Some("coordinator status"),
            (None, _) => Some("coordinator doctor"),
        }
    }

    /// With what to do next.
    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<CommandError> for Failure {
    fn from(e: CommandError) -> Failure {
        let code = match e.kind {
            ErrorKind::Usage => exit::USAGE,
            ErrorKind::Missing => exit::MISSING,
            ErrorKind::Later => exit::LATER,
            ErrorKind::Untrusted => exit::UNTRUSTED,
        };
        Failure { code, message: e.message, hint: e.hint }
    }
}

impl From<QueueError> for Failure {
    fn from(e: QueueError) -> Failure {
        CommandError::from(e).into()
    }
}

impl From<FsError> for Failure {
    fn from(e: FsError) -> Failure {
        CommandError::from(e).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Failure {
        Failure::new(exit::MISSING, e.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(e: ConfigError) -> Failure {
        let hint = match (&e.rules, e.problems.is_empty()) {
            (Some((rules, _)), true) => {
                format!("edit {}; how rules are written is in docs/failures.md", rules.display())
            }
            // What is wrong in the file has a line.
            _ if e.problems.iter().all(|problem| problem.line.is_none()) => {
                "correct the flag, the variable or the directory that it names; all keys are in \
                 docs/configuration.md"
                    .to_owned()
            }
            _ => format!("edit {}; all keys are in docs/configuration.md", e.path.display()),
        };
        Failure::usage(e.to_string()).hint(hint)
    }
}

impl From<WriteError> for Failure {
    fn from(e: WriteError) -> Failure {
        match e {
            WriteError::Fs(e) => e.into(),
            // There is no file to edit: the environment contradicts it, or the program itself is wrong.
            e @ WriteError::Config(_) => Failure::usage(e.to_string())
                .hint("look at the variables SWARMDIR_…, or write the file yourself"),
        }
    }
}

/// A command's result: its exit code.
pub(super) type CommandResult = Result<u8, Failure>;
