//! Letting go of what was decided about, in the order of [`GcKind`]. Each step asks again whether it still may.

use std::path::Path;

use super::survey::is_report;
use super::{GcDecision, GcItem, GcKind, GcTarget};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::git::{GitError, Repo};
use crate::queue::finish::Transition;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};
use crate::site::Site;
use crate::sys::{fs, identity, talk};
use crate::worktree::{Removal, RemovalRefusal, Removed, TreePool, Vacated};

/// What came of one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GcResult {
    /// It went; what was saved of it is under this ref.
    Gone(Option<String>),
    /// It stayed after all, because.
    Kept(String),
}

/// Lets everything go that goes; `tell` hears of each. An error with one thing ends nothing.
pub fn carry_out(
    queue: &Queue,
    config: &Config,
    items: &[GcItem],
    tell: &mut dyn FnMut(&GcItem, &GcResult),
) -> Result<()> {
    queue.clear_pruned()?;
    queue.rotate_shared()?;
    turn_logs(config)?;
    let forests: Vec<TreePool> =
        config.repositories().iter().filter_map(|path| trees(config, path).ok()).collect();
    let mut going: Vec<&GcItem> = items.iter().filter(|item| item.goes()).collect();
    going.sort_by_key(|item| item.kind);
    for item in going {
        let GcDecision::Goes(why) = &item.fate else { continue };
        let done = match &item.target {
            GcTarget::Task(ended) => match in_a_tree(queue, &forests, ended) {
                Some(why) => GcResult::Kept(why),
                None => closed(queue.prune(ended)?),
            },
            GcTarget::Run(id) => run(queue, id)?,
            GcTarget::File(path) => file(queue, path)?,
            GcTarget::None => GcResult::Kept("in use".into()),
            GcTarget::Tree { .. } | GcTarget::Branch { .. } | GcTarget::Salvage { .. } => {
                git(config, item, why).unwrap_or_else(|e| GcResult::Kept(e.to_string()))
            }
        };
        tell(item, &done);
    }
    Ok(())
}

/// Logs of slots that nobody writes to any more do not turn themselves.
fn turn_logs(config: &Config) -> Result<()> {
    let dir = Site::at(&config.root).logs();
    for name in fs::list_if_any(&dir)? {
        if name.to_str().is_some_and(|name| name.ends_with(".log")) {
            talk::turn(&dir.join(name), talk::MAX)?;
        }
    }
    Ok(())
}

/// Frees the trees of a task that is about to be forgotten: later nobody would know whose they are. What stands
/// against it, if anything does.
fn in_a_tree(queue: &Queue, forests: &[TreePool], ended: &EndedTask) -> Option<String> {
    let task = ended.at().id.as_str();
    forests.iter().find_map(|trees| match trees.vacate(queue.id(), task) {
        Ok(Vacated::Busy) => Some("a process works in its tree".to_owned()),
        Ok(Vacated::Free | Vacated::Held) => None,
        Err(trouble) => Some(trouble.to_string()),
    })
}

fn closed(closed: Transition) -> GcResult {
    match closed {
        Transition::Won => GcResult::Gone(None),
        Transition::Refused => {
            GcResult::Kept("a worker still holds it, or somebody moved it".into())
        }
    }
}

fn run(queue: &Queue, id: &str) -> Result<GcResult> {
    let Some(id) = TaskId::parse(id) else { return Ok(GcResult::Kept("no task's name".into())) };
    if !fs::exists(queue.paths().run(&id).dir()) {
        return Ok(GcResult::Gone(None));
    }
    Ok(closed(queue.clear_lost_run(&id)?))
}

fn file(queue: &Queue, path: &Path) -> Result<GcResult> {
    if is_report(queue, path) {
        let gone = queue.clear_report(path)?;
        return Ok(if gone { GcResult::Gone(None) } else { GcResult::Kept("it is new".into()) });
    }
    fs::unlink(path)?;
    Ok(GcResult::Gone(None))
}

fn trees(config: &Config, repository: &Path) -> std::result::Result<TreePool, GitError> {
    Ok(TreePool::new(Repo::discover(repository)?, config.trees.clone(), &identity::host()))
}

fn git(config: &Config, item: &GcItem, why: &str) -> std::result::Result<GcResult, GitError> {
    let why = format!("coordinator gc: {why}");
    let removed = match &item.target {
        GcTarget::Tree { repository, number, holder } => {
            let trees = trees(config, repository)?;
            // What its task left belongs to its branch.
            if let Some((queue, task)) = holder {
                match trees.vacate(queue, task)? {
                    Vacated::Free => {}
                    Vacated::Busy => return Ok(GcResult::Kept("a process works in it".into())),
                    Vacated::Held => {
                        return Ok(GcResult::Kept("no commit can hold all of it".into()));
                    }
                }
            }
            match item.kind {
                GcKind::Build => trees.remove_ignored(*number)?,
                _ => {
                    let order =
                        Removal { task: None, why: &why, targets: &[], unmerged_too: false };
                    trees.remove_tree(*number, &order)?
                }
            }
        }
        GcTarget::Branch { repository, name, task, targets } => {
            let unmerged_too = item.kind == GcKind::OrphanBranch;
            let order = Removal { task: task.as_deref(), why: &why, targets, unmerged_too };
            trees(config, repository)?.remove_branch(name, &order)?
        }
        GcTarget::Salvage { repository, name } => {
            trees(config, repository)?.remove_salvage(name)?;
            return Ok(GcResult::Gone(None));
        }
        _ => Removed::No(RemovalRefusal::Changed),
    };
    Ok(match removed {
        Removed::Yes { salvage, .. } => GcResult::Gone(salvage),
        Removed::No(refusal) => GcResult::Kept(refusal.to_string()),
    })
}
