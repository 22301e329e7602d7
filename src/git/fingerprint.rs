//! What the user's checkout looks like, to see afterwards whether an agent touched it.
//!
//! An agent with a shell can walk out of its tree. Nothing can prevent that here, but it can be noticed:
//! HEAD, index, stash, hooks, the rules that stand in git's own directory, and every tracked file by its `lstat`. Read
//! only, one pass over the index, no content of files. (The configuration is compared key by key, where a tree is
//! collected.)

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{Index, Repository};

use super::command::{TreePath, names};
use super::head;
use super::repo::Repo;
use crate::sys::fs;

/// Files of git's directory that steer what git does, with what they are.
const RULES: [(&str, &str); 4] = [
    ("info/exclude", "what git ignores here"),
    ("info/attributes", "the attributes of files"),
    ("info/sparse-checkout", "which files the checkout has"),
    ("objects/info/alternates", "where objects are borrowed from"),
];

/// One look at a checkout (or at a bare repository, where there is less to see).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// Where HEAD is, for people.
    head: String,
    head_oid: Option<String>,
    /// What is staged, not the time stamps beside it.
    index: u64,
    /// The stash's commit and how many entries it has.
    stash: (Option<String>, usize),
    hooks: u64,
    /// What is in each of [`RULES`].
    rules: [u64; RULES.len()],
    /// Tracked files with what `lstat` says, in the index's order.
    files: Vec<(TreePath, u64)>,
}

impl Repo {
    /// Looks at the user's checkout. What cannot be read looks empty; that, too, is then a difference.
    pub fn fingerprint(&self) -> Fingerprint {
        // A handle of its own: an agent may have changed the configuration since ours was opened.
        let opened = self.again();
        let git = opened.as_ref().map_or(&self.git, |again| &again.git);
        let head = head::read(git);
        let (index, files) = self.index_and_files(git);
        let stash = git.find_reference("refs/stash").ok().and_then(|stash| stash.target());
        let stashed = git.reflog("refs/stash").map_or(0, |log| log.len());
        Fingerprint {
            head: head::place(&head),
            head_oid: head.at.map(|at| at.to_string()),
            index,
            stash: (stash.map(|oid| oid.to_string()), stashed),
            hooks: directory(&hooks_dir(git, &self.root, &self.common)),
            rules: RULES.map(|(name, _)| {
                // Which files a checkout has is its own; all else is shared.
                let own = if name.ends_with("sparse-checkout") { git.path() } else { &self.common };
                digest(&fs::read(&own.join(name)).unwrap_or_default())
            }),
            files,
        }
    }

    fn index_and_files(&self, git: &Repository) -> (u64, Vec<(TreePath, u64)>) {
        let Some(root) = self.checkout() else { return (0, Vec::new()) };
        let path = git.path().join("index");
        let Ok(index) = Index::open(&path) else {
            return (digest(&fs::read(&path).unwrap_or_default()), Vec::new());
        };
        let mut hasher = DefaultHasher::new();
        let mut files = Vec::with_capacity(index.len());
        for entry in index.iter() {
            (&entry.path, entry.id.as_bytes(), entry.mode, entry.flags & 0x3000).hash(&mut hasher);
            let stat = stat(&root.join(OsStr::from_bytes(&entry.path)));
            files.push((entry.path, stat));
        }
        (hasher.finish(), files)
    }
}

impl Fingerprint {
    /// What is different, one line each for people; empty when nothing is.
    pub fn changes(before: &Fingerprint, after: &Fingerprint) -> Vec<String> {
        let mut lines = Vec::new();
        if before.head != after.head {
            lines.push(format!("HEAD moved: it was {}, and is {}", before.head, after.head));
        } else if before.head_oid != after.head_oid {
            let short = |oid: &Option<String>| {
                oid.as_deref().map_or("nothing", |oid| oid.get(..10).unwrap_or(oid)).to_owned()
            };
            let (from, to) = (short(&before.head_oid), short(&after.head_oid));
            lines.push(format!("the branch {} moved from {from} to {to}", bare(&after.head)));
        }
        if before.index != after.index {
            lines.push("what is staged in the index changed".into());
        }
        if before.stash != after.stash {
            let (from, to) = (before.stash.1, after.stash.1);
            lines.push(format!("the stash changed: it had {from} entries, and has {to}"));
        }
        if before.hooks != after.hooks {
            lines.push("the hooks changed".into());
        }
        for (n, (name, what)) in RULES.iter().enumerate() {
            if before.rules[n] != after.rules[n] {
                lines.push(format!("{name} changed: {what}"));
            }
        }
        let changed = changed_files(before, after);
        if !changed.is_empty() {
            let (count, s) = (changed.len(), if changed.len() == 1 { "" } else { "s" });
            lines.push(format!("{count} tracked file{s} changed: {}", names(&changed)));
        }
        lines
    }
}

fn bare(head: &str) -> &str {
    head.strip_prefix("on ").unwrap_or(head)
}

/// Files that both know and that differ; a file that was staged or unstaged shows in the index.
fn changed_files(before: &Fingerprint, after: &Fingerprint) -> Vec<TreePath> {
    let mut changed = Vec::new();
    let mut later = after.files.iter().peekable();
    for (path, stat) in &before.files {
        while later.next_if(|(other, _)| other < path).is_some() {}
        if let Some((_, now)) = later.next_if(|(other, _)| other == path)
            && now != stat
        {
            changed.push(path.clone());
        }
    }
    changed
}

fn hooks_dir(git: &Repository, root: &Path, common: &Path) -> PathBuf {
    let configured = git.config().and_then(|config| config.get_path("core.hooksPath"));
    configured.map_or_else(|_| common.join("hooks"), |path| root.join(path))
}

fn directory(dir: &Path) -> u64 {
    let mut names = fs::list_if_any(dir).unwrap_or_default();
    names.sort_unstable();
    let mut hasher = DefaultHasher::new();
    for name in names {
        let stat = stat(&dir.join(&name));
        (name, stat).hash(&mut hasher);
    }
    hasher.finish()
}

fn stat(path: &Path) -> u64 {
    let Ok(Some(meta)) = fs::look(path) else { return 0 };
    let mut hasher = DefaultHasher::new();
    (meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ino(), meta.mode()).hash(&mut hasher);
    hasher.finish()
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
