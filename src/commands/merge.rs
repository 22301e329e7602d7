//! Taking a task's branch over: what it changes, and merging it into what is checked out.

use super::authorize::{Action, Permitted};
use super::error::{CommandError, ErrorKind};
use crate::domain::settings::config::Config;
use crate::domain::task::id::TaskId;
use crate::git::{Merged, Repo};
use crate::queue::Queue;
use crate::views::show::{self, TaskView};

/// What a task's branch changes against its base: a patch, or with `stat` a line for each file.
pub fn changes(
    queue: &Queue,
    config: &Config,
    id: &TaskId,
    stat: bool,
) -> Result<Vec<u8>, CommandError> {
    let (task, repo) = located(queue, config, id)?;
    let branch = branch_of(&task)?;
    let base = task.origin().map_or("", |origin| origin.base.as_str());
    let head = repo.branch_head(branch).ok_or_else(|| gone(branch, id))?;
    Ok(repo.changes(base, &head, stat)?)
}

/// Merges it into the branch that is checked out; what git says.
pub fn merge(
    permitted: &Permitted,
    queue: &Queue,
    config: &Config,
    id: &TaskId,
) -> Result<String, CommandError> {
    permitted.require(Action::Merge)?;
    let (task, repo) = located(queue, config, id)?;
    let branch = branch_of(&task)?;
    if task.state().is_none_or(|state| !state.terminal()) {
        return Err(CommandError::new(ErrorKind::Later, format!("{id} has not ended"))
            .hint("coordinator status"));
    }
    repo.branch_head(branch).ok_or_else(|| gone(branch, id))?;
    match repo.merge(branch)? {
        Merged::Done(said) => Ok(said),
        Merged::Refused(why) => Err(CommandError::new(
            ErrorKind::Later,
            format!("{branch} was not merged, and nothing is changed: {why}"),
        )
        .hint(format!("in {}: git merge {branch}", repo.root().display()))),
    }
}

fn located(queue: &Queue, config: &Config, id: &TaskId) -> Result<(TaskView, Repo), CommandError> {
    let task = show::task(queue, id)?.located(config);
    let Some(origin) = task.origin() else {
        return Err(CommandError::usage(format!(
            "{id} has no repository: its agent works without a worktree"
        ))
        .hint("coordinator show"));
    };
    let repo = Repo::discover(origin.repository.as_ref())?;
    Ok((task, repo))
}

fn branch_of(task: &TaskView) -> Result<&str, CommandError> {
    task.branch().ok_or_else(|| {
        let short = format!("{}-{}", task.id.slug(), task.id.tail());
        CommandError::new(ErrorKind::Later, format!("{} has no branch yet", task.id))
            .hint(format!("coordinator explain {short}"))
    })
}

fn gone(branch: &str, id: &TaskId) -> CommandError {
    CommandError::usage(format!("the branch {branch} of {id} is gone")).hint(format!(
        "coordinator restore {}-{}",
        id.slug(),
        id.tail()
    ))
}
