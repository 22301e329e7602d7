//! Making a worktree, and mending its ties to the repository.
//!
//! A worktree is three small files (gitrepository-layout(5)). They are written here instead of by
//! libgit2, because that checks the files out while it holds the name, always makes a branch, and shows
//! `git worktree prune` a half-made directory. Ours appears whole, by one rename; the shared
//! configuration is not touched.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::repo::metadata_lock;
use super::trouble::{Result, Trouble};
use crate::sys::{clock, fs, random};

/// Makes a worktree with no files in it and HEAD detached at `at`. The directory may exist, empty.
pub(crate) fn make(common: &Path, name: &str, tree: &Path, at: Oid) -> Result<Repository> {
    fs::mkdirs(tree)?;
    tie(common, name, tree, &format!("{at}\n"))?;
    open(tree)
}

/// Opens a tree as a repository.
pub(crate) fn open(tree: &Path) -> Result<Repository> {
    Repository::open(tree).map_err(Trouble::git("open the worktree", tree))
}

/// Gives `tree` a new administrative directory whose HEAD says `head`, and returns that directory.
pub(crate) fn tie(common: &Path, name: &str, tree: &Path, head: &str) -> Result<PathBuf> {
    let _held = metadata_lock(common)?;
    let worktrees = common.join("worktrees");
    fs::mkdirs(&worktrees)?;
    let aside = common.join(format!("swarmdir-{}", random::number()));
    fs::mkdir(&aside)?;
    let mut admin = worktrees.join(name);
    if fs::exists(&admin) {
        admin = worktrees.join(format!("{name}-{}", random::tail()));
    }
    let mut gitdir = tree.join(".git").into_os_string().into_vec();
    gitdir.push(b'\n');
    fs::write(&aside.join("gitdir"), &gitdir)?;
    fs::write(&aside.join("commondir"), b"../..\n")?;
    fs::write(&aside.join("HEAD"), head.as_bytes())?;
    // Nobody else makes this name: we hold the lock, and git appends a number where a name is taken.
    let _ = fs::rename(&aside, &admin)?;
    write_git_file(tree, &admin)?;
    Ok(admin)
}

fn write_git_file(tree: &Path, admin: &Path) -> Result<()> {
    let mut line = b"gitdir: ".to_vec();
    line.extend_from_slice(admin.as_os_str().as_bytes());
    line.push(b'\n');
    Ok(fs::write(&tree.join(".git"), &line)?)
}

/// The administrative directory that a tree's `.git` file names.
pub(crate) fn admin_of(tree: &Path) -> Option<PathBuf> {
    let meta = fs::look(&tree.join(".git")).ok()??;
    if !meta.is_file() {
        return None;
    }
    let bytes = fs::read(&tree.join(".git")).ok()?;
    let line = bytes.strip_prefix(b"gitdir: ")?;
    let path = line.strip_suffix(b"\n").unwrap_or(line);
    Some(tree.join(PathBuf::from(OsString::from_vec(path.to_vec()))))
}

/// Whether the tree belongs to this repository, and its administrative directory to the tree.
pub(crate) fn is_tied(common: &Path, tree: &Path) -> bool {
    admin_of(tree).is_some_and(|admin| {
        let ours = admin.parent() == Some(&common.join("worktrees"));
        ours && fs::exists(&admin.join("HEAD")) && points_at(&admin, tree)
    })
}

fn points_at(admin: &Path, tree: &Path) -> bool {
    fs::read(&admin.join("gitdir")).is_ok_and(|bytes| {
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        line == tree.join(".git").as_os_str().as_bytes()
    })
}

/// The administrative directories that point at this tree, also where its `.git` file is gone.
pub(crate) fn admins_for(common: &Path, tree: &Path) -> Vec<PathBuf> {
    let worktrees = common.join("worktrees");
    let names = fs::list_if_any(&worktrees).unwrap_or_default();
    names.iter().map(|name| worktrees.join(name)).filter(|dir| points_at(dir, tree)).collect()
}

/// What mending found.
#[derive(Debug, Default)]
pub(crate) struct Mended {
    /// What was wrong, for people.
    pub(crate) notes: Vec<String>,
    /// Not one file was left: the tree is empty, which is not the same as an agent's deletions.
    pub(crate) emptied: bool,
}

/// Mends the ties of a tree in which an agent had a free hand. A repository that stands in place of the
/// `.git` file is moved beside the tree, not removed.
pub(crate) fn mend(common: &Path, name: &str, tree: &Path, branch: &str) -> Result<Mended> {
    if is_tied(common, tree) {
        return Ok(Mended::default());
    }
    let emptied = fs::list_if_any(tree)?.is_empty();
    let mut notes = Vec::new();
    let dot_git = tree.join(".git");
    match fs::look(&dot_git)? {
        Some(meta) if meta.is_dir() => {
            let mut moved = tree.as_os_str().to_owned();
            moved.push(format!(".git-{}", clock::stamp(clock::now())));
            let _ = fs::rename(&dot_git, Path::new(&moved))?;
            notes.push(format!(
                "the tree had become a repository of its own; its .git directory is now {moved:?}"
            ));
        }
        Some(_) => {
            fs::unlink(&dot_git)?;
            notes.push("the tree's .git file was damaged and has been made again".into());
        }
        None if emptied => {
            notes.push("the tree's files were gone, and uncommitted work with them".into());
        }
        None => notes.push("the tree's .git file was gone and has been made again".into()),
    }
    fs::mkdirs(tree)?;
    match admins_for(common, tree).first() {
        Some(admin) if fs::exists(&admin.join("HEAD")) => write_git_file(tree, admin)?,
        Some(_) | None => {
            forget(common, tree)?;
            tie(common, name, tree, &format!("ref: refs/heads/{branch}\n"))?;
            notes.push("git had forgotten the tree; it is registered again".into());
        }
    }
    Ok(Mended { notes, emptied })
}

/// Removes the administrative directories of a tree whose files are gone.
pub(crate) fn forget(common: &Path, tree: &Path) -> Result<()> {
    let _held = metadata_lock(common)?;
    for admin in admins_for(common, tree) {
        fs::remove_tree(&admin)?;
    }
    Ok(())
}

/// Where a branch is checked out: the main checkout and every worktree but `except`.
pub(crate) fn checked_out_at(common: &Path, branch: &str, except: &Path) -> Option<PathBuf> {
    let head = format!("ref: refs/heads/{branch}");
    let is_it = |dir: &Path| fs::read_text(&dir.join("HEAD")).is_ok_and(|text| text.trim() == head);
    if is_it(common) {
        let named_git = common.file_name().is_some_and(|name| name == ".git");
        // A bare repository's HEAD names its main branch, and no files are checked out from it.
        return common.parent().filter(|_| named_git).map(Path::to_owned);
    }
    let worktrees = common.join("worktrees");
    for name in fs::list_if_any(&worktrees).unwrap_or_default() {
        let admin = worktrees.join(name);
        if !is_it(&admin) || points_at(&admin, except) {
            continue;
        }
        let gitdir = fs::read(&admin.join("gitdir")).unwrap_or_default();
        let line = gitdir.strip_suffix(b"\n").unwrap_or(&gitdir);
        let tree = PathBuf::from(OsString::from_vec(line.to_vec()));
        // A worktree that was removed by hand holds nothing.
        if fs::exists(&tree) {
            return tree.parent().map(Path::to_owned);
        }
    }
    None
}
