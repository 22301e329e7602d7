//! Branches: whose they are, and whether their work is on a target already.

use std::path::Path;

use super::known::KnownTasks;
use super::{GcDecision, GcItem, GcKind, GcTarget};
use crate::git::{GitError, Proof, TargetChanges};
use crate::sys::clock;
use crate::worktree::TreePool;

/// Adds the branches of ended tasks, and those of tasks that are nowhere.
pub(super) fn branches(
    trees: &TreePool,
    path: &Path,
    known: &KnownTasks<'_>,
    items: &mut Vec<GcItem>,
) -> std::result::Result<(), GitError> {
    let mut changes = TargetChanges::default();
    for branch in trees.our_branches()? {
        let (task, place) = known.of(&branch);
        let hops = place.is_none() && task.as_deref().is_some_and(|task| !known.is_nowhere(task));
        if hops || matches!(place, Some(None)) {
            continue;
        }
        let own = known.target(task.as_deref());
        let targets = [trees.tip(None), own.and_then(|name| trees.tip(Some(&name)))];
        let targets: Vec<String> = targets.into_iter().flatten().collect();
        let kind = if place.is_some() { GcKind::Branch } else { GcKind::OrphanBranch };
        let merged = trees.merged(&branch.name, &targets, &mut changes)?;
        let fate = fate(trees, &branch.name, kind, merged);
        let name = match (kind, &task) {
            (GcKind::OrphanBranch, Some(task)) => {
                format!("{} (of {task}, which is nowhere)", branch.name)
            }
            (GcKind::OrphanBranch, None) => format!("{} (no log says whose)", branch.name),
            _ => branch.name.clone(),
        };
        items.push(GcItem {
            kind,
            name,
            bytes: 0,
            idle_ms: clock::since_ms(branch.commit_ms),
            target: GcTarget::Branch {
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

fn fate(trees: &TreePool, name: &str, kind: GcKind, merged: Option<Proof>) -> GcDecision {
    match (trees.checked_out(name), merged) {
        (Some(at), _) => GcDecision::stays(format!("checked out at {}", at.display())),
        (None, None) if kind == GcKind::Branch => GcDecision::stays("not merged"),
        _ => GcDecision::stays(""),
    }
}
