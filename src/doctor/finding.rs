//! A finding: what was looked at, how bad it is, and how to mend it; as JSON and for people.
//!
//! It looks at nothing itself.

use serde::Serialize;
use serde_json::{Value, json};

use crate::shape::style::Style;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingLevel {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// It works, but something is at risk.
    Warning,
    /// It cannot work.
    Missing,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What was looked at: `git`, `hard links` …
    pub what: &'static str,
    pub level: FindingLevel,
    /// What was found.
    pub found: String,
    pub mend: Option<String>,
}

impl Finding {
    /// Nothing works without it.
    pub fn is_fatal(&self) -> bool {
        self.level == FindingLevel::Missing
    }

    pub(super) fn good(what: &'static str, found: impl Into<String>) -> Finding {
        Finding { what, level: FindingLevel::Good, found: found.into(), mend: None }
    }

    pub(super) fn note(what: &'static str, found: impl Into<String>) -> Finding {
        Finding { level: FindingLevel::Note, ..Finding::good(what, found) }
    }

    pub(super) fn warning(
        what: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding { level: FindingLevel::Warning, ..Finding::missing(what, found, mend) }
    }

    pub(super) fn missing(
        what: &'static str,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            level: FindingLevel::Missing,
            mend: Some(mend.into()),
            ..Finding::good(what, found)
        }
    }
}

/// Schema 1.
pub fn json(findings: &[Finding]) -> Value {
    json!({ "schema": 1, "findings": findings })
}

pub fn text(findings: &[Finding], style: Style) -> String {
    let mut out = String::new();
    for finding in findings {
        let (color, mark) = match finding.level {
            FindingLevel::Good => ("32", "ok     "),
            FindingLevel::Note => ("36", "note   "),
            FindingLevel::Warning => ("33", "warning"),
            FindingLevel::Missing => ("31", "missing"),
        };
        let found = crate::domain::text::printable(&finding.found, false);
        out.push_str(&format!("{} {:<14} {found}\n", style.paint(color, mark), finding.what));
        if let Some(mend) = &finding.mend {
            out.push_str(&format!("        {} {mend}\n", style.paint("36", "hint:")));
        }
    }
    out
}
