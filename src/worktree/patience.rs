//! Waiting for git's own locks, since agents and people run git beside us.
//!
//! git and libgit2 never wait for a lock file: they fail. Here the same operation is tried again for a
//! bounded time, with random pauses so that many workers do not meet again. Operations passed in must be
//! harmless to repeat.

use std::path::Path;

use git2::{ErrorClass, ErrorCode, Repository};

use super::trouble::{Result, Trouble};
use crate::sys::{clock, fs, random};

/// How long a lock of git's may be held by others before we give up, milliseconds.
const PATIENCE_MS: u64 = 20_000;

/// The longest single pause, milliseconds.
const LONGEST_PAUSE_MS: u64 = 40;

/// A clean-up of git's may remove a directory between our making it and our using it: so often such a
/// failure is taken for that.
const STUMBLES: u32 = 8;

/// A ref's lock that stays the same for so long has been left by a git that was killed, milliseconds.
const STALE_REF_LOCK_MS: u64 = 5_000;

/// Removes the locks that a killed git left in a tree; true where there was one. The caller holds the
/// tree's lock and knows that no agent lives there, so nobody can be using its index. HEAD and the branch
/// are different: `git gc`, run anywhere in the repository, locks them for a moment.
pub(crate) fn remove_stale_locks(git: &Repository, branch: Option<&str>) -> Result<bool> {
    let mut removed = fs::unlink(&git.path().join("index.lock"))?;
    removed |= outwait(&git.path().join("HEAD.lock"))?;
    if let Some(branch) = branch {
        removed |= remove_stale_branch_lock(git.commondir(), branch)?;
    }
    Ok(removed)
}

/// Removes the lock on a branch that nobody lets go of: whoever made or moved it was killed.
pub(crate) fn remove_stale_branch_lock(common: &Path, branch: &str) -> Result<bool> {
    outwait(&common.join(format!("refs/heads/{branch}.lock")))
}

/// Waits until a lock is gone, or removes the one that nobody lets go of.
fn outwait(path: &Path) -> Result<bool> {
    let Some(first) = fs::look(path)? else { return Ok(false) };
    let deadline = clock::mono_ms() + STALE_REF_LOCK_MS;
    while clock::mono_ms() < deadline {
        clock::pause_ms(1 + random::below(LONGEST_PAUSE_MS));
        let same = |now: &std::fs::Metadata| {
            fs::file_id(now) == fs::file_id(&first) && fs::mtime_ns(now) == fs::mtime_ns(&first)
        };
        if !fs::look(path)?.is_some_and(|now| same(&now)) {
            return Ok(false);
        }
    }
    Ok(fs::unlink(path)?)
}

/// Does it, and again while somebody else holds a lock.
pub(crate) fn patiently<T>(
    doing: &'static str,
    path: &Path,
    mut act: impl FnMut() -> std::result::Result<T, git2::Error>,
) -> Result<T> {
    let deadline = clock::mono_ms() + PATIENCE_MS;
    let mut stumbles = 0;
    let mut ceiling = 2;
    loop {
        let error = match act() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error.code() {
            ErrorCode::Locked => {}
            _ if stumble(&error) && stumbles < STUMBLES => stumbles += 1,
            _ => return Err(Trouble::git(doing, path)(error)),
        }
        if clock::mono_ms() > deadline {
            return Err(Trouble::git(doing, path)(error));
        }
        clock::pause_ms(1 + random::below(ceiling));
        ceiling = (ceiling * 2).min(LONGEST_PAUSE_MS);
    }
}

fn stumble(error: &git2::Error) -> bool {
    let system = matches!(error.class(), ErrorClass::Os | ErrorClass::Filesystem);
    system && !error.message().contains("No space left")
}
