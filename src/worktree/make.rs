//! Registering a worktree with git, and mending its ties to the repository.
//!
//! libgit2 registers it, at a commit without files, locked against `git worktree prune`; git itself fills it later
//! and mends what an agent did to its `.git` file. Invariant: nothing is written into a directory that is not the one
//! that was made.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Reference, Repository, Signature, Time, WorktreeAddOptions};

use super::identity;
use crate::git::command::Git;
use crate::git::durable::sync_all;
use crate::git::error::Retryable;
use crate::git::error::{GitError, Result};
use crate::git::patience::{patiently, retry};
use crate::git::refs;
use crate::git::repo::{Repo, metadata_lock};
use crate::sys::dir::Dir;
use crate::sys::{clock, fs, random};

const DOING: &str = "register the worktree";
/// How the names of the branches begin that libgit2 wants for a new tree.
const BRANCHES: &str = "refs/heads/swarmdir-new-";

/// Registers a new worktree with no files in it and HEAD detached at `at`; its directory must not exist yet. It stays
/// locked until [`unlock`].
pub(crate) fn register(repo: &Repo, name: &str, tree: &Path, at: Oid) -> Result<(Dir, Repository)> {
    let _held = repo.metadata_lock()?;
    let common = &repo.common;
    let mut admin = common.join("worktrees").join(name);
    if fs::exists(&admin) {
        admin = common.join("worktrees").join(format!("{name}-{}", random::tail()));
    }
    let name = admin.file_name().unwrap_or_default().to_string_lossy().into_owned();
    add(&repo.git, &name, tree, &admin)?;
    let dir = identity::remember(tree)?;
    fs::mend_dir(tree, false);
    share_keys(common, &admin)?;
    let git = open(&admin)?;
    git.set_head_detached(at).map_err(GitError::git(DOING, tree))?;
    Ok((dir, git))
}

/// Lets git-crypt find its keys: it looks for them in the worktree's own directory alone, and without them no file
/// that it keeps can be checked out.
fn share_keys(common: &Path, admin: &Path) -> Result<()> {
    let name = "git-crypt";
    match fs::is_dir(&common.join(name)) && !fs::exists(&admin.join(name)) {
        true => Ok(fs::symlink(&Path::new("../..").join(name), &admin.join(name))?),
        false => Ok(()),
    }
}

/// A worktree of a commit without files. libgit2 wants a branch for it, which goes again at once.
///
/// A `git worktree prune` that looks between the making of the administrative directory and that of the lock within
/// takes the directory away; then it is made again.
fn add(git: &Repository, name: &str, tree: &Path, admin: &Path) -> Result<()> {
    let commit = no_files(git)?;
    // Under the lock nobody else is about to register one: what is there was left by somebody who died.
    drop_branches(git, tree)?;
    let branch = format!("{BRANCHES}{name}");
    let make = || git.reference(&branch, commit, true, "swarmdir: a new tree");
    let reference = patiently(DOING, tree, make)?;
    let passing = |failed: &Failed| match failed {
        Failed::Pruned(_) => Retryable::Locked,
        Failed::For(_) => Retryable::No,
    };
    let added = retry(passing, || add_at(git, name, tree, admin, &reference));
    drop_branches(git, tree)?;
    added.map_err(|(Failed::For(error) | Failed::Pruned(error))| error)
}

fn add_at(
    git: &Repository,
    name: &str,
    tree: &Path,
    admin: &Path,
    branch: &Reference<'_>,
) -> std::result::Result<(), Failed> {
    let mut options = WorktreeAddOptions::new();
    options.reference(Some(branch)).lock(true);
    let added = match git.worktree(name, tree, Some(&options)) {
        Ok(_) => Ok(()),
        // With `core.bare` in the configuration it refuses to write no files, when all else is done.
        Err(error) if error.code() == ErrorCode::BareRepo => Ok(()),
        Err(error) => Err(error),
    };
    let failed = |error| GitError::git(DOING, tree)(error);
    let whole = ["locked", "gitdir", "HEAD"].iter().all(|file| fs::exists(&admin.join(file)));
    let refused = matches!(&added, Err(error) if error.code() == ErrorCode::Exists);
    if whole || refused {
        return added.map_err(|error| Failed::For(failed(error)));
    }
    take_back(tree, admin).map_err(Failed::For)?;
    let pruned = git2::Error::from_str("it was pruned while it was made");
    Err(Failed::Pruned(failed(added.err().unwrap_or(pruned))))
}

/// Removes the branches that trees were registered by.
fn drop_branches(git: &Repository, tree: &Path) -> Result<()> {
    let left = patiently(DOING, tree, || {
        let names = git.references_glob(&format!("{BRANCHES}*"))?;
        names.map(|left| Ok(left?.name()?.to_owned())).collect::<std::result::Result<Vec<_>, _>>()
    })?;
    for name in left {
        // Under the lock it is ours alone.
        refs::delete(DOING, git.commondir(), &name, None)?;
    }
    Ok(())
}

enum Failed {
    /// Somebody removed what was made of it.
    Pruned(GitError),
    For(GitError),
}

/// Removes what a registration that was pruned has left; fails where the directory holds something else.
fn take_back(tree: &Path, admin: &Path) -> Result<()> {
    if admin_of(tree).as_deref() == Some(admin) {
        fs::unlink(&tree.join(".git"))?;
    }
    fs::remove_tree(admin)?;
    fs::rmdir(tree)?;
    Ok(())
}

