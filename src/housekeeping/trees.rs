//! Trees that belong to tasks which are over: their worker died, or they were cancelled while they waited.
//!
//! What such a tree holds is committed to its branch before anybody else may use it.

use super::Housekeeper;
use crate::domain::task::id::TaskId;
use crate::git::Repo;
use crate::queue::Result;
use crate::sys::identity;
use crate::worktree::TreePool;

impl Housekeeper {
    /// Frees the trees of ended tasks. GitError with a tree leaves it as it is, for the next time.
    pub(super) fn clear_trees(&self) -> Result<()> {
        for path in &self.repositories {
            let Ok(repo) = Repo::discover(path) else { continue };
            let trees = TreePool::new(repo, self.trees.clone(), &identity::host());
            for holder in trees.holders().unwrap_or_default() {
                let task = TaskId::parse(&holder.task).filter(|_| holder.queue == self.queue.id());
                if let Some(task) = task
                    && self.queue.ended(&task)?.is_some()
                {
                    // What stays is cleared by the next pass.
                    drop(trees.vacate(&holder.queue, &holder.task));
                }
            }
        }
        Ok(())
    }
}
