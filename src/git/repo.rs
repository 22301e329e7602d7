//! A user's repository, by the path that was configured: found, opened, and otherwise left alone.
//!
//! Where its checkout is follows from where its `.git` is; what the configuration says of that (`core.worktree`,
//! `core.bare`) is not heard, since an agent can write it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Index, Repository, RepositoryOpenFlags};

use super::error::{GitError, GitResult, Result};
use crate::domain::capacity::decision::TreeSize;
use crate::site::Site;
use crate::sys::fs;
use crate::sys::lock::Lock;

/// A user's repository: a checkout, or a bare one.
pub struct Repo {
    pub(crate) git: Repository,
    /// The checkout's root, or the bare repository; absolute, without links.
    pub(crate) root: PathBuf,
    /// The git directory that all worktrees share.
    pub(crate) common: PathBuf,
    is_checkout: bool,
}

impl Repo {
    /// The nearest checkout (or bare repository) at or above `path`.
    pub fn discover(path: &Path) -> Result<Repo> {
        let nobody: [&Path; 0] = [];
        let found =
            Repository::discover_path(path, nobody).map_err(|error| unopened(error, path))?;
        let (root, is_checkout) = root_of(&fs::canonical(path)?, &fs::canonical(&found)?);
        Repo::open(&found, root, is_checkout).map_err(|error| unopened(error, path))
    }

    fn open(git_dir: &Path, root: PathBuf, is_checkout: bool) -> GitResult<Repo> {
        let flags = RepositoryOpenFlags::NO_SEARCH | RepositoryOpenFlags::BARE;
        let nobody: [&OsStr; 0] = [];
        let git = Repository::open_ext(git_dir, flags, nobody)?;
        if is_checkout {
            git.set_workdir(&root, false)?;
        }
        let common = fs::canonical(git.commondir());
        let common = common.map_err(|error| git2::Error::from_str(&error.to_string()))?;
        Ok(Repo { git, root, common, is_checkout })
    }

    pub(crate) fn again(&self) -> Result<Repo> {
        let opened = Repo::open(self.git.path(), self.root.clone(), self.is_checkout);
        opened.map_err(GitError::git("open the repository", &self.root))
    }

    pub(crate) fn into_git(self) -> Repository {
        self.git
    }

    /// The checkout's root directory, or the bare repository itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The checkout's root directory; `None` for a bare repository.
    pub fn checkout(&self) -> Option<&Path> {
        self.is_checkout.then_some(self.root.as_path())
    }

    /// Whether the repository is its group's, too (`core.sharedRepository`).
    pub fn is_shared(&self) -> bool {
        let config = self.git.config().and_then(|mut config| config.snapshot());
        let value = config.and_then(|config| config.get_string("core.sharedRepository"));
        value.is_ok_and(|value| is_group_shared(&value))
    }

    /// Whether git leaves this path (relative to the checkout) alone.
    pub fn ignores(&self, path: &Path) -> bool {
        self.git.is_path_ignored(path).unwrap_or(false)
    }

    /// Where its worktrees live unless the configuration says otherwise: beside it.
    pub fn default_trees_dir(&self) -> PathBuf {
        Site::at(&self.root).beside()
    }

    /// Keeps changes of this repository's worktrees and branches by us apart; hold it shortly.
    pub(crate) fn metadata_lock(&self) -> Result<Lock> {
        metadata_lock(&self.common)
    }
}

/// As [`Repo::metadata_lock`], by the shared git directory.
pub(crate) fn metadata_lock(common: &Path) -> Result<Lock> {
    Ok(Lock::take(&common.join("swarmdir.lock"))?)
}

/// Where the files of a repository are, and whether it has any. `path` is where it was found from.
fn root_of(path: &Path, git_dir: &Path) -> (PathBuf, bool) {
    if !path.starts_with(git_dir)
        && let Some(root) = path.ancestors().find(|dir| fs::exists(&dir.join(".git")))
    {
        return (root.to_owned(), true);
    }
    match git_dir.parent().filter(|_| git_dir.file_name() == Some(OsStr::new(".git"))) {
        Some(root) => (root.to_owned(), true),
        None => (git_dir.to_owned(), false),
    }
}

