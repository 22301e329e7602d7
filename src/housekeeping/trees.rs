//! Trees that belong to tasks which are over: their worker was lost, or they were cancelled while they waited.
//!
//! What such a tree holds is committed to its branch before anybody else may use it.

use std::path::{Path, PathBuf};

use crate::domain::task::id::TaskId;
use crate::git::Repo;
use crate::queue::{Queue, Result};
use crate::sys::identity;
use crate::worktree::TreePool;

/// Frees the trees of ended tasks. One that cannot be freed stays as it is, for the next time.
pub(super) fn clear_trees(
    queue: &Queue,
    repositories: &[PathBuf],
    trees_dir: Option<&Path>,
) -> Result<()> {
    for path in repositories {
        let Ok(repo) = Repo::discover(path) else { continue };
        let trees = TreePool::new(repo, trees_dir.map(Path::to_owned), &identity::host());
        for holder in trees.holders().unwrap_or_default() {
            let task = TaskId::parse(&holder.task).filter(|_| holder.queue == queue.id());
            if let Some(task) = task
                && queue.ended(&task)?.is_some()
            {
                // What stays is cleared by the next pass.
                drop(trees.vacate(&holder.queue, &holder.task));
            }
        }
    }
    Ok(())
}
