//! The end of a storm or a night: whether all tasks have come to theirs, still do, or are stuck.

use crate::domain::failure::policy::waits;
use crate::domain::task::name::QueueName;
use crate::queue::scan::Snapshot;
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// Watches a queue work off what is left.
pub(super) struct StuckCheck {
    /// One in which nothing ends for so long is stuck, milliseconds.
    stuck_ms: u64,
    ended: usize,
    /// When that last changed (monotonic milliseconds).
    since_ms: u64,
    /// What may have to be waited for besides, since then.
    announced_ms: u64,
}

impl StuckCheck {
    pub(super) fn after(stuck_ms: u64) -> StuckCheck {
        StuckCheck { stuck_ms, ended: 0, since_ms: clock::mono_ms(), announced_ms: 0 }
    }

    /// `None`: it goes on. Otherwise it is over, with what is not at its end although it should be.
    pub(super) fn look(&mut self, queue: &Queue) -> Result<Option<Vec<String>>> {
        let seen = queue.scan()?;
        let waiting = seen.pending.len() + seen.ready.len() + seen.blocked.len();
        if waiting + seen.claims.len() == 0 {
            return Ok(Some(Vec::new()));
        }
        if seen.ended.len() != self.ended {
            (self.ended, self.since_ms) = (seen.ended.len(), clock::mono_ms());
            self.announced_ms = 0;
        }
        // Once it is over, what was waited for still takes its time.
        self.announced_ms = self.announced_ms.max(announced_ms(&seen));
        let stuck = clock::mono_ms() - self.since_ms > self.stuck_ms + self.announced_ms;
        Ok(stuck.then(|| unfinished(&seen)))
    }
}

/// How long a wait is at most that the queue announces by itself, milliseconds. A lock of git's that a killed process
/// left, say, puts a task off for a minute.
const ANNOUNCED_MS: u64 = 2 * waits::MACHINE_MS;

/// What may have to be waited for besides: only where a task waits for a time.
fn announced_ms(seen: &Snapshot) -> u64 {
    let waits = |name: &QueueName| name.reason.as_ref().is_some_and(|r| r.until_secs.is_some());
    if seen.blocked.iter().any(waits) { ANNOUNCED_MS } else { 0 }
}

/// What is not at its end, when it should be.
pub(super) fn unfinished(seen: &Snapshot) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(seen.pending.iter().map(|name| format!("pending/{}", name.to_string_lossy())));
    lines.extend(seen.ready.iter().map(|name| format!("ready/{name}")));
    lines.extend(seen.blocked.iter().map(|name| format!("blocked/{name}")));
    lines.extend(seen.claims.keys().map(|at| format!("claims/{at}")));
    lines
}