/// What a value of `core.sharedRepository` means for the group: a word, a number of git's own, or a mode.
fn is_group_shared(value: &str) -> bool {
    match value.to_lowercase().as_str() {
        "group" | "true" | "yes" | "on" | "1" | "all" | "world" | "everybody" | "2" => true,
        mode => u32::from_str_radix(mode, 8).is_ok_and(|mode| mode > 7 && mode & 0o060 == 0o060),
    }
}

fn unopened(error: git2::Error, path: &Path) -> GitError {
    match error.code() {
        ErrorCode::NotFound => GitError::NotARepository { path: path.to_owned() },
        _ => GitError::git("open the repository", path)(error),
    }
}

/// File systems give space in blocks of so many bytes, usually.
const BLOCK: u64 = 4096;

impl Repo {
    /// What a checkout of this repository takes: measured by the index of the user's own, or else (a bare
    /// repository) of a tree. Nothing where there is none yet.
    pub fn checkout_size(&self) -> TreeSize {
        let own = self.git.index().ok().filter(|index| !index.is_empty());
        own.or_else(|| self.any_tree_index())
            .map_or_else(TreeSize::default, |index| size_of(&index))
    }

    fn any_tree_index(&self) -> Option<Index> {
        let worktrees = self.common.join("worktrees");
        let names = fs::list_if_any(&worktrees).ok()?;
        let indexes = names.iter().map(|name| worktrees.join(name).join("index"));
        indexes.filter(|path| fs::is_file(path)).find_map(|path| Index::open(&path).ok())
    }
}

fn size_of(index: &Index) -> TreeSize {
    let mut size = TreeSize::default();
    let mut dir: Vec<u8> = Vec::new();
    for entry in index.iter() {
        size.bytes += u64::from(entry.file_size).next_multiple_of(BLOCK);
        size.inodes += 1;
        // In the order of an index a directory's entries stand together.
        let end = entry.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if entry.path[..end] != dir[..] {
            dir = entry.path[..end].to_vec();
            let below = u64::from(!dir.is_empty());
            size.inodes += below;
            size.bytes += below * BLOCK;
        }
    }
    size
}

/// What a new tree of the repository at `path` takes; nothing where there is no repository.
pub fn checkout_size(path: &Path) -> TreeSize {
    Repo::discover(path).map_or_else(|_| TreeSize::default(), |repo| repo.checkout_size())
}

#[cfg(test)]
mod tests {
    use super::is_group_shared;

    #[test]
    fn what_is_shared_is_told_as_git_reads_it() {
        for yes in
            ["group", "Group", "true", "1", "all", "world", "everybody", "2", "0660", "0664", "660"]
        {
            assert!(is_group_shared(yes), "{yes}");
        }
        for no in ["umask", "false", "", "0", "3", "no", "off", "0600", "0640", "0604", "x"] {
            assert!(!is_group_shared(no), "{no}");
        }
    }
}

#[cfg(test)]
mod checkout_size_tests {
    use git2::Repository;

    use super::*;

    #[test]
    fn a_tree_takes_its_files_in_blocks_and_its_directories() {
        let dir = tempfile::tempdir().expect("a directory");
        let git = Repository::init(dir.path()).expect("a repository");
        fs::mkdirs(&dir.path().join("a/b")).expect("directories");
        for (path, bytes) in [("one", 1), ("a/two", 5000), ("a/b/three", 0)] {
            fs::write(&dir.path().join(path), &vec![b'x'; bytes]).expect("a file");
        }
        let mut index = git.index().expect("an index");
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
        index.write().expect("written");
        let size = checkout_size(dir.path());
        assert_eq!(size, TreeSize { bytes: 5 * BLOCK, inodes: 5 });
        assert_eq!(checkout_size(Path::new("/proc")), TreeSize::default());
    }
}
