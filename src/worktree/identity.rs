//! Which directory a tree is: the one that was made, known by inode and time of birth, wherever its name leads now.
//!
//! An agent with a shell can put a link or another directory in a tree's place. What stands there then is nobody's to
//! enter, mend, commit from or clean. The note is written when the tree is made, and read under its lock.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::holder::{read_json, replace_json};
use crate::git::error::{GitError, Result};
use crate::sys::dir::{Dir, DirId, DirOpening};
use crate::sys::fs;
use crate::sys::fs::FsError;

#[derive(Debug)]
pub(crate) enum TreeIdentity {
    /// The directory that was made, held open.
    Ours(Dir),
    Gone,
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct IdentityNote {
    inode: u64,
    born_ns: u64,
}

/// Remembers the directory at `tree` as the one that was made.
pub(crate) fn remember(tree: &Path) -> Result<Dir> {
    let DirOpening::Dir(dir) = open(tree)? else {
        let source = std::io::ErrorKind::NotADirectory.into();
        return Err(FsError { doing: "open", path: tree.to_owned(), source }.into());
    };
    let DirId { inode, born_ns } = dir.id().map_err(failed(tree))?;
    replace_json(&note_of(tree), &IdentityNote { inode, born_ns }, false)?;
    Ok(dir)
}

pub(crate) fn check(tree: &Path) -> Result<TreeIdentity> {
    check_at(tree, tree)
}

/// Looks whether the tree stands at `path`, where a removal may have moved it.
pub(crate) fn check_at(path: &Path, tree: &Path) -> Result<TreeIdentity> {
    let dir = match open(path)? {
        DirOpening::Dir(dir) => dir,
        DirOpening::Nothing => return Ok(TreeIdentity::Gone),
        DirOpening::Other => return Ok(TreeIdentity::Other("a link, or a file".into())),
    };
    let Some(IdentityNote { inode, born_ns }) = read_json(&note_of(tree))? else {
        return Ok(TreeIdentity::Other("a directory that was not made for it".into()));
    };
    let now = dir.id().map_err(failed(path))?;
    let born = born_ns == 0 || now.born_ns == 0 || born_ns == now.born_ns;
    // Another disk may have the same numbers.
    match now.inode == inode && born && beside(path, &dir)? {
        true => Ok(TreeIdentity::Ours(dir)),
        false => Ok(TreeIdentity::Other("another directory".into())),
    }
}

fn beside(path: &Path, dir: &Dir) -> Result<bool> {
    let above = path.parent().unwrap_or(path);
    let DirOpening::Dir(above_dir) = open(above)? else { return Ok(false) };
    Ok(above_dir.device().map_err(failed(above))? == dir.device().map_err(failed(path))?)
}

pub(crate) fn forget(tree: &Path) -> Result<()> {
    fs::unlink(&note_of(tree))?;
    Ok(())
}

/// A link is not followed.
pub(super) fn open(path: &Path) -> Result<DirOpening> {
    Dir::open(path).map_err(failed(path))
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> GitError {
    let path = path.to_owned();
    move |source| FsError { doing: "open", path: path.clone(), source }.into()
}

fn note_of(tree: &Path) -> PathBuf {
    fs::with_suffix(tree, ".made")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_directory_that_was_made_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, aside) = (dir.path().join("box-1"), dir.path().join("aside"));
        assert!(matches!(check(&tree).unwrap(), TreeIdentity::Gone));
        fs::mkdir(&tree).unwrap();
        assert!(matches!(check(&tree).unwrap(), TreeIdentity::Other(_)), "nobody made a note");
        remember(&tree).unwrap();
        assert!(matches!(check(&tree).unwrap(), TreeIdentity::Ours(_)));
        // Only this process uses it: this rename loses no race.
        let _ = fs::rename(&tree, &aside).unwrap();
        for other in ["directory", "link to itself", "link", "file"] {
            match other {
                "directory" => fs::mkdirs(&tree).unwrap(),
                "link to itself" => fs::symlink(&aside, &tree).unwrap(),
                "link" => fs::symlink(Path::new("/"), &tree).unwrap(),
                _ => fs::write(&tree, b"").unwrap(),
            }
            assert!(matches!(check(&tree).unwrap(), TreeIdentity::Other(_)), "{other}");
            let meta = fs::look(&tree).unwrap().unwrap();
            if meta.is_dir() {
                fs::rmdir(&tree).unwrap()
            } else {
                fs::unlink(&tree).unwrap()
            };
        }
        // Only this process uses it: this rename loses no race.
        let _ = fs::rename(&aside, &tree).unwrap();
        assert!(matches!(check(&tree).unwrap(), TreeIdentity::Ours(_)));
    }
}
