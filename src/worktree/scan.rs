//! What a tree holds that its index does not say: one walk, no content read.
//!
//! A tracked file whose size, time, inode and kind are those of the index is unchanged (git's own rule,
//! with the same care for files written in the index's last moment). Everything else is a candidate: the
//! list may name a file that turns out the same, never omit one that differs. Ignored files are passed
//! over. A link is never followed, so nothing outside the tree is seen.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Index, IndexEntry, Oid, Repository};

use crate::sys::fs;

const LINK: u32 = 0o120_000;
const GITLINK: u32 = 0o160_000;
const EXECUTABLE: u32 = 0o100;
const STAGES: u16 = 0x3000;
const SKIP_WORKTREE: u16 = 1 << 14;
const INTENT_TO_ADD: u16 = 1 << 13;

/// A path within the tree, as git writes it.
pub(crate) type TreePath = Vec<u8>;

/// What differs, or may.
#[derive(Debug, Default)]
pub(crate) struct Dirt {
    /// Files and links that are new or may have changed.
    pub(crate) present: Vec<TreePath>,
    /// Tracked, but no longer there.
    pub(crate) gone: Vec<TreePath>,
    /// Repositories within the tree that nobody registered.
    pub(crate) nested: Vec<TreePath>,
    /// Submodules that stand at another commit than the index says.
    pub(crate) submodules: Vec<TreePath>,
    /// Submodules with uncommitted work inside.
    pub(crate) dirty_submodules: Vec<TreePath>,
    /// FIFOs, sockets and devices: they hold no content.
    pub(crate) special: Vec<TreePath>,
    /// What could not be looked into, with the reason.
    pub(crate) unreadable: Vec<(TreePath, String)>,
    /// Directories with nothing in them at all, deepest first.
    pub(crate) empty: Vec<TreePath>,
}

impl Dirt {
    /// The index tells all there is.
    pub(crate) fn is_clean(&self) -> bool {
        self.present.is_empty() && self.gone.is_empty() && !self.holds_more()
    }

    /// There is something that a commit of this tree cannot hold.
    pub(crate) fn holds_more(&self) -> bool {
        let modules = self.submodules.len() + self.dirty_submodules.len();
        !self.nested.is_empty() || modules > 0 || !self.unreadable.is_empty()
    }
}

struct Known {
    entry: IndexEntry,
    seen: bool,
}

struct Walk<'a> {
    git: &'a Repository,
    root: &'a Path,
    known: HashMap<TreePath, Known>,
    dirs: HashSet<TreePath>,
    /// When the index was written: seconds, nanoseconds.
    written: (i64, i64),
    dirt: Dirt,
}

