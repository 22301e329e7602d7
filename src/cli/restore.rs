//! `restore`: a branch for each thing that was saved of a task, and the commands to look at it.

use std::path::Path;

use serde_json::{Value, json};

use super::context::Context;
use super::error::CommandResult;
use super::exit;
use crate::commands::{self, Action, RestoredWork};
use crate::domain::time::UnixMs;
use crate::sys::clock;
use crate::worktree::Restored;

/// `restore`
pub(super) fn restore(
    context: &Context,
    task: &str,
    branch: Option<&str>,
    json: bool,
) -> CommandResult {
    let (permitted, queue) = (context.permit(Action::Restore)?, context.queue()?);
    let all = commands::restore(&permitted, &queue, context.config(), task, branch)?;
    if json {
        let rows: Vec<Value> = all.iter().map(row).collect();
        context.ui.print_json(&json!({ "schema": 1, "restored": rows }))?;
    } else {
        for work in &all {
            context.ui.print(&told(work))?;
        }
    }
    Ok(exit::OK)
}

fn row(RestoredWork { repository, saved, restored }: &RestoredWork) -> Value {
    json!({
        "repository": repository.to_string_lossy(),
        "ref": saved.name,
        "branch": restored.as_ref().map(|restored| &restored.branch),
        "commit": restored.as_ref().map(|restored| &restored.at),
        "salvage": saved.salvage,
    })
}

fn told(RestoredWork { repository, saved, restored }: &RestoredWork) -> String {
    let git = git(repository);
    let salvage = &saved.salvage;
    let when = clock::local(UnixMs(salvage.at_ms));
    let mut text = match restored {
        Some(Restored { branch, at }) => format!("{branch} at {}\n", short(at)),
        None => "there was no commit and no file to make a branch of\n".to_owned(),
    };
    let mut line = |what: &str, command: String| {
        text.push_str(&format!("  {what:<22}{command}\n"));
    };
    line("removed", format!("{when}, {}", salvage.why));
    let quoted = |name: &str| shell_words::quote(name).into_owned();
    if let Some(Restored { branch, .. }) = restored {
        line("go on with it", format!("{git} switch {}", quoted(branch)));
    }
    if let (Some(files), Some(head)) = (&salvage.files, &salvage.head) {
        line("was not committed", format!("{git} diff {} {}", short(head), short(files)));
        line("uncommitted again", format!("{git} reset {}   (after the switch)", short(head)));
    }
    if let (Some(index), Some(head)) = (&salvage.index, &salvage.head) {
        line("was staged", format!("{git} diff {} {}", short(head), short(index)));
    }
    if let Some(conflicts) = &salvage.conflicts {
        line("was not merged", format!("{git} ls-tree -r {}", short(conflicts)));
    }
    for other in &salvage.others {
        line("another commit", format!("{git} log {}", short(other)));
    }
    line("all that was saved", format!("{git} show {}:salvage.json", saved.name));
    text
}

fn git(root: &Path) -> String {
    format!("git -C {}", shell_words::quote(&root.to_string_lossy()))
}

fn short(hex: &str) -> &str {
    hex.get(..12).unwrap_or(hex)
}
