//! Putting what a scan found into an index, so that one tree object holds it.
//!
//! Nothing here fails for one bad file: it is left out, and said so.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{ErrorCode, Index, Repository};

use super::patience::patiently;
use super::scan::{Dirt, TreePath};
use super::trouble::{Result, Trouble};
use crate::sys::fs;

/// So many names are written out in one note.
const NAMED: usize = 5;

/// The index of a tree that was opened just now. One that libgit2 cannot read is set aside and made anew from
/// HEAD: then every file counts as possibly changed, and none is lost.
pub(crate) fn read_index(git: &Repository, notes: &mut Vec<String>) -> Result<Index> {
    let doing = "read the index";
    if let Ok(index) = git.index() {
        return Ok(index);
    }
    let path = git.path().join("index");
    fs::unlink(&path)?;
    notes.push("the tree's index could not be read and was made again from HEAD".into());
    let mut index = git.index().map_err(Trouble::git(doing, git.path()))?;
    if let Ok(tree) = git.head().and_then(|head| head.peel_to_tree()) {
        index.read_tree(&tree).map_err(Trouble::git(doing, git.path()))?;
    }
    Ok(index)
}

/// Takes the files of `dirt` into the index; returns what could not be taken.
pub(crate) fn stage(
    git: &Repository,
    index: &mut Index,
    root: &Path,
    dirt: &Dirt,
    notes: &mut Vec<String>,
) -> Result<Vec<TreePath>> {
    for path in &dirt.gone {
        let path = Path::new(OsStr::from_bytes(path));
        match index.remove_path(path) {
            Err(error) if error.code() != ErrorCode::NotFound => {
                return Err(Trouble::git("remove a file from the index", root)(error));
            }
            _ => {}
        }
        // A conflict has entries of its own.
        let _ = index.conflict_remove(path);
    }
    let mut refused = Vec::new();
    let mut why = String::new();
    for path in dirt.present.iter().chain(&dirt.submodules) {
        let name = Path::new(OsStr::from_bytes(path));
        let added = patiently("add a file", root, || index.add_path(name));
        match added {
            Ok(()) => {}
            Err(error) if error.disk_full() => return Err(error),
            Err(Trouble::Git { source, .. }) => {
                why = source.message().to_owned();
                refused.push(path.clone());
            }
            Err(other) => return Err(other),
        }
    }
    if !refused.is_empty() {
        notes.push(format!("not committed, {}: {}", why, names(&refused)));
    }
    tell(git, root, dirt, notes);
    Ok(refused)
}

/// Says what is in the tree but in no commit.
fn tell(git: &Repository, root: &Path, dirt: &Dirt, notes: &mut Vec<String>) {
    let mut say = |what: &str, paths: &[TreePath]| {
        if !paths.is_empty() {
            notes.push(format!("{what}: {}", names(paths)));
        }
    };
    say("a repository within the tree is not committed", &dirt.nested);
    say("a submodule's new commits are in this tree only", &dirt.submodules);
    say("uncommitted work within a submodule", &dirt.dirty_submodules);
    say("not a file, and not committed", &dirt.special);
    for (path, why) in dirt.unreadable.iter().take(NAMED) {
        say(&format!("could not be looked into ({why})"), std::slice::from_ref(path));
    }
    let lfs = dirt.present.iter().filter(|path| needs_foreign_filter(git, path)).count();
    if lfs > 0 {
        let root = root.display();
        notes.push(format!("{lfs} files were committed without their git filter (lfs?) in {root}"));
    }
}

fn needs_foreign_filter(git: &Repository, path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    let filter = git.get_attr_bytes(path, "filter", git2::AttrCheckFlags::default());
    let value = git2::AttrValue::from_bytes(filter.ok().flatten());
    matches!(value, git2::AttrValue::String(_) | git2::AttrValue::Bytes(_))
}

/// A few names for people.
pub(crate) fn names(paths: &[TreePath]) -> String {
    let mut list: Vec<String> = paths
        .iter()
        .take(NAMED)
        .map(|path| {
            let text = String::from_utf8_lossy(path);
            let plain = !text.chars().any(|c| c.is_control() || c == ',');
            if plain { text.into_owned() } else { format!("{text:?}") }
        })
        .collect();
    if paths.len() > NAMED {
        list.push(format!("and {} more", paths.len() - NAMED));
    }
    list.join(", ")
}