/// The commit without files. It is the same in every repository; made durable when it is made, since half an object
/// would be taken for a whole one after a power cut.
fn no_files(git: &Repository) -> Result<Oid> {
    let failed = |error| GitError::git(DOING, git.path())(error);
    let nobody = Signature::new("swarmdir", "swarmdir@localhost", &Time::new(0, 0));
    let nobody = nobody.map_err(failed)?;
    let make = || {
        let text = "swarmdir: no files yet\n";
        let empty = git.find_tree(git.treebuilder(None)?.write()?)?;
        let bytes = git.commit_create_buffer(&nobody, &nobody, text, &empty, &[])?;
        let commit = Oid::hash_object(git2::ObjectType::Commit, &bytes)?;
        let known = git.odb()?.exists(commit);
        git.commit(None, &nobody, &nobody, text, &empty, &[])?;
        Ok((commit, empty.id(), known))
    };
    let (commit, empty, known) = make().map_err(failed)?;
    if !known {
        sync_all(git.commondir(), &BTreeSet::from([commit, empty]), 0, &[])?;
    }
    Ok(commit)
}

/// From now on a tree is as any other of git's.
pub(crate) fn unlock(git: &Repository) -> Result<()> {
    fs::unlink(&git.path().join("locked"))?;
    Ok(())
}

/// Opens an administrative directory: HEAD, refs, objects. What the configuration says of directories is not heard.
pub(crate) fn open(admin: &Path) -> Result<Repository> {
    Repository::open_bare(admin).map_err(GitError::git("open the worktree", admin))
}

/// The administrative directory that a tree's `.git` file names.
fn admin_of(tree: &Path) -> Option<PathBuf> {
    let meta = fs::look(&tree.join(".git")).ok()??;
    if !meta.is_file() {
        return None;
    }
    let bytes = fs::read(&tree.join(".git")).ok()?;
    let line = bytes.strip_prefix(b"gitdir: ")?;
    let path = line.strip_suffix(b"\n").unwrap_or(line);
    Some(tree.join(PathBuf::from(OsString::from_vec(path.to_vec()))))
}

/// The administrative directory of a tree that belongs to this repository, as it does to the tree. `files`: the
/// directory, by a path that leads nowhere else.
pub(crate) fn tied(common: &Path, tree: &Path, files: &Path) -> Option<PathBuf> {
    admin_of(files).filter(|admin| {
        let ours = admin.parent() == Some(&common.join("worktrees"));
        ours && fs::exists(&admin.join("HEAD")) && points_at(admin, tree)
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

pub(crate) struct Mended {
    pub(crate) git: Repository,
    pub(crate) notes: Vec<String>,
    /// Not one file was left: the tree is empty, which is not the same as an agent's deletions.
    pub(crate) emptied: bool,
}

/// Mends the ties of a tree in which an agent had a free hand; `dir` is that tree, and HEAD of one that git has
/// forgotten is put at `head`. A repository that stands in place of the `.git` file is moved beside the tree, not
/// removed.
pub(crate) fn mend(repo: &Repo, name: &str, tree: &Path, dir: &Dir, head: Oid) -> Result<Mended> {
    let (common, files) = (&repo.common, dir.path());
    if let Some(admin) = tied(common, tree, &files) {
        return Ok(Mended { git: open(&admin)?, notes: Vec::new(), emptied: false });
    }
    let emptied = fs::list_if_any(&files)?.is_empty();
    let mut notes = Vec::new();
    let dot_git = files.join(".git");
    match fs::look(&dot_git)? {
        Some(meta) if meta.is_dir() => {
            let moved = fs::with_suffix(tree, &format!(".git-{}", clock::stamp(clock::now())));
            // Nobody else moves the staged file, so this rename loses no race.
            let _ = fs::rename(&dot_git, &moved)?;
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
    let known = admins_for(common, tree).into_iter().find(|admin| fs::exists(&admin.join("HEAD")));
    let admin = match known {
        Some(admin) => admin,
        None => {
            forget(common, tree)?;
            notes.push("git had forgotten the tree; it is registered again".into());
            let admin = register_again(repo, name, tree, &dot_git, head)?;
            repair(common, tree)?;
            admin
        }
    };
    if !fs::exists(&dot_git) {
        let line = [b"gitdir: ", admin.as_os_str().as_bytes(), b"\n"].concat();
        fs::write_with_umask(&dot_git, &line)?;
    }
    Ok(Mended { git: open(&admin)?, notes, emptied })
}

/// Registers a directory that is there: a new worktree is made beside it, and its `.git` file moved over.
fn register_again(
    repo: &Repo,
    name: &str,
    tree: &Path,
    dot_git: &Path,
    head: Oid,
) -> Result<PathBuf> {
    let aside = fs::with_suffix(tree, ".new");
    // What an earlier try left here has nothing but a `.git` file in it.
    forget(&repo.common, &aside)?;
    fs::unlink(&aside.join(".git"))?;
    fs::rmdir(&aside)?;
    let (_dir, git) = register(repo, name, &aside, head)?;
    // Nobody else moves the staged file, so this rename loses no race.
    let _ = fs::rename(&aside.join(".git"), dot_git)?;
    unlock(&git)?;
    fs::rmdir(&aside)?;
    identity::forget(&aside)?;
    Ok(git.path().to_owned())
}

/// Has git tell the administrative directory of a tree where that is.
fn repair(common: &Path, tree: &Path) -> Result<()> {
    let tree = tree.to_string_lossy().into_owned();
    let args = ["-c", "worktree.useRelativePaths=false", "worktree", "repair", &tree];
    Git::bare(common).run("mend the worktree", &args, b"").map(drop)
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

/// A handle that knows what is ignored in the tree.
pub(crate) fn with_files(admin: &Path, dir: &Dir) -> Result<Repository> {
    let git = open(admin)?;
    if let Some(place) = dir.place() {
        let set = git.set_workdir(&place, false);
        set.map_err(GitError::git("look through a tree", admin))?;
    }
    Ok(git)
}
