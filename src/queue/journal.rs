//! The journal: who did what when, one append-only file a process. Evidence, never state.

use std::fs::File;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Dir, Queue, Result};
use crate::domain::id::WorkerId;
use crate::domain::name::TaskEpoch;
use crate::sys::clock;
use crate::sys::fs;

/// One process's own file in `log/`.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Queue {
    /// Opens this process's journal.
    pub fn journal(&self, owner: &str) -> Result<Journal> {
        let path = self.file(Dir::Log, format!("{owner}.jsonl"));
        let file = fs::open_append(&path)?;
        Ok(Journal { path, file })
    }

    /// Whether a worker ever claimed a task, as its journal has it.
    pub fn has_claimed(&self, id: &WorkerId) -> bool {
        let journal = fs::read_if_any(&self.file(Dir::Log, format!("{id}.jsonl")));
        let text = journal.ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&text).contains("\"event\":\"claim\"")
    }
}

impl Journal {
    /// Notes a transition. A journal that cannot be written must not stop the work that it describes.
    pub fn note(&self, event: &str, at: Option<&TaskEpoch>, more: Value) {
        let mut line = json!({ "at": clock::rfc3339(clock::now()), "event": event });
        if let (Some(fields), Some(at)) = (line.as_object_mut(), at) {
            fields.insert("task".into(), at.id.as_str().into());
            fields.insert("epoch".into(), at.epoch.0.into());
        }
        if let (Some(fields), Value::Object(more)) = (line.as_object_mut(), more) {
            fields.extend(more);
        }
        let _lost_line_is_only_evidence =
            fs::write_all(&self.file, &self.path, format!("{line}\n").as_bytes());
    }
}
