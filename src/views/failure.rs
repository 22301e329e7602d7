//! What an attempt failed of: its class, and the record that showed it.
//!
//! Everything comes from records that others may have written or changed: each text is made safe for a terminal.

use serde_json::{Value, json};

use crate::domain::failure::policy::Class;
use crate::domain::text::one_line;
use crate::queue::Queue;
use crate::queue::runs::AttemptFiles;
use crate::sys::fs;

/// Of the record so much is shown, characters.
const RECORD_CHARS: usize = 400;

/// The class of an attempt's failure, and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureView {
    /// The class, as it was recorded; an older record's follows from its outcome.
    pub class: String,
    /// The rule that told so.
    pub rule: Option<String>,
    /// Which record.
    pub source: Option<String>,
    /// What stood in it.
    pub record: Option<String>,
}

impl FailureView {
    /// `None`: it did not fail, or has not ended.
    pub fn of(attempt: &AttemptFiles) -> Option<FailureView> {
        if let Some(lost) = &attempt.lost {
            return Some(FailureView {
                class: Class::Harness.word().to_owned(),
                rule: Some("swarmdir.lost".to_owned()),
                source: Some("lost".to_owned()),
                record: Some(lost.evidence.clone()),
            });
        }
        let result = attempt.result.as_ref()?;
        let class = result.class.clone().or_else(|| {
            let class = Class::of_outcome(&result.outcome)?;
            // Denied tools are a failure only where the task came to nothing.
            (class != Class::Permission || result.charged).then(|| class.word().to_owned())
        })?;
        Some(FailureView {
            class,
            rule: result.rule.clone(),
            source: result.evidence.as_ref().map(|evidence| evidence.source.clone()),
            record: result.evidence.as_ref().map(|evidence| evidence.record.clone()),
        })
    }

    /// Whether the task may not use what it needs.
    pub fn is_permission(&self) -> bool {
        self.class == Class::Permission.word()
    }

    /// For people.
    pub fn lines(&self, queue: &Queue, attempt: &AttemptFiles, short: &str) -> Vec<String> {
        let class = one_line(&self.class, 40);
        let known = Class::ALL.iter().find(|known| known.word() == class);
        let meaning = known.map(|known| format!(", {}", known.meaning())).unwrap_or_default();
        let mut lines = vec![format!("  class: {class}{meaning}")];
        let (Some(source), Some(record)) = (&self.source, &self.record) else { return lines };
        let rule = self.rule.as_deref().map(|rule| format!(" (rule {})", one_line(rule, 60)));
        let record = one_line(record, RECORD_CHARS);
        lines.push(format!("  shown by {}{}: {record}", place(source), rule.unwrap_or_default()));
        match source.as_str() {
            "result" | "api_error" | "rate_limit_event" => {
                lines.push(format!("  all of it: coordinator logs {short} --raw"));
            }
            "stderr" | "exit" => {
                let path = queue.paths().attempt(&attempt.name).stderr();
                if fs::look(&path).ok().flatten().is_some_and(|meta| meta.len() > 0) {
                    lines.push(format!("  all of it: {path:?}"));
                }
            }
            _ => {}
        }
        lines
    }

    /// Its keys in JSON; all null without one.
    pub fn json(failure: Option<&FailureView>) -> [(&'static str, Value); 3] {
        let evidence = failure.and_then(|failure| {
            let (source, record) = (failure.source.as_ref()?, failure.record.as_ref()?);
            Some(json!({ "source": source, "record": record }))
        });
        [
            ("class", json!(failure.map(|failure| &failure.class))),
            ("rule", json!(failure.and_then(|failure| failure.rule.as_ref()))),
            ("evidence", json!(evidence)),
        ]
    }
}

/// The record's name for people.
fn place(source: &str) -> String {
    match source {
        "result" => "the result record".to_owned(),
        "api_error" => "the record of the failed call".to_owned(),
        "rate_limit_event" => "the news of the limit".to_owned(),
        "stderr" => "its standard error".to_owned(),
        "exit" => "its exit".to_owned(),
        "supervisor" => "swarmdir, which watched it".to_owned(),
        "worker" => "its worker".to_owned(),
        "lost" => "what was found of its worker".to_owned(),
        other => one_line(other, 40),
    }
}