/// Walks the tree at `root`.
pub(crate) fn scan(git: &Repository, index: &Index, root: &Path) -> Dirt {
    let mut known = HashMap::with_capacity(index.len());
    let mut dirs = HashSet::new();
    for entry in index.iter() {
        remember_dirs(&entry.path, &mut dirs);
        known.insert(entry.path.clone(), Known { entry, seen: false });
    }
    let meta = index.path().and_then(|path| fs::look(path).ok().flatten());
    // Without an index on disk nothing in memory has been compared to files.
    let written = meta.map_or((0, 0), |meta| (meta.mtime(), meta.mtime_nsec()));
    let mut walk = Walk { git, root, known, dirs, written, dirt: Dirt::default() };
    walk.directory(&TreePath::new(), false);
    walk.finish()
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

impl Walk<'_> {
    /// Returns whether anything is in it; `fresh`: nothing tracked is, so it may have to go.
    fn directory(&mut self, path: &TreePath, fresh: bool) -> bool {
        let names = match fs::list(&self.root.join(OsStr::from_bytes(path))) {
            Ok(names) => names,
            Err(error) => {
                self.dirt.unreadable.push((path.clone(), error.source.to_string()));
                return true;
            }
        };
        let mut any = false;
        for name in names {
            let name = name.into_vec();
            if name == b".git" {
                continue;
            }
            let mut child = path.clone();
            if !child.is_empty() {
                child.push(b'/');
            }
            child.extend_from_slice(&name);
            any |= self.look(child);
        }
        if fresh && !any {
            self.dirt.empty.push(path.clone());
        }
        any
    }

    /// Sorts one name in; returns whether it is there.
    fn look(&mut self, path: TreePath) -> bool {
        let meta = match fs::look(&self.root.join(OsStr::from_bytes(&path))) {
            Ok(Some(meta)) => meta,
            Ok(None) => return false,
            Err(error) => {
                self.dirt.unreadable.push((path, error.source.to_string()));
                return true;
            }
        };
        let written = self.written;
        if let Some(known) = self.known.get_mut(&path) {
            if known.entry.mode == GITLINK && meta.is_dir() {
                known.seen = true;
                let id = known.entry.id;
                self.submodule(path, id);
                return true;
            }
            if meta.is_file() || meta.is_symlink() {
                known.seen = true;
                if !unchanged(&known.entry, &meta, written) {
                    self.dirt.present.push(path);
                }
                return true;
            }
        }
        self.unknown(path, &meta)
    }

    fn unknown(&mut self, path: TreePath, meta: &Metadata) -> bool {
        if meta.is_dir() && self.dirs.contains(&path) {
            return self.directory(&path, false);
        }
        // A file where a tracked directory was is that directory's replacement, not to be ignored.
        let replaces = self.dirs.contains(&path) || self.known.contains_key(&path);
        let ignored = self.git.is_path_ignored(Path::new(OsStr::from_bytes(&path)));
        if !replaces && ignored.unwrap_or(false) {
            return true;
        }
        if meta.is_dir() {
            if fs::exists(&self.root.join(OsStr::from_bytes(&path)).join(".git")) {
                self.dirt.nested.push(path);
                return true;
            }
            return self.directory(&path, true);
        }
        if meta.is_file() || meta.is_symlink() {
            self.dirt.present.push(path);
        } else {
            self.dirt.special.push(path);
        }
        true
    }

    fn submodule(&mut self, path: TreePath, recorded: Oid) {
        let dir = self.root.join(OsStr::from_bytes(&path));
        if !fs::exists(&dir.join(".git")) {
            // Not filled: git leaves the directory empty, and so must we find it.
            self.directory(&path, false);
            return;
        }
        let Ok(inner) = Repository::open(&dir) else {
            self.dirt.unreadable.push((path, "its repository cannot be opened".into()));
            return;
        };
        let mut options = git2::StatusOptions::new();
        options.include_untracked(true).include_ignored(false);
        if inner.statuses(Some(&mut options)).is_ok_and(|found| !found.is_empty()) {
            self.dirt.dirty_submodules.push(path.clone());
        }
        let head = inner.head().ok().and_then(|head| head.target());
        if head.is_some_and(|head| head != recorded) {
            self.dirt.submodules.push(path);
        }
    }

    fn finish(mut self) -> Dirt {
        let closed: Vec<TreePath> = self.dirt.unreadable.iter().map(|(p, _)| p.clone()).collect();
        for (path, known) in self.known {
            let hidden = closed.iter().any(|dir| is_below(&path, dir));
            let absent_by_design =
                known.entry.flags_extended & SKIP_WORKTREE != 0 || known.entry.mode == GITLINK;
            if !known.seen && !hidden && !absent_by_design {
                self.dirt.gone.push(path);
            }
        }
        self.dirt.gone.sort_unstable();
        self.dirt.present.sort_unstable();
        self.dirt
    }
}

fn is_below(path: &[u8], dir: &[u8]) -> bool {
    path == dir || dir.is_empty() || (path.starts_with(dir) && path.get(dir.len()) == Some(&b'/'))
}

/// Whether the file is the one that the index describes, going by what `lstat` tells.
fn unchanged(entry: &IndexEntry, meta: &Metadata, written: (i64, i64)) -> bool {
    let (seconds, nanos) = (meta.mtime(), meta.mtime_nsec());
    let known_nanos = i64::from(entry.mtime.nanoseconds());
    let same_time =
        i64::from(entry.mtime.seconds()) == seconds && (known_nanos == 0 || known_nanos == nanos);
    // A file changed again in the moment in which the index was written looks the same.
    let settled = if known_nanos == 0 { seconds < written.0 } else { (seconds, nanos) < written };
    let link = entry.mode == LINK;
    let executable = entry.mode & EXECUTABLE == meta.mode() & EXECUTABLE;
    same_time
        && settled
        && u64::from(entry.file_size) == meta.size() & 0xffff_ffff
        && (entry.ino == 0 || u64::from(entry.ino) == meta.ino() & 0xffff_ffff)
        && link == meta.is_symlink()
        && (link || executable)
        && entry.flags & STAGES == 0
        && entry.flags_extended & INTENT_TO_ADD == 0
}
