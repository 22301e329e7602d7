//! What really happened in a night: the plan says what was meant, this what was met.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::task::id::TaskId;
use crate::domain::time::UnixMs;
use crate::sys::clock;

/// An answer of the service may die with whoever was about to hear it, so much earlier, milliseconds.
const UNHEARD_MS: u64 = 3_000;

/// A span of calendar time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) from: UnixMs,
    pub(super) until: UnixMs,
}

impl Span {
    pub(super) fn holds(&self, at: UnixMs) -> bool {
        self.from <= at && at <= self.until
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// How often each fault found somebody.
    pub(super) counts: BTreeMap<&'static str, usize>,
    /// Attempts that were cut off, by task: answers in these spans may have been heard by nobody.
    pub(super) cuts: HashMap<String, Vec<Span>>,
    /// How often each task was hit.
    pub(super) hits: HashMap<String, usize>,
    /// Moved by people, maybe under somebody's hands.
    pub(super) moved: HashSet<String>,
    /// Their agent was killed: one attempt is charged for it.
    pub(super) agents_killed: HashSet<String>,
    /// Tasks that were given another life.
    pub(super) retried: HashSet<String>,
    /// When the disk was full.
    pub(super) full: Vec<Span>,
    /// When a person opened the breaker.
    pub(super) opened_by_hand: Vec<UnixMs>,
}

impl Facts {
    pub(super) fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// The task's attempt is cut off within so long from now.
    pub(super) fn cut(&mut self, task: &TaskId, within_ms: u64) {
        let now = clock::now();
        let from = UnixMs(now.0.saturating_sub(UNHEARD_MS));
        let span = Span { from, until: now.plus_ms(within_ms + UNHEARD_MS) };
        self.cuts.entry(task.to_string()).or_default().push(span);
        *self.hits.entry(task.to_string()).or_default() += 1;
    }

    /// How many tasks were hit.
    pub(super) fn hit(&self) -> usize {
        self.hits.len()
    }

    /// Whether the task was hit so rarely that another time is fair.
    pub(super) fn may_hit(&self, task: &TaskId) -> bool {
        self.hits.get(task.as_str()).is_none_or(|hits| *hits < 2)
    }

    /// Whether an answer at that time may have been heard by nobody.
    pub(super) fn may_be_unheard(&self, task: &str, at: UnixMs) -> bool {
        let cut = self.cuts.get(task).is_some_and(|spans| spans.iter().any(|span| span.holds(at)));
        cut || self.full.iter().any(|span| span.holds(at))
    }
}
