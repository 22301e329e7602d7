//! Branches: whose they are, and whether their work is on a target already.

use std::path::Path;

use super::known::Known;
use super::{Fate, Item, Kind, Target};
use crate::git::{Changes, GitError, Proof};
use crate::sys::clock;
use crate::worktree::TreePool;

/// Adds the branches of ended tasks, and those of tasks that are nowhere.
pub(super) fn branches(
    trees: &TreePool,
    path: &Path,
    known: &Known<'_>,
    items: &mut Vec<Item>,
) -> std::result::Result<(), GitError> {
    let mut changes = Changes::default();
    for branch in trees.our_branches()? {
        let (task, place) = known.of(&branch);
        let hops = place.is_none() && task.as_deref().is_some_and(|task| !known.is_nowhere(task));
        if hops || matches!(place, Some(None)) {
            continue;
        }
        let own = known.target(task.as_deref());
        let targets = [trees.tip(None), own.and_then(|name| trees.tip(Some(&name)))];
        let targets: Vec<String> = targets.into_iter().flatten().collect();
        let kind = if place.is_some() { Kind::Branch } else { Kind::OrphanBranch };
        let merged = trees.merged(&branch.name, &targets, &mut changes)?;
        let fate = fate(trees, &branch.name, kind, merged);
        let name = match (kind, &task) {
            (Kind::OrphanBranch, Some(task)) => {
                format!("{} (of {task}, which is nowhere)", branch.name)
            }
            (Kind::OrphanBranch, None) => format!("{} (no log says whose)", branch.name),
            _ => branch.name.clone(),
        };
        items.push(Item {
            kind,
            name,
            bytes: 0,
            idle_ms: clock::since_ms(branch.commit_ms),
            target: Target::Branch {
                repository: path.to_owned(),
                name: branch.name,
                task,
                targets,
            },
            fate,
        });
    }
    Ok(())
}

fn fate(trees: &TreePool, name: &str, kind: Kind, merged: Option<Proof>) -> Fate {
    match (trees.checked_out(name), merged) {
        (Some(at), _) => Fate::stays(format!("checked out at {}", at.display())),
        (None, None) if kind == Kind::Branch => Fate::stays("not merged"),
        _ => Fate::stays(""),
    }
}
