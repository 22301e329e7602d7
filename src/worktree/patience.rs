//! Waiting for git's own locks, since agents and people run git beside us.
//!
//! git and libgit2 never wait for a lock file: they fail. Here the same operation is tried again for a
//! bounded time, with random pauses so that many workers do not meet again. Operations passed in must be
//! harmless to repeat.

use std::path::Path;

use git2::{ErrorClass, ErrorCode};

use super::trouble::{Result, Trouble};
use crate::sys::{clock, random};

/// How long a lock of git's may be held by others before we give up, milliseconds.
const PATIENCE_MS: u64 = 20_000;

/// The longest single pause, milliseconds.
const LONGEST_PAUSE_MS: u64 = 40;

/// A clean-up of git's may remove a directory between our making it and our using it: so often such a
/// failure is taken for that.
const STUMBLES: u32 = 8;

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
