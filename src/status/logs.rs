//! `logs TASK`: the transcript of the latest attempt, rendered or raw, followed while it runs.

use std::fs::File;
use std::path::PathBuf;

use crate::agent::transcript;
use crate::domain::id::TaskId;
use crate::queue::shift::Place;
use crate::queue::{Queue, Result};
use crate::sys::fs;

/// Follows one attempt's transcript.
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    raw: bool,
}

/// The latest attempt's transcript; `None` where there was no attempt.
pub fn follow(queue: &Queue, id: &TaskId, raw: bool) -> Result<Option<Follow>> {
    let latest = queue.attempts(id)?.pop();
    Ok(latest.map(|attempt| Follow {
        path: queue.attempt_dir(&attempt.name).join("events.jsonl"),
        file: None,
        rest: Vec::new(),
        raw,
    }))
}

/// Whether somebody works on the task now.
pub fn running(queue: &Queue, id: &TaskId) -> Result<bool> {
    Ok(match queue.whereabouts(id)? {
        Some(Place::Waiting(name)) => queue.is_claimed(&name.at),
        _ => false,
    })
}

impl Follow {
    /// What was added since the last call, in whole lines. Rendered text has no control characters left.
    pub fn more(&mut self) -> Result<String> {
        if self.file.is_none() && fs::exists(&self.path) {
            self.file = Some(fs::open(&self.path)?);
        }
        let Some(file) = &self.file else { return Ok(String::new()) };
        self.rest.extend(fs::read_up_to(file, &self.path, CHUNK)?);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(String::new());
        };
        let lines: Vec<u8> = self.rest.drain(..=end).collect();
        if self.raw {
            return Ok(String::from_utf8_lossy(&lines).into_owned());
        }
        let rendered = lines
            .split(|byte| *byte == b'\n')
            .filter_map(|line| transcript::render(&transcript::parse_line(line)));
        Ok(rendered.map(|text| format!("{text}\n")).collect())
    }
}

/// Read at most so much at a time, bytes.
const CHUNK: u64 = 8 << 20;
