//! `logs TASK`: the transcript of the latest attempt, rendered or raw, followed while it runs.

use std::fs::File;
use std::path::PathBuf;

use crate::agent::program::RecordedOutput;
use crate::agent::transcript::{self, MAX_LINE_BYTES};
use crate::domain::task::id::TaskId;
use crate::queue::shift::TaskPlace;
use crate::queue::{Queue, Result};
use crate::sys::fs;

/// Follows one attempt's transcript.
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    output: RecordedOutput,
    raw: bool,
}

/// The latest attempt's transcript; `None` where there was no attempt.
pub fn follow(queue: &Queue, id: &TaskId, raw: bool) -> Result<Option<Follow>> {
    let latest = queue.attempts(id)?.pop();
    Ok(latest.map(|attempt| Follow {
        path: queue.paths().attempt(&attempt.name).events(),
        file: None,
        rest: Vec::new(),
        output: RecordedOutput::of(attempt.start.and_then(|start| start.program).as_deref()),
        raw,
    }))
}

/// Whether somebody works on the task now.
pub fn running(queue: &Queue, id: &TaskId) -> Result<bool> {
    Ok(match queue.whereabouts(id)? {
        Some(TaskPlace::Waiting(name)) => queue.is_claimed(&name.at),
        _ => false,
    })
}

impl Follow {
    /// What was added since the last call, in whole lines; `None`: nothing for now. Rendered text has no control
    /// characters left, raw bytes are what the agent wrote.
    pub fn more(&mut self) -> Result<Option<Vec<u8>>> {
        if self.file.is_none() {
            self.file = fs::open_foreign(&self.path)?;
        }
        let Some(file) = &self.file else { return Ok(None) };
        loop {
            let bytes = fs::read_up_to(file, &self.path, CHUNK)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.rest.extend(bytes);
            // A longer line is shown in pieces, so that memory has an end where a line has none.
            let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map(|end| end + 1);
            let end = whole.or((self.rest.len() > MAX_LINE_BYTES).then_some(self.rest.len()));
            if let Some(end) = end {
                let lines: Vec<u8> = self.rest.drain(..end).collect();
                return Ok(Some(self.shown(lines)));
            }
        }
    }

    /// A last line that nothing ended: its writer died.
    pub fn rest(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.rest);
        self.shown(rest)
    }

    fn shown(&self, lines: Vec<u8>) -> Vec<u8> {
        if self.raw {
            return lines;
        }
        let rendered = lines
            .split(|byte| *byte == b'\n')
            .filter_map(|line| transcript::render(&self.output.line(line)));
        rendered.map(|text| format!("{text}\n")).collect::<String>().into_bytes()
    }
}

/// Read at most so much at a time, bytes.
const CHUNK: u64 = 8 << 20;
