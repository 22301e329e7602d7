//! What a tree holds that git's own commands pass over, or that asks for care: one walk over names, no content read.
//!
//! Repositories within the tree, things that are no file, directories with nothing in them, and what the index hides
//! (files that count as unchanged, or as left out of a sparse checkout). Ignored directories are passed over. A link
//! is never followed, so nothing outside the tree is seen.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use git2::{Index, Repository};

use crate::git::command::TreePath;
use crate::git::submodule::{self, GITLINK};
use crate::sys::dir::Dir;
use crate::sys::fs;

const STAGES: u16 = 0x3000;
const ASSUME_UNCHANGED: u16 = 0x8000;
const SKIP_WORKTREE: u16 = 1 << 14;

#[derive(Debug, Default)]
pub(crate) struct TreeScan {
    /// Paths of the index that git would not look at though their files are there.
    pub(crate) hidden: Vec<TreePath>,
    /// Files are left out of the tree on purpose (a sparse checkout).
    pub(crate) sparse: bool,
    pub(crate) conflicts: bool,
    /// Repositories within the tree that are no submodules of it, and would not be in a commit.
    pub(crate) nested: Vec<TreePath>,
    /// Such repositories that the index names by their commit, though nobody can fetch it.
    pub(crate) embedded: Vec<TreePath>,
    /// Submodules that hold what is nowhere else; and what.
    pub(crate) submodules: Vec<(TreePath, &'static str)>,
    /// Submodules that are filled and hold nothing of their own.
    pub(crate) filled: Vec<TreePath>,
    /// Files of attributes, tracked or on disk.
    pub(crate) attributes: Vec<TreePath>,
    /// FIFOs, sockets and devices: they hold no content.
    pub(crate) special: Vec<TreePath>,
    /// What could not be looked into, with the reason.
    pub(crate) unreadable: Vec<(TreePath, String)>,
    /// Directories with nothing in them at all, deepest first.
    pub(crate) empty: Vec<TreePath>,
    /// There are files that the index does not name and git does not ignore.
    pub(crate) untracked: bool,
}

impl TreeScan {
    /// There is something that a commit of this tree cannot hold.
    pub(crate) fn holds_more(&self) -> bool {
        !(self.nested.is_empty()
            && self.embedded.is_empty()
            && self.submodules.is_empty()
            && self.unreadable.is_empty())
    }

    /// The index tells git the truth about every file.
    pub(crate) fn index_is_plain(&self) -> bool {
        self.hidden.is_empty() && !self.sparse
    }
}

struct ScanWalk<'a> {
    /// Knows what is ignored.
    git: &'a Repository,
    root: &'a Path,
    /// In the order of the index: by bytes.
    known: Vec<TreePath>,
    dirs: HashSet<TreePath>,
    gitlinks: HashSet<TreePath>,
    found: TreeScan,
}

/// Looks through the tree `dir`. `git` has that tree for its files; `admin` is its administrative directory.
pub(crate) fn survey(git: &Repository, admin: &Path, index: &Index, dir: &Dir) -> TreeScan {
    let root = dir.path();
    let mut walk = ScanWalk {
        git,
        root: &root,
        known: Vec::with_capacity(index.len()),
        dirs: HashSet::new(),
        gitlinks: HashSet::new(),
        found: TreeScan::default(),
    };
    for entry in index.iter() {
        walk.found.conflicts |= entry.flags & STAGES != 0;
        let left_out = entry.flags_extended & SKIP_WORKTREE != 0;
        let there = || fs::exists(&root.join(OsStr::from_bytes(&entry.path)));
        walk.found.sparse |= left_out;
        if entry.flags & ASSUME_UNCHANGED != 0 || (left_out && there()) {
            walk.found.hidden.push(entry.path.clone());
        }
        let dir = dir_of(&entry.path);
        if walk.known.last().is_none_or(|last| dir_of(last) != dir) {
            remember_dirs(&entry.path, &mut walk.dirs);
        }
        if entry.mode == GITLINK {
            walk.gitlink(admin, &entry.path);
            walk.gitlinks.insert(entry.path.clone());
        }
        if is_attributes(&entry.path) {
            walk.found.attributes.push(entry.path.clone());
        }
        walk.known.push(entry.path);
    }
    walk.directory(&TreePath::new(), false);
    walk.found
}

fn is_attributes(path: &[u8]) -> bool {
    path.rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes")
}

fn dir_of(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&[], |slash| &path[..slash])
}

fn remember_dirs(path: &[u8], dirs: &mut HashSet<TreePath>) {
    let mut end = path.len();
    while let Some(slash) = path[..end].iter().rposition(|b| *b == b'/') {
        if !dirs.insert(path[..slash].to_vec()) {
            return;
        }
        end = slash;
    }
}

impl ScanWalk<'_> {
    /// Returns whether anything is in it; `fresh`: nothing tracked is, so it may have to go.
    fn directory(&mut self, path: &TreePath, fresh: bool) -> bool {
        let names = match fs::list_kinds(&self.root.join(OsStr::from_bytes(path))) {
            Ok(names) => names,
            Err(error) => {
                self.found.unreadable.push((path.clone(), error.source.to_string()));
                return true;
            }
        };
        let mut any = false;
        for (name, kind) in names {
            let name = name.into_vec();
            if name == b".git" {
                continue;
            }
            let mut child = path.clone();
            if !child.is_empty() {
                child.push(b'/');
            }
            child.extend_from_slice(&name);
            any |= match kind.is_dir() {
                true => self.sub_directory(child),
                false => {
                    let file = kind.is_file() || kind.is_symlink();
                    if !self.is_known(&child) {
                        self.unknown(child, file);
                    }
                    true
                }
            };
        }
        if fresh && !any {
            self.found.empty.push(path.clone());
        }
        any
    }

    fn is_known(&self, path: &TreePath) -> bool {
        self.known.binary_search(path).is_ok()
    }

    /// A name that the index does not have.
    fn unknown(&mut self, path: TreePath, file: bool) {
        if is_attributes(&path) {
            self.found.attributes.push(path.clone());
        }
        // One is enough, and each question costs.
        let matters = !file || !self.found.untracked;
        if matters && !self.ignored(&path) {
            self.found.untracked |= file;
            if !file {
                self.found.special.push(path);
            }
        }
    }

    fn sub_directory(&mut self, path: TreePath) -> bool {
        if self.gitlinks.contains(&path) {
            return true;
        }
        if self.dirs.contains(&path) {
            return self.directory(&path, false);
        }
        // A directory where a tracked file was is that file's replacement, not to be ignored.
        if !self.is_known(&path) && self.ignored(&path) {
            return true;
        }
        if fs::exists(&self.root.join(OsStr::from_bytes(&path)).join(".git")) {
            self.found.nested.push(path);
            return true;
        }
        self.directory(&path, true)
    }

    fn ignored(&self, path: &[u8]) -> bool {
        self.git.is_path_ignored(Path::new(OsStr::from_bytes(path))).unwrap_or(false)
    }

    fn gitlink(&mut self, admin: &Path, path: &[u8]) {
        match submodule::look(admin, &self.root.join(OsStr::from_bytes(path))) {
            submodule::SubmoduleState::Empty => {}
            submodule::SubmoduleState::Published => self.found.filled.push(path.to_vec()),
            submodule::SubmoduleState::HoldsMore(what) => {
                self.found.submodules.push((path.to_vec(), what))
            }
            submodule::SubmoduleState::Embedded => self.found.embedded.push(path.to_vec()),
        }
    }
}
