//! `restore`: a branch for each thing that was saved of a task, and the commands to look at it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::context::Context;
use super::error::{CommandResult, Failure};
use super::exit;
use crate::domain::time::UnixMs;
use crate::git::{GitError, Repo};
use crate::queue::find::FoundTask;
use crate::sys::{clock, identity};
use crate::worktree::{self, Restored, TreePool};

/// Repository, what was saved there, and what was made of it.
type Back = (PathBuf, worktree::FoundSalvage, Option<Restored>);

/// `restore`
pub(super) fn restore(
    context: &Context,
    task: &str,
    branch: Option<&str>,
    json: bool,
) -> CommandResult {
    let mut found = find(context, task)?;
    if branch.is_some() {
        // One name is for one thing: the latest.
        found.drain(..found.len().saturating_sub(1));
    }
    if found.is_empty() {
        let hint =
            "what was saved: git for-each-ref refs/swarmdir/salvage; a branch may still be there";
        return Err(Failure::usage(format!("nothing was saved of {task:?}")).hint(hint));
    }
    let mut all: Vec<Back> = Vec::new();
    for (root, trees, saved) in found {
        let restored = trees.restore(&saved, branch).map_err(failed)?;
        all.push((root, saved, restored));
    }
    if json {
        let rows: Vec<Value> = all.iter().map(row).collect();
        context.ui.print_json(&json!({ "schema": 1, "restored": rows }));
    } else {
        for back in &all {
            context.ui.print(&told(back));
        }
    }
    Ok(exit::OK)
}

/// All that was saved of what is meant, oldest first.
fn find(
    context: &Context,
    text: &str,
) -> Result<Vec<(PathBuf, TreePool, worktree::FoundSalvage)>, Failure> {
    // A task that was pruned is known by its salvage alone.
    let id = match context.queue()?.find(text)? {
        FoundTask::One(id) => Some(id.to_string()),
        _ => None,
    };
    let config = context.config();
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for path in config.repositories() {
        let Ok(repo) = Repo::discover(&path) else { continue };
        let root = repo.root().to_owned();
        if seen.contains(&root) {
            continue;
        }
        seen.push(root.clone());
        let trees = || {
            let repo = Repo::discover(&path)?;
            Ok(TreePool::new(repo, config.trees.clone(), &identity::host()))
        };
        for saved in trees().and_then(|trees| trees.salvages()).map_err(failed)? {
            if means(id.as_deref(), text, &saved.salvage.owner) {
                found.push((root.clone(), trees().map_err(failed)?, saved));
            }
        }
    }
    let owners: std::collections::BTreeSet<String> =
        found.iter().map(|(_, _, saved)| saved.salvage.owner.clone()).collect();
    if owners.len() > 1 {
        let all: Vec<String> = owners.iter().map(|owner| format!("  {owner}")).collect();
        let message = format!("{text:?} means {} things:\n{}", owners.len(), all.join("\n"));
        return Err(Failure::usage(message).hint("name one in full"));
    }
    Ok(found)
}

fn means(id: Option<&str>, text: &str, owner: &str) -> bool {
    match id {
        Some(id) => owner == id,
        None => owner == text || text.len() >= 3 && owner.contains(text),
    }
}

fn failed(error: GitError) -> Failure {
    let hint = error.hint();
    let code = if error.is_the_tasks() { exit::USAGE } else { exit::MISSING };
    Failure { code, message: error.to_string(), hint }
}

fn row((root, saved, restored): &Back) -> Value {
    json!({
        "repository": root.to_string_lossy(),
        "ref": saved.name,
        "branch": restored.as_ref().map(|restored| &restored.branch),
        "commit": restored.as_ref().map(|restored| &restored.at),
        "salvage": saved.salvage,
    })
}

fn told((root, saved, restored): &Back) -> String {
    let git = git(root);
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
