//! Switching a tree's files from one commit to another by writing only what differs.
//!
//! HEAD moves last, so a switch that was cut short is simply done again: the files that differ are
//! written anew, whatever state they are in. Only for trees in which nobody's work is.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{Commit, Diff, DiffOptions, Oid, Repository};

use super::patience::patiently;
use super::trouble::{Result, Trouble};
use crate::sys::fs;

/// From so many differing files on, one pass over everything is cheaper than looking each up.
const MANY: usize = 20_000;

/// What is in the tree now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Before {
    /// Exactly what HEAD says, as far as git sees.
    Head,
    /// Anything: nothing yet, or a switch that was cut short.
    Unknown,
}

/// Writes the files of `to` and puts HEAD on `branch`, which stands there already.
pub(crate) fn switch(git: &Repository, before: Before, to: Oid, branch: &str) -> Result<()> {
    write_files(git, before, to)?;
    attach(git, branch)
}

/// Puts HEAD on a branch; no file is touched. (libgit2's own call would open every worktree first.)
pub(crate) fn attach(git: &Repository, branch: &str) -> Result<()> {
    let full = format!("refs/heads/{branch}");
    patiently("switch to the branch", git.path(), || {
        git.reference_symbolic("HEAD", &full, true, "swarmdir: enter").map(|_| ())
    })
}

/// Lets HEAD stand at a commit, on no branch, so that the branch is free for others.
pub(crate) fn detach(git: &Repository, at: Oid) -> Result<()> {
    patiently("leave the branch", git.path(), || git.set_head_detached(at))
}

/// Writes all files of HEAD into a tree that has none; HEAD stays where it is.
pub(crate) fn refill(git: &Repository) -> Result<()> {
    match git.head().ok().and_then(|head| head.peel_to_commit().ok()) {
        Some(commit) => check_out(git, &commit, None),
        None => Ok(()),
    }
}

fn write_files(git: &Repository, before: Before, to: Oid) -> Result<()> {
    let failed = |error| Trouble::git("check out the files", git.path())(error);
    let target = git.find_commit(to).map_err(failed)?;
    let head = git.head().and_then(|head| head.peel_to_commit()).ok();
    if let (Before::Head, Some(head)) = (before, head) {
        if head.tree_id() == target.tree_id() {
            return Ok(());
        }
        let diff = difference(git, &head, &target).map_err(failed)?;
        if diff.deltas().len() < MANY {
            let paths = paths(&diff);
            return check_out(git, &target, Some(&paths));
        }
    }
    check_out(git, &target, None)
}

fn difference<'a>(
    git: &'a Repository,
    from: &Commit<'_>,
    to: &Commit<'_>,
) -> std::result::Result<Diff<'a>, git2::Error> {
    let mut options = DiffOptions::new();
    options.skip_binary_check(true).include_typechange(true);
    git.diff_tree_to_tree(Some(&from.tree()?), Some(&to.tree()?), Some(&mut options))
}

fn paths(diff: &Diff<'_>) -> Vec<CString> {
    let mut paths: Vec<CString> = diff
        .deltas()
        .flat_map(|delta| [delta.old_file().path_bytes(), delta.new_file().path_bytes()])
        .flatten()
        .filter_map(|path| CString::new(path).ok())
        .collect();
    paths.dedup();
    paths
}

fn check_out(git: &Repository, target: &Commit<'_>, paths: Option<&[CString]>) -> Result<()> {
    patiently("check out the files", git.path(), || {
        let mut how = CheckoutBuilder::new();
        how.force();
        match paths {
            Some(paths) => {
                how.disable_pathspec_match(true);
                for path in paths {
                    how.path(path.clone());
                }
            }
            None => {
                how.remove_untracked(true);
            }
        }
        git.checkout_tree(target.as_object(), Some(&mut how))
    })?;
    if paths.is_some() {
        return Ok(());
    }
    // Lets the index remember the tree's directories, so that later commits hash only what changed.
    patiently("write the index", git.path(), || {
        let mut index = git.index()?;
        index.read_tree(&target.tree()?)?;
        index.write()
    })
}

/// Removes names that hold nothing: empty directories, FIFOs and the like.
pub(crate) fn sweep(root: &Path, special: &[Vec<u8>], empty: &[Vec<u8>]) {
    // What cannot be removed disturbs nobody: the next scan looks again.
    for path in special {
        let _ = fs::unlink(&root.join(OsStr::from_bytes(path)));
    }
    for path in empty {
        let _ = fs::rmdir(&root.join(OsStr::from_bytes(path)));
    }
}
