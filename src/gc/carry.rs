//! Letting go of what was decided about, in the order of [`Kind`]. Each step asks again whether it still may.

use std::path::Path;

use super::survey::is_report;
use super::{Fate, Item, Kind, Target};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::git::{GitError, Repo};
use crate::queue::finish::Closed;
use crate::queue::shift::Ended;
use crate::queue::{Queue, Result};
use crate::site::Site;
use crate::sys::{fs, identity, talk};
use crate::worktree::{Refusal, Removal, Removed, TreePool, Vacated};

/// What came of one thing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// It went; what was saved of it is under this ref.
    Gone(Option<String>),
    /// It stayed after all, because.
    Kept(String),
}

/// Lets everything go that goes; `tell` hears of each. GitError with one thing ends nothing.
pub fn carry_out(
    queue: &Queue,
    config: &Config,
    items: &[Item],
    tell: &mut dyn FnMut(&Item, &Done),
) -> Result<()> {
    queue.clear_pruned()?;
    queue.rotate_shared()?;
    turn_logs(config)?;
    let forests: Vec<TreePool> =
        config.repositories().iter().filter_map(|path| trees(config, path).ok()).collect();
    let mut going: Vec<&Item> = items.iter().filter(|item| item.goes()).collect();
    going.sort_by_key(|item| item.kind);
    for item in going {
        let Fate::Goes(why) = &item.fate else { continue };
        let done = match &item.target {
            Target::Task(ended) => match in_a_tree(queue, &forests, ended) {
                Some(why) => Done::Kept(why),
                None => closed(queue.prune(ended)?),
            },
            Target::Run(id) => run(queue, id)?,
            Target::File(path) => file(queue, path)?,
            Target::None => Done::Kept("in use".into()),
            Target::Tree { .. } | Target::Branch { .. } | Target::Salvage { .. } => {
                git(config, item, why).unwrap_or_else(|e| Done::Kept(e.to_string()))
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
fn in_a_tree(queue: &Queue, forests: &[TreePool], ended: &Ended) -> Option<String> {
    let task = ended.at().id.as_str();
    forests.iter().find_map(|trees| match trees.vacate(queue.id(), task) {
        Ok(Vacated::Busy) => Some("a process works in its tree".to_owned()),
        Ok(Vacated::Free | Vacated::Held) => None,
        Err(trouble) => Some(trouble.to_string()),
    })
}

fn closed(closed: Closed) -> Done {
    match closed {
        Closed::Won => Done::Gone(None),
        Closed::Refused => Done::Kept("a worker still holds it, or somebody moved it".into()),
    }
}

fn run(queue: &Queue, id: &str) -> Result<Done> {
    let Some(id) = TaskId::parse(id) else { return Ok(Done::Kept("no task's name".into())) };
    if !fs::exists(queue.paths().run(&id).dir()) {
        return Ok(Done::Gone(None));
    }
    Ok(closed(queue.clear_lost_run(&id)?))
}

fn file(queue: &Queue, path: &Path) -> Result<Done> {
    if is_report(queue, path) {
        let gone = queue.clear_report(path)?;
        return Ok(if gone { Done::Gone(None) } else { Done::Kept("it is new".into()) });
    }
    fs::unlink(path)?;
    Ok(Done::Gone(None))
}

fn trees(config: &Config, repository: &Path) -> std::result::Result<TreePool, GitError> {
    Ok(TreePool::new(Repo::discover(repository)?, config.trees.clone(), &identity::host()))
}

fn git(config: &Config, item: &Item, why: &str) -> std::result::Result<Done, GitError> {
    let why = format!("coordinator gc: {why}");
    let removed = match &item.target {
        Target::Tree { repository, number, occupant } => {
            let trees = trees(config, repository)?;
            // What its task left belongs to its branch.
            if let Some((queue, task)) = occupant {
                match trees.vacate(queue, task)? {
                    Vacated::Free => {}
                    Vacated::Busy => return Ok(Done::Kept("a process works in it".into())),
                    Vacated::Held => return Ok(Done::Kept("no commit can hold all of it".into())),
                }
            }
            match item.kind {
                Kind::Build => trees.remove_ignored(*number)?,
                _ => {
                    let order =
                        Removal { task: None, why: &why, targets: &[], unmerged_too: false };
                    trees.remove_tree(*number, &order)?
                }
            }
        }
        Target::Branch { repository, name, task, targets } => {
            let unmerged_too = item.kind == Kind::OrphanBranch;
            let order = Removal { task: task.as_deref(), why: &why, targets, unmerged_too };
            trees(config, repository)?.remove_branch(name, &order)?
        }
        Target::Salvage { repository, name } => {
            trees(config, repository)?.remove_salvage(name)?;
            return Ok(Done::Gone(None));
        }
        _ => Removed::No(Refusal::Changed),
    };
    Ok(match removed {
        Removed::Yes { salvage, .. } => Done::Gone(salvage),
        Removed::No(refusal) => Done::Kept(refusal.to_string()),
    })
}
