//! Waiting for git's own locks, since agents and people run git beside us.
//!
//! git and libgit2 never wait for a lock file: they fail. Here the same operation is tried again for a
//! bounded time, with random pauses so that many workers do not meet again. Operations passed in must be
//! harmless to repeat.

use std::path::{Path, PathBuf};

use git2::{ErrorClass, ErrorCode, Repository};

use super::error::{GitError, GitResult, Result, Retryable};
use crate::sys::{clock, fs, random};

/// How long a lock of git's may be held by others before we give up, milliseconds.
const PATIENCE_MS: u64 = 20_000;

const LONGEST_PAUSE_MS: u64 = 40;

/// A clean-up of git's may remove a directory between our making it and our using it: so often such a
/// failure is taken for that.
const STUMBLES: u32 = 8;

/// A ref's lock that stays the same for so long has been left by a git that was killed, milliseconds.
const STALE_REF_LOCK_MS: u64 = 5_000;

/// Locks that all worktrees share; a git that was killed leaves them to everybody.
const SHARED_LOCKS: [&str; 5] =
    ["packed-refs.lock", "config.lock", "shallow.lock", "HEAD.lock", "index.lock"];

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

/// Locks of the whole repository that were made since then and that nobody lets go of. They are told, not removed:
/// who made them cannot be proved.
pub(crate) fn lasting_shared_locks(common: &Path, since_ms: u64) -> Result<Vec<PathBuf>> {
    let mut lasting = Vec::new();
    for path in SHARED_LOCKS.map(|name| common.join(name)) {
        let young = |meta: &std::fs::Metadata| fs::mtime_ns(meta) / 1_000_000 >= since_ms.into();
        if fs::look(&path)?.is_some_and(|meta| young(&meta)) && lasts(&path)? {
            lasting.push(path);
        }
    }
    Ok(lasting)
}

/// Waits until a lock is gone, or removes the one that nobody lets go of.
fn outwait(path: &Path) -> Result<bool> {
    Ok(lasts(path)? && fs::unlink(path)?)
}

/// Whether a file stays the same one for longer than any git holds a lock.
fn lasts(path: &Path) -> Result<bool> {
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
    Ok(true)
}

pub(crate) fn patiently<T>(
    doing: &'static str,
    path: &Path,
    act: impl FnMut() -> GitResult<T>,
) -> Result<T> {
    retry(passing, act).map_err(GitError::git(doing, path))
}

/// Does it, and again while its error is one that passes.
pub(crate) fn retry<T, E>(
    passing: impl Fn(&E) -> Retryable,
    mut act: impl FnMut() -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let deadline = clock::mono_ms() + PATIENCE_MS;
    let mut stumbles = 0;
    let mut ceiling = 2;
    loop {
        let error = match act() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match passing(&error) {
            Retryable::Locked => {}
            Retryable::Stumble if stumbles < STUMBLES => stumbles += 1,
            _ => return Err(error),
        }
        if clock::mono_ms() > deadline {
            return Err(error);
        }
        clock::pause_ms(1 + random::below(ceiling));
        ceiling = (ceiling * 2).min(LONGEST_PAUSE_MS);
    }
}

fn passing(error: &git2::Error) -> Retryable {
    let system = matches!(error.class(), ErrorClass::Os | ErrorClass::Filesystem);
    match error.code() {
        ErrorCode::Locked => Retryable::Locked,
        _ if system && !error.message().contains("No space left") => Retryable::Stumble,
        _ => Retryable::No,
    }
}
