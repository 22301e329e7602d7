//! What is wrong with a file that a person wrote: where, which key, why, what was meant.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::text::printable;

/// One error of a task file or of `swarm.toml`; a file's errors are reported all at once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Problem {
    /// 1-based line in the file, where known.
    pub line: Option<u32>,
    /// 1-based column, where known.
    pub column: Option<u32>,
    /// The key (dotted) it is about.
    pub key: Option<String>,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What was probably meant, or what to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem of the file as a whole.
    pub fn new(message: impl Into<String>) -> Problem {
        Problem { message: message.into(), ..Problem::default() }
    }

    /// About this key.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Problem {
        Problem { key: Some(key.into()), ..self }
    }

    /// At this line and column (1-based; 0 means unknown).
    #[must_use]
    pub fn at(self, line: u32, column: u32) -> Problem {
        let known = |n: u32| (n > 0).then_some(n);
        Problem { line: known(line), column: known(column), ..self }
    }

    /// With advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Problem {
        Problem { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}")?;
            self.column.map_or(Ok(()), |column| write!(f, ", column {column}"))?;
            f.write_str(": ")?;
        }
        // Keys and messages quote what somebody wrote, also in the words of a library.
        if let Some(key) = &self.key {
            write!(f, "{}: ", printable(key, false))?;
        }
        f.write_str(&printable(&self.message, false))?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({})", printable(hint, true)))
    }
}
