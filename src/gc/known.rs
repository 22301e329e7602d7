//! What the queue knows of a task (whether it waits, has ended, or is nowhere), which branch is whose, and whether its work
//! is on a target already.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::{GcDecision, GcItem, GcKind, GcTarget};
use crate::domain::task::id::TaskId;
use crate::git::{GitError, Proof, TargetChanges};
use crate::queue::Queue;
use crate::queue::scan::Snapshot;
use crate::queue::shift::EndedTask;
use crate::sys::{clock, fs};
use crate::worktree::{Holder, OurBranch, TreePool};

pub(super) struct KnownTasks<'a> {
    queue: &'a Queue,
    places: HashMap<TaskId, Option<EndedTask>>,
    /// Tasks by the branch that their record names.
    by_branch: HashMap<String, TaskId>,
    /// Tasks with a directory in `runs/` that two looks found nowhere.
    alone: HashSet<TaskId>,
}

impl<'a> KnownTasks<'a> {
    pub(super) fn new(
        queue: &'a Queue,
        snapshot: &Snapshot,
        alone: HashSet<TaskId>,
    ) -> KnownTasks<'a> {
        let places = places(snapshot);
        let branch = |id: &TaskId| Some((queue.record(id)?.origin?.branch, id.clone()));
        let by_branch = places.keys().filter_map(branch).collect();
        KnownTasks { queue, places, by_branch, alone }
    }

    pub(super) fn queue_id(&self) -> &str {
        self.queue.id()
    }

    pub(super) fn place(&self, task: &str) -> Option<&Option<EndedTask>> {
        self.places.get(&TaskId::parse(task)?)
    }

    pub(super) fn is_over(&self, holder: &Holder) -> bool {
        holder.queue == self.queue.id() && matches!(self.place(&holder.task), Some(Some(_)))
    }

    /// Whether the task is certainly in no state here: one that hops while directories are listed has its own
    /// directory.
    pub(super) fn is_nowhere(&self, task: &str) -> bool {
        let Some(id) = TaskId::parse(task) else { return true };
        let gone = || self.alone.contains(&id) || !fs::exists(self.queue.paths().run(&id).dir());
        !self.places.contains_key(&id) && gone()
    }

    pub(super) fn of(&self, branch: &OurBranch) -> (Option<String>, Option<&Option<EndedTask>>) {
        let named = self.by_branch.get(&branch.name).map(TaskId::to_string);
        let task = branch.task.clone().or(named);
        let place = task.as_deref().and_then(|task| self.place(task));
        (task, place)
    }

    /// The branch that a task was to be merged into.
    pub(super) fn target(&self, task: Option<&str>) -> Option<String> {
        Some(self.queue.record(&TaskId::parse(task?)?)?.origin?.base_name)
    }
}

/// Which tasks are somewhere: ended (how), or waiting (`None`).
pub(super) fn places(snapshot: &Snapshot) -> HashMap<TaskId, Option<EndedTask>> {
    let waiting = snapshot.ready.iter().chain(&snapshot.blocked);
    let waiting = waiting.map(|name| (name.at.id.clone(), None));
    let ended = snapshot.ended.iter().map(|ended| (ended.at().id.clone(), Some(ended.clone())));
    ended.chain(waiting).collect()
}

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
