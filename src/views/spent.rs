//! What an attempt has cost, whether it came to its end or was cut off: its account, else what its transcript tells.
//!
//! Invariant: an attempt counts once, by the better of the two.

use crate::agent::program::RecordedOutput;
use crate::domain::account::usage::Usage;
use crate::queue::Queue;
use crate::queue::runs::AttemptFiles;
use crate::sys::fs;

/// A transcript is read to the end, but not one that is longer, bytes: then only its end.
const TRANSCRIPT_MAX: u64 = 64 << 20;

/// The bill of one attempt; an attempt whose worker died left none, and is estimated.
pub(super) fn spent(queue: &Queue, attempt: &AttemptFiles) -> Usage {
    if let Some(result) = &attempt.result {
        return result.usage.clone();
    }
    let path = queue.paths().attempt(&attempt.name).events();
    let program = attempt.start.as_ref().and_then(|start| start.program.as_deref());
    let output = RecordedOutput::of(program);
    let mut summary = output.summary();
    let heard = fs::read_tail(&path, TRANSCRIPT_MAX).unwrap_or_default();
    heard
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .for_each(|line| summary.feed(&output.line(line)));
    summary.usage()
}
