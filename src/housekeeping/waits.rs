//! Which blocked tasks are due: by their names, and where a clock was ahead when it wrote one, by the record beside it.
//!
//! A record is read once for each name, and again when the clock was set back. Invariant: a wait that was begun by a
//! clock that was ahead ends as soon as somebody looks with one that is right.

use std::collections::HashSet;

use crate::domain::task::name::{QueueName, TaskEpoch};
use crate::domain::time::UnixMs;
use crate::domain::time_bounds::SKEW_MS;
use crate::queue::{Queue, Result};

/// What was found out so far.
#[derive(Default)]
pub(super) struct Waits {
    /// Names whose date is one of a clock that was right.
    believed: HashSet<TaskEpoch>,
    /// By how much the calendar was ahead of our own clock at the latest look, milliseconds.
    offset_ms: i128,
}

impl Waits {
    /// Those of all blocked tasks whose wait is over.
    pub(super) fn over(
        &mut self,
        queue: &Queue,
        blocked: Vec<QueueName>,
        now: UnixMs,
        mono_ms: u64,
    ) -> Result<Vec<QueueName>> {
        if set_back(&mut self.offset_ms, now, mono_ms) {
            self.believed.clear();
        }
        let known = std::mem::take(&mut self.believed);
        let mut over = Vec::new();
        for name in blocked {
            let Some(reason) = &name.reason else { continue };
            // A person's wait has no attempt behind it.
            let ours = reason.until_secs.is_some() && reason.wait.longest_ms().is_some();
            let due = reason.due(now)
                || (ours
                    && !known.contains(&name.at)
                    && queue.waits_by_a_wrong_clock(&name.at.id, now)?);
            if due {
                over.push(name);
            } else if ours {
                self.believed.insert(name.at);
            }
        }
        Ok(over)
    }
}

/// Whether the calendar was set back since the latest look; notes this one.
fn set_back(offset_ms: &mut i128, now: UnixMs, mono_ms: u64) -> bool {
    let offset = i128::from(now.0) - i128::from(mono_ms);
    let back = offset < *offset_ms - i128::from(SKEW_MS);
    *offset_ms = offset;
    back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once_and_one_that_runs_is_not() {
        let mut offset = 0;
        let mut look = |now: u64, mono: u64| set_back(&mut offset, UnixMs(now), mono);
        assert!(!look(1_000_000_000, 5_000), "the first look");
        assert!(!look(1_000_600_000, 605_000), "it runs");
        assert!(!look(2_000_000_000, 606_000), "it was set forward");
        assert!(!look(1_999_990_000, 607_000), "a little back");
        assert!(look(1_000_000_000, 608_000) && !look(1_000_001_000, 609_000));
    }
}
