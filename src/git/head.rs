//! Where HEAD of a repository or a worktree is, whatever somebody made of it.

use git2::{Oid, Repository, RepositoryState, Signature};

use super::error::GitResult;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    /// The branch it is on, in full; `None`: at a commit.
    pub(crate) branch: Option<Vec<u8>>,
    /// The commit; `None` before the first one.
    pub(crate) at: Option<Oid>,
}

pub(crate) fn read(git: &Repository) -> Head {
    let Ok(head) = git.find_reference("HEAD") else { return Head { branch: None, at: None } };
    let at = head.peel_to_commit().ok().map(|commit| commit.id());
    Head { branch: head.symbolic_target_bytes().map(<[u8]>::to_vec), at }
}

/// Who commits what an agent left: the user's own name, else ours.
pub(crate) fn signature(git: &Repository) -> GitResult<Signature<'static>> {
    git.signature().or_else(|_| Signature::now("swarmdir", "swarmdir@localhost"))
}

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
