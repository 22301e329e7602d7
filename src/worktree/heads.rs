//! Where HEAD and the task's branch stand after an agent had a free hand, and bringing them together.
//!
//! Only the task's own branch is ever moved, and only forward, by compare-and-swap. Work that cannot be
//! reached from it gets a name of its own under `refs/swarmdir/`, so that no clean-up of git's takes it.

use git2::{ErrorCode, Oid, Repository, RepositoryState};

use super::branch::mark;
use super::holder::Holder;
use crate::git::error::{GitError, Result};
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
