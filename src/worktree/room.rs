//! What room a new tree takes, and which trees need none because they are there. Looks only.

use std::collections::BTreeSet;
use std::path::Path;

use git2::Index;

use super::pool::TreePool;
use crate::domain::capacity::admission::Need;
use crate::git::error::Result;
use crate::git::repo::Repo;
use crate::sys::fs;

/// File systems give room in blocks of so many bytes, usually.
const BLOCK: u64 = 4096;

/// The trees that are there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Homes {
    /// Somebody may move into one.
    pub free: bool,
    /// Tasks that have one.
    pub tasks: BTreeSet<String>,
}

impl Repo {
    /// What a checkout of this repository takes: measured by the index of the user's own, or else (a bare
    /// repository) of a tree. Nothing where there is none yet.
    pub fn tree_need(&self) -> Need {
        let own = self.git.index().ok().filter(|index| !index.is_empty());
        own.or_else(|| self.any_tree_index()).map_or_else(Need::default, |index| need(&index))
    }

    fn any_tree_index(&self) -> Option<Index> {
        let worktrees = self.common.join("worktrees");
        let names = fs::list_if_any(&worktrees).ok()?;
        let indexes = names.iter().map(|name| worktrees.join(name).join("index"));
        indexes.filter(|path| fs::is_file(path)).find_map(|path| Index::open(&path).ok())
    }
}

fn need(index: &Index) -> Need {
    let mut need = Need::default();
    let mut dir: Vec<u8> = Vec::new();
    for entry in index.iter() {
        need.bytes += u64::from(entry.file_size).next_multiple_of(BLOCK);
        need.inodes += 1;
        // In the order of an index a directory's entries stand together.
        let end = entry.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if entry.path[..end] != dir[..] {
            dir = entry.path[..end].to_vec();
            let below = u64::from(!dir.is_empty());
            need.inodes += below;
            need.bytes += below * BLOCK;
        }
    }
    need
}

impl TreePool {
    /// The trees that a task may go on in, or move into.
    pub fn homes(&self) -> Result<Homes> {
        let mut homes = Homes::default();
        for number in self.places.numbers()? {
            match self.places.holder(number)? {
                Some(holder) => drop(homes.tasks.insert(holder.task)),
                None => homes.free |= fs::is_dir(&self.places.path(number, "")),
            }
        }
        Ok(homes)
    }
}

/// What a new tree of the repository at `path` takes; nothing where there is no repository.
pub fn tree_need(path: &Path) -> Need {
    Repo::discover(path).map_or_else(|_| Need::default(), |repo| repo.tree_need())
}

#[cfg(test)]
mod tests {
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
        let need = tree_need(dir.path());
        assert_eq!(need, Need { bytes: 5 * BLOCK, inodes: 5 });
        assert_eq!(tree_need(Path::new("/proc")), Need::default());
    }
}
