//! Where HEAD and the task's branch stand after an agent had a free hand, and bringing them together; and commits that it
//! made in the tree and left: on a branch of its own, on none, or behind a reset.
//!
//! Only the task's own branch is ever moved, and only forward, by compare-and-swap. Work that cannot be reached from it gets
//! a name of its own under `refs/swarmdir/`, so that no clean-up of git's takes it; what another branch has is named. What
//! was left HEAD's log tells, from where the tree was entered for this task: its times are whole seconds, and the task before
//! may have committed within the same one. What the agent replaced by amending or rebasing is not among it.

use std::collections::HashSet;

use git2::{ErrorCode, Oid, Repository, RepositoryState};

use super::branch::mark;
use super::fill::ENTERED;
use super::holder::Holder;
use super::salvaged::{tips_of, unreached};
use crate::git::error::{GitError, GitResult, Result};
use crate::git::head;
use crate::git::patience::patiently;
use crate::git::refs::branch_tip;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct BranchTip {
    pub(crate) tip: Oid,
    /// A commit that the branch does not reach, kept by a ref of its own.
    pub(crate) pinned: Option<Oid>,
}

/// Looks at a tree that an earlier attempt left: back on its branch where that loses nothing; otherwise
/// it stays as the agent had it, and the notes say so.
pub(crate) fn check(git: &Repository, holder: &Holder) -> Result<Vec<String>> {
    let head = head::read(git);
    let full = format!("refs/heads/{}", holder.branch).into_bytes();
    let mut notes = Vec::new();
    if git.state() != RepositoryState::Clean {
        notes.push(format!("{} is still in progress", head::describe(git.state())));
    } else if head.branch.is_none()
        && head.at.is_some()
        && head.at == branch_tip(git, &holder.branch)
    {
        super::fill::reattach(git, &holder.branch)?;
    } else if head.branch.as_ref() != Some(&full) {
        notes.push(format!("the tree is not on its branch but {}", head::place(&head)));
    }
    Ok(notes)
}

/// Brings the task's branch to where HEAD is, if that is forward.
pub(crate) fn settle(
    git: &Repository,
    holder: &Holder,
    head: Option<Oid>,
    notes: &mut Vec<String>,
) -> Result<BranchTip> {
    let branch = &holder.branch;
    let full = format!("refs/heads/{branch}");
    let log = format!("{}: collect", mark(&holder.task));
    let base = Oid::from_str(&holder.base).map_err(GitError::git("read the base", git.path()))?;
    let doing = "move the task's branch";
    let Some(tip) = branch_tip(git, branch) else {
        let at = head.unwrap_or(base);
        notes.push(format!("the branch {branch} was gone and has been made again"));
        patiently(doing, git.path(), || git.reference(&full, at, true, &log).map(|_| ()))?;
        return Ok(BranchTip { tip: at, pinned: None });
    };
    let Some(head) = head.filter(|head| *head != tip) else {
        return Ok(BranchTip { tip, pinned: None });
    };
    if git.graph_descendant_of(head, tip).unwrap_or(false) {
        let moved = patiently(doing, git.path(), || {
            match git.reference_matching(&full, head, true, tip, &log) {
                Ok(_) => Ok(true),
                Err(error) if error.code() == ErrorCode::Modified => Ok(false),
                Err(error) => Err(error),
            }
        })?;
        if moved {
            return Ok(BranchTip { tip: head, pinned: None });
        }
    } else if git.graph_descendant_of(tip, head).unwrap_or(false) {
        return Ok(BranchTip { tip, pinned: None });
    }
    let name = format!("refs/swarmdir/{}/{}", holder.task, holder.token);
    patiently(doing, git.path(), || git.reference(&name, head, true, &log).map(|_| ()))?;
    notes.push(format!("HEAD had left the branch {branch}; what it held is kept as {name}"));
    Ok(BranchTip { tip, pinned: Some(head) })
}

/// More than so many are kept under one name.
const NAMED: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct Aside {
    /// The agent made commits that are not on the task's branch.
    pub(crate) any: bool,
    /// Refs that we made, with the commit of each.
    pub(crate) kept: Vec<(String, String)>,
}

struct ReflogEntry {
    old: Oid,
    new: Oid,
    message: Vec<u8>,
}

