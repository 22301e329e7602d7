//! Giving a tree the files of a commit, sweeping what holds none, and putting HEAD on a branch.
//!
//! git writes the files, only those that differ. HEAD moves last, so what was cut short is simply done again. Only
//! for trees in which nobody's work is.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{Oid, Repository};

use crate::git::command::Git;
use crate::git::error::Result;
use crate::git::patience::patiently;
use crate::sys::dir::Dir;
use crate::sys::fs;

const DOING: &str = "check out the files";

/// Writes all files of a commit into a tree that has none.
pub(crate) fn fill_empty(git: &Git, to: Oid) -> Result<()> {
    git.run(DOING, &["read-tree", "--reset", "-u", &to.to_string()], b"").map(drop)
}

/// Writes all files of a commit into a tree of which nothing is known; what git does not ignore goes.
pub(crate) fn fill(git: &Git, to: Oid) -> Result<()> {
    fill_empty(git, to)?;
    // A repository within the tree stays: it cannot be one of ours.
    git.run(DOING, &["clean", "-d", "--force", "--quiet"], b"").map(drop)
}

/// Writes what differs between two commits; the tree is what `from` says.
pub(crate) fn switch(git: &Git, from: Oid, to: Oid) -> Result<()> {
    let (from, to) = (from.to_string(), to.to_string());
    git.run(DOING, &["read-tree", "--reset", "-u", &from, &to], b"").map(drop)
}

/// What HEAD's log says where a tree was given to a task: what comes after it is that task's.
pub(crate) const ENTERED: &str = "swarmdir: enter";

/// Puts HEAD on the branch of the task that the tree is given to; no file is touched.
pub(crate) fn enter(git: &Repository, branch: &str) -> Result<()> {
    attach(git, branch, ENTERED)
}

/// Puts HEAD back on the branch of the task that has the tree; no file is touched.
pub(crate) fn reattach(git: &Repository, branch: &str) -> Result<()> {
    attach(git, branch, "swarmdir: back to the branch")
}

/// (libgit2's own call would open every worktree first.)
fn attach(git: &Repository, branch: &str, log: &str) -> Result<()> {
    let full = format!("refs/heads/{branch}");
    patiently("switch to the branch", git.path(), || {
        git.reference_symbolic("HEAD", &full, true, log).map(|_| ())
    })
}

/// Lets HEAD stand at a commit, on no branch, so that the branch is free for others.
pub(crate) fn detach(git: &Repository, at: Oid) -> Result<()> {
    patiently("leave the branch", git.path(), || git.set_head_detached(at))
}

/// Removes names that hold nothing: empty directories, FIFOs and the like. What cannot be removed disturbs nobody.
pub(crate) fn sweep(dir: &Dir, special: &[Vec<u8>], empty: &[Vec<u8>]) {
    let at = |path: &Vec<u8>| dir.at(Path::new(OsStr::from_bytes(path)), false).ok().flatten();
    for at in special.iter().filter_map(at) {
        fs::unlink(at.path()).ok();
    }
    for at in empty.iter().filter_map(at) {
        fs::rmdir(at.path()).ok();
    }
}
