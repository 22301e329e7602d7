//! Where HEAD and the task's branch stand after an agent had a free hand, and bringing them together.
//!
//! Only the task's own branch is ever moved, and only forward, by compare-and-swap. Work that cannot be
//! reached from it gets a name of its own under `refs/swarmdir/`, so that no clean-up of git's takes it.

use git2::{ErrorCode, Oid, Repository, RepositoryState, Signature};

use super::branch::mark;
use super::occupant::Occupant;
use super::patience::patiently;
use super::resolve::branch_tip;
use super::trouble::{Result, Trouble};

/// Where HEAD is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    /// The branch it is on, in full; `None`: at a commit.
    pub(crate) branch: Option<Vec<u8>>,
    /// The commit; `None` before the first one.
    pub(crate) at: Option<Oid>,
}

/// The branch after collecting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Settled {
    /// Where the task's branch is.
    pub(crate) tip: Oid,
    /// A commit that the branch does not reach, kept by a ref of its own.
    pub(crate) pinned: Option<Oid>,
}

/// Reads HEAD, whatever an agent made of it.
pub(crate) fn read(git: &Repository) -> Head {
    let Ok(head) = git.find_reference("HEAD") else { return Head { branch: None, at: None } };
    let at = head.peel_to_commit().ok().map(|commit| commit.id());
    Head { branch: head.symbolic_target_bytes().map(<[u8]>::to_vec), at }
}

/// Who commits what an agent left: the user's own name, else ours.
pub(crate) fn signature(git: &Repository) -> std::result::Result<Signature<'static>, git2::Error> {
    git.signature().or_else(|_| Signature::now("swarmdir", "swarmdir@localhost"))
}

/// Looks at a tree that an earlier attempt left: back on its branch where that loses nothing; otherwise
/// it stays as the agent had it, and the notes say so.
pub(crate) fn check(git: &Repository, occupant: &Occupant) -> Result<Vec<String>> {
    let head = read(git);
    let full = format!("refs/heads/{}", occupant.branch).into_bytes();
    let mut notes = Vec::new();
    if git.state() != RepositoryState::Clean {
        notes.push(format!("{} is still in progress", describe(git.state())));
    } else if head.branch.is_none()
        && head.at.is_some()
        && head.at == branch_tip(git, &occupant.branch)
    {
        super::fill::attach(git, &occupant.branch)?;
    } else if head.branch.as_ref() != Some(&full) {
        notes.push(format!("the tree is not on its branch but {}", place(&head)));
    }
    Ok(notes)
}

/// Brings the task's branch to where HEAD is, if that is forward.
pub(crate) fn settle(
    git: &Repository,
    occupant: &Occupant,
    head: Option<Oid>,
    notes: &mut Vec<String>,
) -> Result<Settled> {
    let branch = &occupant.branch;
    let full = format!("refs/heads/{branch}");
    let log = format!("{}: collect", mark(&occupant.task));
    let base = Oid::from_str(&occupant.base).map_err(Trouble::git("read the base", git.path()))?;
    let doing = "move the task's branch";
    let Some(tip) = branch_tip(git, branch) else {
        let at = head.unwrap_or(base);
        notes.push(format!("the branch {branch} was gone and has been made again"));
        patiently(doing, git.path(), || git.reference(&full, at, true, &log).map(|_| ()))?;
        return Ok(Settled { tip: at, pinned: None });
    };
    let Some(head) = head.filter(|head| *head != tip) else {
        return Ok(Settled { tip, pinned: None });
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
            return Ok(Settled { tip: head, pinned: None });
        }
    } else if git.graph_descendant_of(tip, head).unwrap_or(false) {
        return Ok(Settled { tip, pinned: None });
    }
    let name = format!("refs/swarmdir/{}/{}", occupant.task, occupant.token);
    patiently(doing, git.path(), || git.reference(&name, head, true, &log).map(|_| ()))?;
    notes.push(format!("HEAD had left the branch {branch}; what it held is kept as {name}"));
    Ok(Settled { tip, pinned: Some(head) })
}

/// Where HEAD is, for people.
pub(crate) fn place(head: &Head) -> String {
    match (&head.branch, head.at) {
        (Some(branch), at) => {
            let name = String::from_utf8_lossy(branch).into_owned();
            let name = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
            let empty = if at.is_none() { ", which has no commit" } else { "" };
            format!("on {name}{empty}")
        }
        (None, Some(at)) => format!("at {at}"),
        (None, None) => "nowhere".into(),
    }
}

/// What an agent was in the middle of.
pub(crate) fn describe(state: RepositoryState) -> &'static str {
    match state {
        RepositoryState::Clean => "nothing",
        RepositoryState::Merge => "a merge",
        RepositoryState::Revert | RepositoryState::RevertSequence => "a revert",
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => "a cherry-pick",
        RepositoryState::Bisect => "a bisection",
        RepositoryState::Rebase
        | RepositoryState::RebaseInteractive
        | RepositoryState::RebaseMerge => "a rebase",
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => "git am",
    }
}
