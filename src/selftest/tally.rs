//! What happened in a storm.

use std::collections::{BTreeMap, HashSet};

use super::task_kinds::TaskKind;
use crate::domain::task::name::TaskEpoch;
use crate::domain::time::UnixMs;

/// A worker was killed.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    /// When.
    pub(super) at: UnixMs,
    /// What it held a moment before.
    pub(super) held: Vec<TaskEpoch>,
}

/// What happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) dropped: Vec<(TaskKind, usize)>,
    pub(super) kills: Vec<Kill>,
    pub(super) coordinators_killed: usize,
    pub(super) stops: usize,
    pub(super) meddled: usize,
    /// Moved by us while somebody may just have claimed them: he notices at his next heartbeat.
    pub(super) moved: HashSet<String>,
    /// Breaches that were seen in the midst of it, by invariant.
    pub(super) seen_live: BTreeMap<&'static str, Vec<String>>,
}

impl Tally {
    /// A task that was dropped.
    pub(super) fn dropped(kinds: &[(TaskKind, usize)]) -> Tally {
        Tally { dropped: kinds.to_vec(), ..Tally::default() }
    }

    /// Whether a task's name was changed by a person while it was ready.
    pub(super) fn was_moved(&self, task: &str) -> bool {
        self.moved.contains(task)
    }

    /// What was wrong in the midst of it.
    pub(super) fn seen_live(&self, invariant: &str) -> Vec<String> {
        self.seen_live.get(invariant).cloned().unwrap_or_default()
    }

    /// The tasks that were dropped.
    pub(super) fn kinds(&self) -> &[(TaskKind, usize)] {
        &self.dropped
    }
}
