//! What a new checkout of a repository takes of the disk, by an index. Looks only.

use std::path::Path;

use git2::Index;

use super::repo::Repo;
use crate::domain::capacity::decision::TreeSize;
use crate::sys::fs;

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