/// Keeps and names them.
pub(crate) fn keep(
    git: &Repository,
    holder: &Holder,
    tip: Oid,
    notes: &mut Vec<String>,
) -> Result<Aside> {
    let failed = |error| GitError::git("look for commits beside the branch", git.path())(error);
    let left = left_behind(&steps(git));
    let on_branch = |oid: &Oid| *oid == tip || git.graph_descendant_of(tip, *oid).unwrap_or(false);
    let left: Vec<Oid> =
        left.into_iter().filter(|oid| git.find_commit(*oid).is_ok() && !on_branch(oid)).collect();
    if left.is_empty() {
        return Ok(Aside::default());
    }
    let alone = unreached(git, &left, None).map_err(failed)?;
    let mut aside = Aside { any: true, kept: Vec::new() };
    for (number, oid) in tips_of(git, &alone).map_err(failed)?.into_iter().take(NAMED).enumerate() {
        let name = format!("refs/swarmdir/{}/{}-{}", holder.task, holder.token, number + 1);
        let log = format!("{}: keep", mark(&holder.task));
        patiently("keep a commit", git.path(), || git.reference(&name, oid, true, &log).map(drop))?;
        notes
            .push(format!("the agent left commits on no branch; {} is kept as {name}", short(oid)));
        aside.kept.push((name, oid.to_string()));
    }
    for oid in left.iter().filter(|oid| !alone.contains(oid)) {
        let Some(branch) = branch_with(git, *oid).map_err(failed)? else { continue };
        notes.push(format!(
            "commits of the agent's, up to {}, are on the branch {branch}",
            short(*oid)
        ));
    }
    Ok(aside)
}

/// Where HEAD went since the tree was entered for this task; all that is known, where that line is missing.
fn steps(git: &Repository) -> Vec<ReflogEntry> {
    let Ok(log) = git.reflog("HEAD") else { return Vec::new() };
    // The log has the latest first.
    let own = log.iter().take_while(|entry| entry.message_bytes() != Some(ENTERED.as_bytes()));
    let mut steps: Vec<ReflogEntry> = own
        .map(|entry| ReflogEntry {
            old: entry.id_old(),
            new: entry.id_new(),
            message: entry.message_bytes().unwrap_or_default().to_vec(),
        })
        .collect();
    steps.reverse();
    steps
}

/// Commits made here that HEAD then went away from, by a checkout or a reset.
fn left_behind(steps: &[ReflogEntry]) -> Vec<Oid> {
    let begins = |step: &ReflogEntry, words: &[&str]| {
        words.iter().any(|word| step.message.starts_with(word.as_bytes()))
    };
    let mut made = HashSet::new();
    let mut left = Vec::new();
    for step in steps {
        if begins(step, &["commit", "cherry-pick", "revert", "merge", "am", "rebase", "pull"]) {
            made.insert(step.new);
        } else if begins(step, &["checkout:", "reset:"])
            && made.contains(&step.old)
            && !left.contains(&step.old)
        {
            left.push(step.old);
        }
    }
    left
}

fn branch_with(git: &Repository, oid: Oid) -> GitResult<Option<String>> {
    for branch in git.branches(Some(git2::BranchType::Local))? {
        let (branch, _) = branch?;
        let Some(tip) = branch.get().target() else { continue };
        if tip == oid || git.graph_descendant_of(tip, oid)? {
            return Ok(Some(String::from_utf8_lossy(branch.name_bytes()?).into_owned()));
        }
    }
    Ok(None)
}

fn short(oid: Oid) -> String {
    oid.to_string()[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(n: u8) -> Oid {
        Oid::from_bytes(&[n; 20]).unwrap()
    }

    fn step(old: u8, new: u8, message: &str) -> ReflogEntry {
        ReflogEntry { old: oid(old), new: oid(new), message: message.into() }
    }

    #[test]
    fn only_what_was_made_here_and_left_counts() {
        let own = [
            step(1, 1, "checkout: moving from a to b"),
            step(1, 2, "commit: one"),
            step(2, 1, "checkout: moving from b to a"),
        ];
        assert_eq!(left_behind(&own), [oid(2)]);
        let amended = [step(1, 2, "commit: one"), step(2, 3, "commit (amend): one")];
        assert_eq!(left_behind(&amended), []);
        let reset = [step(1, 2, "commit: one"), step(2, 1, "reset: moving to HEAD~1")];
        assert_eq!(left_behind(&reset), [oid(2)]);
        let looked = [step(1, 5, "checkout: moving from a to v1"), step(5, 1, "checkout: back")];
        assert_eq!(left_behind(&looked), []);
        let rebased = [step(1, 2, "commit: one"), step(2, 7, "rebase (start): checkout main")];
        assert_eq!(left_behind(&rebased), []);
    }
}
