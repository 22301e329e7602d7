//! A directory that the index names by a commit: an empty one, a submodule, or a repository that was put there.
//!
//! A submodule's own repository lies in the administrative directory of the tree. Looks only, and runs nothing of
//! what its configuration names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{Index, Repository, StatusOptions};

use super::error::{GitResult, Result};
use crate::sys::dir::Dir;
use crate::sys::{fs, walk::DirWalk};

/// What the index says of a directory that is a repository of its own.
pub(crate) const GITLINK: u32 = 0o160_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SubmoduleState {
    /// Nothing of its own, as git leaves it.
    Empty,
    /// A submodule, clean, all of whose commits are on a remote.
    Published,
    /// A submodule with something that is nowhere else; what, in words.
    HoldsMore(&'static str),
    Embedded,
}

pub(crate) fn look(admin: &Path, dir: &Path) -> SubmoduleState {
    let dot_git = dir.join(".git");
    match fs::look(&dot_git) {
        Ok(None) => return SubmoduleState::Empty,
        Ok(Some(meta)) if meta.is_file() => {}
        _ => return SubmoduleState::Embedded,
    }
    let Ok(inner) = Repository::open(dir) else { return SubmoduleState::Embedded };
    let modules = fs::canonical(&admin.join("modules"));
    let own = fs::canonical(inner.path());
    match (modules, own) {
        (Ok(modules), Ok(own)) if own.starts_with(&modules) => {}
        _ => return SubmoduleState::Embedded,
    }
    let mut options = StatusOptions::new();
    options.include_untracked(true).include_ignored(false);
    if !inner.statuses(Some(&mut options)).is_ok_and(|found| found.is_empty()) {
        return SubmoduleState::HoldsMore("uncommitted work within a submodule");
    }
    match is_published(&inner).unwrap_or(false) {
        true => SubmoduleState::Published,
        false => SubmoduleState::HoldsMore("a submodule's new commits are in this tree only"),
    }
}

/// The submodules of a tree that are filled and hold nothing of their own.
pub(crate) fn published(index: &Path, admin: &Path, dir: &Dir) -> Result<Vec<Vec<u8>>> {
    // One that is split or sparse, or cannot be read, vouches for none.
    let Ok(index) = Index::open(index) else { return Ok(Vec::new()) };
    let gitlinks = index.iter().filter(|entry| entry.mode == GITLINK).map(|entry| entry.path);
    let at = |path: &Vec<u8>| dir.path().join(OsStr::from_bytes(path));
    Ok(gitlinks.filter(|path| look(admin, &at(path)) == SubmoduleState::Published).collect())
}

/// Whether the administrative directory of a tree keeps no more repositories of submodules than so many.
pub(crate) fn are_all(admin: &Path, known: usize) -> Result<bool> {
    let modules = admin.join("modules");
    if !fs::is_dir(&modules) {
        return Ok(true);
    }
    let mut walk = DirWalk::below(&modules);
    let mut repositories = 0;
    while let Some(found) = walk.step(&modules) {
        let found = found?;
        let dir = modules.join(found.path.parent().unwrap_or(Path::new("")));
        let is_head = found.path.file_name() == Some(OsStr::new("HEAD"));
        repositories += usize::from(is_head && fs::is_dir(&dir.join("objects")));
    }
    Ok(repositories <= known)
}

/// Whether some remote has every commit that a branch, a stash or HEAD's log names.
fn is_published(git: &Repository) -> GitResult<bool> {
    let mut walk = git.revwalk()?;
    for reference in git.references()? {
        let reference = reference?;
        let Ok(commit) = reference.peel_to_commit() else { continue };
        match reference.is_remote() || reference.is_tag() {
            true => walk.hide(commit.id())?,
            false => walk.push(commit.id())?,
        }
    }
    for entry in git.reflog("HEAD")?.iter() {
        if git.find_commit(entry.id_new()).is_ok() {
            walk.push(entry.id_new())?;
        }
    }
    Ok(walk.next().is_none())
}
