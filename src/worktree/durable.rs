//! Making a task's branch survive a power cut, before its outcome is published.

use std::collections::BTreeSet;

use git2::Oid;

use super::collect::Collected;
use super::tree::Tree;
use crate::git::durable::{added_by, sync_all};
use crate::git::error::{GitError, Result};
use crate::git::summary::range;

/// A pack's time stamp may be of another clock than ours by so much, milliseconds.
const CLOCK_SLACK_MS: u64 = 300_000;

impl Tree {
    /// Syncs what the collected commits added, and the names that lead to them.
    pub fn make_durable(&self, collected: &Collected) -> Result<()> {
        let failed = |error| GitError::git("list the new objects", self.path())(error);
        let base = Oid::from_str(self.base()).map_err(failed)?;
        let mut objects = BTreeSet::new();
        let pinned = collected.pinned.iter().chain(collected.kept.iter().map(|(_, commit)| commit));
        for head in std::iter::once(&collected.head).chain(pinned) {
            let head = Oid::from_str(head).map_err(failed)?;
            for commit in range(&self.git, base, head).map_err(failed)? {
                added_by(&self.git, commit, &mut objects).map_err(failed)?;
            }
        }
        let mut names = vec![format!("refs/heads/{}", self.branch())];
        if collected.pinned.is_some() {
            names.push(format!("refs/swarmdir/{}/{}", self.holder.task, self.holder.token));
        }
        names.extend(collected.kept.iter().map(|(name, _)| name.clone()));
        let since = self.holder.since_ms.saturating_sub(CLOCK_SLACK_MS);
        sync_all(&self.repo.common, &objects, since, &names)
    }
}
