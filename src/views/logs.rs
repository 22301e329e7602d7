//! `logs TASK`: the transcript of the latest attempt, rendered or raw, followed while it runs; rendered, what it wrote to
//! standard error too.

use std::fs::File;
use std::path::PathBuf;

use crate::agent::program::RecordedOutput;
use crate::agent::transcript::{self, MAX_LINE_BYTES};
use crate::domain::task::id::TaskId;
use crate::domain::text::printable;
use crate::queue::shift::TaskPlace;
use crate::queue::{Queue, Result};
use crate::sys::fs;

/// Follows one attempt's transcript, and what its agent writes to standard error.
pub struct Follow {
    events: Tail,
    errors: Tail,
    output: RecordedOutput,
    raw: bool,
}

/// The transcript of an attempt (`number` counts from 1; else the latest); `None` where there was no such attempt. Raw, it
/// is what the agent wrote to standard output, and that alone.
pub fn follow(
    queue: &Queue,
    id: &TaskId,
    number: Option<u32>,
    raw: bool,
) -> Result<Option<Follow>> {
    let mut attempts = queue.attempts(id)?;
    if let Some(number) = number {
        attempts.truncate(number as usize);
        if attempts.len() < number as usize {
            return Ok(None);
        }
    }
    Ok(attempts.pop().map(|attempt| {
        let paths = queue.paths().attempt(&attempt.name);
        Follow {
            events: Tail::of(paths.events()),
            errors: Tail::of(paths.stderr()),
            output: RecordedOutput::of(attempt.start.and_then(|start| start.program).as_deref()),
            raw,
        }
    }))
}

/// The task whose latest attempt began last, by the times of their directories.
pub fn tried_last(queue: &Queue) -> Result<Option<TaskId>> {
    let mut runs: Vec<_> = queue
        .known_tasks()?
        .into_iter()
        .filter_map(|id| {
            let meta = fs::look(queue.paths().run(&id).dir()).ok()??;
            Some((fs::mtime_ns(&meta), id))
        })
        .collect();
    runs.sort();
    for (_, id) in runs.into_iter().rev() {
        if queue.attempt_count(&id)? > 0 {
            return Ok(Some(id));
        }
    }
    Ok(None)
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
        if let Some(lines) = self.events.more()? {
            return Ok(Some(self.shown(lines)));
        }
        if self.raw {
            return Ok(None);
        }
        Ok(self.errors.more()?.map(|lines| complaints(&lines)))
    }

    /// Last lines that nothing ended: their writer died.
    pub fn rest(&mut self) -> Vec<u8> {
        let events = std::mem::take(&mut self.events.rest);
        let mut rest = self.shown(events);
        if !self.raw {
            rest.extend(complaints(&std::mem::take(&mut self.errors.rest)));
        }
        rest
    }

    fn shown(&self, lines: Vec<u8>) -> Vec<u8> {
        if self.raw {
            return lines;
        }
        let rendered = each(&lines).filter_map(|line| transcript::render(&self.output.line(line)));
        rendered.map(|text| format!("{text}\n")).collect::<String>().into_bytes()
    }
}

/// Standard error, a mark before each line.
fn complaints(lines: &[u8]) -> Vec<u8> {
    let text = each(lines).map(|line| printable(&String::from_utf8_lossy(line), false));
    text.map(|line| format!("stderr: {line}\n")).collect::<String>().into_bytes()
}

fn each(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
}

impl Tail {
    fn of(path: PathBuf) -> Tail {
        Tail { path, file: None, rest: Vec::new() }
    }

    /// What was added since the last call, in whole lines; `None`: nothing for now.
    fn more(&mut self) -> Result<Option<Vec<u8>>> {
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
                return Ok(Some(self.rest.drain(..end).collect()));
            }
        }
    }
}

/// Read at most so much at a time, bytes.
const CHUNK: u64 = 8 << 20;
