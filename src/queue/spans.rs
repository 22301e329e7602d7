//! When attempts ran, by the clock of the file system: to tell what an agent may have changed from what a person did.
//!
//! Times are those of the attempts' own files, so that they compare with the times of any other file there. Read only
//! where something changed: it looks at every attempt that is kept.

use std::ffi::OsString;
use std::path::Path;

use super::{Queue, Result};
use crate::domain::liveness::lease::{HEARTBEAT_EVERY_MS, SELF_STOP_AFTER_MS};
use crate::domain::process::HostMatch;
use crate::domain::task::id::TaskId;
use crate::domain::task::name::AttemptName;
use crate::domain::trust::Span;
use crate::site::{AttemptPaths, Dir};
use crate::sys::{fs, identity, process};

/// A worker whose process is gone took its agent with it; its last heartbeat is at most so much older, milliseconds.
const DEAD_WORKER_MS: u64 = 2 * HEARTBEAT_EVERY_MS;

impl Queue {
    /// Whether an attempt ran at any time from `first` to `last`, nanoseconds since 1970.
    pub fn attempt_ran_within(&self, first: i128, last: i128) -> Result<bool> {
        for name in fs::list_if_any(&self.dir(Dir::Runs))? {
            let Some(id) = fs::utf8(&name).and_then(TaskId::parse) else { continue };
            let names = fs::list_if_any(self.paths.run(&id).dir())?;
            let attempts = names
                .iter()
                .filter_map(|name: &OsString| AttemptName::parse_dir(&id, fs::utf8(name)?));
            for attempt in attempts {
                if self.span(&attempt).is_some_and(|span| span.meets(first, last)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// When an attempt ran; `None` where nothing tells that it began.
    fn span(&self, attempt: &AttemptName) -> Option<Span> {
        let files = self.paths.attempt(attempt);
        // The copy of the task comes before everything else of an attempt.
        let from = time_of(&files.task()).or_else(|| time_of(&files.start()))?;
        let ended = time_of(&files.result()).or_else(|| time_of(&files.lost()));
        Some(Span { from, until: ended.or_else(|| self.last_sign(attempt, &files)) })
    }

    /// When an attempt without an end can have run at the latest; `None` while it may run still.
    fn last_sign(&self, attempt: &AttemptName, files: &AttemptPaths) -> Option<i128> {
        let patience_ms = match self.worker(&attempt.worker) {
            // It works on the queue that this one is a copy of: here nothing ran since the copy was made.
            Some((card, _)) if card.copied => 0,
            Some((card, _)) => match identity::me().host_match(&card.process) {
                HostMatch::Here if process::alive(&card.process) => return None,
                HostMatch::Here | HostMatch::Rebooted => DEAD_WORKER_MS,
                HostMatch::Elsewhere => return None,
            },
            None => SELF_STOP_AFTER_MS,
        };
        let files = [files.task(), files.start(), files.events(), files.stderr()];
        let cards = [Dir::Workers, Dir::Gone].map(|of| self.file(of, &attempt.worker));
        let latest = files.iter().chain(&cards).filter_map(|path| time_of(path)).max()?;
        Some(latest + i128::from(patience_ms) * 1_000_000)
    }
}

fn time_of(path: &Path) -> Option<i128> {
    fs::look(path).ok().flatten().map(|meta| fs::mtime_ns(&meta))
}
