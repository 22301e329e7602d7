//! Making a branch survive a power cut: exactly what it added is synced, nothing else.
//!
//! git and libgit2 leave new objects and refs to the kernel's leisure. Before an outcome is published,
//! the objects from base to head, their directories and the ref must be on disk. What a clean-up packed
//! meanwhile is found in packs that are younger than the branch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository, Tree as TreeObject};

use super::error::{GitError, GitResult, Result};
use crate::sys::fs;

/// Syncs all that these commits added, however old, and a ref that leads to them.
pub(crate) fn make_commits_durable(
    git: &Repository,
    common: &Path,
    commits: &[Oid],
    name: &str,
) -> Result<()> {
    let mut objects = BTreeSet::new();
    for commit in commits {
        let added = added_by(git, *commit, &mut objects);
        added.map_err(GitError::git("list the new objects", common))?;
    }
    sync_all(common, &objects, 0, &[name.to_owned()])
}

/// Syncs these objects, packs that are younger, and refs.
pub(crate) fn sync_all(
    common: &Path,
    objects: &BTreeSet<Oid>,
    packs_since_ms: u64,
    names: &[String],
) -> Result<()> {
    let mut dirs = BTreeSet::new();
    if !sync_loose(common, objects, &mut dirs)? {
        sync_packs(common, packs_since_ms, &mut dirs)?;
    }
    for name in names {
        sync_ref(common, name, &mut dirs)?;
    }
    // Deepest first: a directory's own name is in the one above.
    for dir in dirs.iter().rev() {
        fs::sync(dir)?;
    }
    Ok(())
}

/// Syncs the loose objects; false where some are not loose.
fn sync_loose(
    common: &Path,
    objects: &BTreeSet<Oid>,
    dirs: &mut BTreeSet<PathBuf>,
) -> Result<bool> {
    let root = common.join("objects");
    let mut all = true;
    for oid in objects {
        let hex = oid.to_string();
        let dir = root.join(&hex[..2]);
        match fs::sync(&dir.join(&hex[2..])) {
            Ok(()) => {
                dirs.insert(dir);
                dirs.insert(root.clone());
            }
            Err(error) if error.not_found() => all = false,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

fn sync_packs(common: &Path, since_ms: u64, dirs: &mut BTreeSet<PathBuf>) -> Result<()> {
    let dir = common.join("objects/pack");
    let since = i128::from(since_ms) * 1_000_000;
    for name in fs::list_if_any(&dir)? {
        let path = dir.join(name);
        let young = fs::look(&path)?.is_some_and(|meta| fs::mtime_ns(&meta) >= since);
        if young {
            sync_if_there(&path)?;
        }
    }
    if fs::is_dir(&dir) {
        dirs.insert(dir);
    }
    Ok(())
}

fn sync_ref(common: &Path, name: &str, dirs: &mut BTreeSet<PathBuf>) -> Result<()> {
    let path = common.join(name);
    let top = common.join("refs");
    if sync_if_there(&path)? {
        let above = path.ancestors().skip(1).take_while(|dir| dir.starts_with(&top));
        dirs.extend(above.map(Path::to_owned));
        return Ok(());
    }
    sync_if_there(&common.join("packed-refs"))?;
    dirs.insert(common.to_owned());
    Ok(())
}

fn sync_if_there(path: &Path) -> Result<bool> {
    match fs::sync(path) {
        Ok(()) => Ok(true),
        Err(error) if error.not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The objects that a commit has and its first parent has not.
pub(crate) fn added_by(
    git: &Repository,
    commit: Oid,
    objects: &mut BTreeSet<Oid>,
) -> GitResult<()> {
    let commit = git.find_commit(commit)?;
    objects.insert(commit.id());
    let parent = commit.parents().next().map(|parent| parent.tree()).transpose()?;
    trees_differ(git, &commit.tree()?, parent.as_ref(), objects)
}

fn trees_differ(
    git: &Repository,
    tree: &TreeObject<'_>,
    before: Option<&TreeObject<'_>>,
    objects: &mut BTreeSet<Oid>,
) -> GitResult<()> {
    if before.is_some_and(|before| before.id() == tree.id()) || !objects.insert(tree.id()) {
        return Ok(());
    }
    let known: std::collections::HashMap<Vec<u8>, Oid> = before
        .map(|before| before.iter().map(|e| (e.name_bytes().to_vec(), e.id())).collect())
        .unwrap_or_default();
    for entry in tree {
        let old = known.get(entry.name_bytes()).copied();
        if old == Some(entry.id()) {
            continue;
        }
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let old = old.and_then(|old| git.find_tree(old).ok());
                trees_differ(git, &git.find_tree(entry.id())?, old.as_ref(), objects)?;
            }
            Some(ObjectType::Blob) => {
                objects.insert(entry.id());
            }
            // A submodule's commit lives elsewhere.
            _ => {}
        }
    }
    Ok(())
}
