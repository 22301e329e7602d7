//! Branches: whose they are, and whether their work is on a target already.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::survey::{idle, places, stays};
use super::{Fate, Item, Kind, Target};
use crate::domain::task::id::TaskId;
use crate::git::{Changes, GitError, Proof};
use crate::queue::Queue;
use crate::queue::scan::Snapshot;
use crate::queue::shift::Ended;
use crate::sys::fs;
use crate::worktree::{Holder, OurBranch, TreePool};

/// What the queue knows of tasks.
pub(super) struct Known<'a> {
    queue: &'a Queue,
    places: HashMap<TaskId, Option<Ended>>,
    /// Tasks by the branch that their record names.
    by_branch: HashMap<String, TaskId>,
    /// Tasks with a directory in `runs/` that two looks found nowhere.
    alone: HashSet<TaskId>,
}

impl<'a> Known<'a> {
    pub(super) fn new(queue: &'a Queue, snapshot: &Snapshot, alone: HashSet<TaskId>) -> Known<'a> {
        let places = places(snapshot);
        let branch = |id: &TaskId| Some((queue.record(id)?.origin?.branch, id.clone()));
        let by_branch = places.keys().filter_map(branch).collect();
        Known { queue, places, by_branch, alone }
    }

    pub(super) fn queue_id(&self) -> &str {
        self.queue.id()
    }

    fn place(&self, task: &str) -> Option<&Option<Ended>> {
        self.places.get(&TaskId::parse(task)?)
    }

    /// Whether the task is of this queue and has ended.
    pub(super) fn is_over(&self, occupant: &Holder) -> bool {
        occupant.queue == self.queue.id() && matches!(self.place(&occupant.task), Some(Some(_)))
    }

    /// Whether the task is certainly in no state here: one that hops while directories are listed has its own
    /// directory.
    pub(super) fn is_nowhere(&self, task: &str) -> bool {
        let Some(id) = TaskId::parse(task) else { return true };
        let gone = || self.alone.contains(&id) || !fs::exists(self.queue.paths().run(&id).dir());
        !self.places.contains_key(&id) && gone()
    }

    /// The task of a branch, and how it ended.
    fn of(&self, branch: &OurBranch) -> (Option<String>, Option<&Option<Ended>>) {
        let named = self.by_branch.get(&branch.name).map(TaskId::to_string);
        let task = branch.task.clone().or(named);
        let place = task.as_deref().and_then(|task| self.place(task));
        (task, place)
    }

    /// The branch that a task was to be merged into.
    fn target(&self, task: Option<&str>) -> Option<String> {
        Some(self.queue.record(&TaskId::parse(task?)?)?.origin?.base_name)
    }
}

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
            idle_ms: idle(branch.commit_ms),
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
        (Some(at), _) => stays(format!("checked out at {}", at.display())),
        (None, None) if kind == Kind::Branch => stays("not merged"),
        _ => stays(""),
    }
}
