//! Bringing back what a removal saved: a branch for each thing that was saved of a task.

use std::path::PathBuf;

use super::authorize::{Action, Permitted};
use super::error::CommandError;
use crate::domain::settings::config::Config;
use crate::git::{GitError, Repo};
use crate::queue::Queue;
use crate::queue::scan::FoundTask;
use crate::sys::identity;
use crate::worktree::{FoundSalvage, Restored, TreePool};

/// What was saved, and what was made of it.
pub struct RestoredWork {
    /// The repository.
    pub repository: PathBuf,
    /// What was saved there.
    pub saved: FoundSalvage,
    /// The branch; `None`: there was nothing to make one of.
    pub restored: Option<Restored>,
}

/// Restores all that was saved of a task, oldest first; under the name of a branch only the latest.
pub fn restore(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    task: &str,
    branch: Option<&str>,
) -> Result<Vec<RestoredWork>, CommandError> {
    permitted.require(Action::Restore)?;
    let mut found = find(queue, config, task)?;
    if branch.is_some() {
        // One name is for one thing: the latest.
        found.drain(..found.len().saturating_sub(1));
    }
    if found.is_empty() {
        let hint =
            "what was saved: git for-each-ref refs/swarmdir/salvage; a branch may still be there";
        return Err(CommandError::usage(format!("nothing was saved of {task:?}")).hint(hint));
    }
    let restore = |(repository, trees, saved): (PathBuf, TreePool, FoundSalvage)| {
        let restored = trees.restore(&saved, branch)?;
        Ok(RestoredWork { repository, saved, restored })
    };
    found.into_iter().map(restore).collect()
}

/// All that was saved of what is meant, oldest first.
fn find(
    queue: &Queue,
    config: &Config,
    text: &str,
) -> Result<Vec<(PathBuf, TreePool, FoundSalvage)>, CommandError> {
    // A task that was pruned is known by its salvage alone.
    let id = match queue.find(text)? {
        FoundTask::One(id) => Some(id.to_string()),
        _ => None,
    };
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for path in config.repositories() {
        let Ok(repo) = Repo::discover(&path) else { continue };
        let root = repo.root().to_owned();
        if seen.contains(&root) {
            continue;
        }
        seen.push(root.clone());
        let trees = || -> Result<TreePool, GitError> {
            let repo = Repo::discover(&path)?;
            Ok(TreePool::new(repo, config.trees.clone(), &identity::host()))
        };
        for saved in trees().and_then(|trees| trees.salvages())? {
            if means(id.as_deref(), text, &saved.salvage.owner) {
                found.push((root.clone(), trees()?, saved));
            }
        }
    }
    let owners: std::collections::BTreeSet<String> =
        found.iter().map(|(_, _, saved)| saved.salvage.owner.clone()).collect();
    if owners.len() > 1 {
        let all: Vec<String> = owners.iter().map(|owner| format!("  {owner}")).collect();
        let message = format!("{text:?} means {} things:\n{}", owners.len(), all.join("\n"));
        return Err(CommandError::usage(message).hint("name one in full"));
    }
    Ok(found)
}

fn means(id: Option<&str>, text: &str, owner: &str) -> bool {
    match id {
        Some(id) => owner == id,
        None => owner == text || text.len() >= 3 && owner.contains(text),
    }
}
