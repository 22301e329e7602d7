//! `.worktreeinclude`: ignored files of the checkout that a fresh tree needs (`.env`, local settings).
//!
//! gitignore syntax. Only files that git ignores are copied; nothing tracked is overwritten; links are
//! copied as links and never followed, on either side. A pattern without a slash does not reach into
//! directories that are ignored as a whole: `.env` must not bring `node_modules/x/.env`; a pattern that
//! names the directory does. Bounded in files and bytes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use git2::Repository;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::tree::Tree;
use crate::git::error::Result;
use crate::sys::fs;
use crate::sys::walk::{self, WalkEntry};

/// The file's name, at the checkout's root.
const FILE: &str = ".worktreeinclude";
/// The file itself may have so many bytes.
const MAX_RULES_BYTES: u64 = 1 << 20;
const MAX_FILES: usize = 20_000;
const MAX_BYTES: u64 = 2 << 30;
const MAX_LOOKED_AT: usize = 500_000;

/// What was copied, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Included {
    /// Files and links, relative to the root.
    pub copied: Vec<PathBuf>,
    /// Bytes copied.
    pub bytes: u64,
    /// Why others were not.
    pub notes: Vec<String>,
}

struct IncludeWalk<'a> {
    git: Repository,
    rules: Gitignore,
    /// Directories that patterns with a slash lead to, up to their first wildcard.
    anchors: Vec<PathBuf>,
    from: &'a Path,
    tree: &'a Tree,
    looked_at: usize,
    done: Included,
}

enum IncludeBelow {
    /// A directory that is looked into; chosen: all of it is meant.
    Enter { chosen: bool },
    /// Nothing below it matters.
    LeaveOut,
}

impl Tree {
    /// Copies what the checkout's `.worktreeinclude` and the further patterns name. In a tree that is
    /// continued, a file that is there already stays.
    pub fn include(&self, patterns: &[String]) -> Result<Included> {
        let Some(from) = self.repo.checkout() else { return Ok(Included::default()) };
        let mut done = Included::default();
        let lines = rules(from, patterns, &mut done.notes);
        if lines.is_empty() {
            return Ok(done);
        }
        let mut builder = GitignoreBuilder::new(from);
        for line in &lines {
            if let Err(error) = builder.add_line(None, line) {
                done.notes.push(format!("{FILE}: {line:?} is not a pattern: {error}"));
            }
        }
        let rules = match builder.build() {
            Ok(rules) => rules,
            Err(error) => {
                done.notes.push(format!("{FILE}: {error}"));
                return Ok(done);
            }
        };
        let git = self.repo.again()?.git;
        let anchors = lines.iter().filter_map(|line| anchor(line)).collect();
        let mut walk = IncludeWalk { git, rules, anchors, from, tree: self, looked_at: 0, done };
        walk.run()?;
        Ok(walk.done)
    }
}

fn rules(from: &Path, patterns: &[String], notes: &mut Vec<String>) -> Vec<String> {
    let path = from.join(FILE);
    let mut lines = Vec::new();
    match fs::open_foreign(&path) {
        Ok(Some(file)) => match fs::read_up_to(&file, &path, MAX_RULES_BYTES) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                lines.extend(text.lines().map(str::to_owned));
            }
            Err(error) => notes.push(error.to_string()),
        },
        Ok(None) => {}
        Err(error) => notes.push(error.to_string()),
    }
    lines.extend(patterns.iter().cloned());
    lines.retain(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
}

/// The literal beginning of a pattern that is bound to a place.
fn anchor(line: &str) -> Option<PathBuf> {
    let line = line.trim_end_matches('/');
    if line.starts_with('!') || !line.contains('/') || line.starts_with("**") {
        return None;
    }
    let literal = |part: &&str| !part.contains(['*', '?', '[', '\\']);
    let path: PathBuf = line.trim_start_matches('/').split('/').take_while(literal).collect();
    (!path.as_os_str().is_empty()).then_some(path)
}

impl IncludeWalk<'_> {
    fn run(&mut self) -> Result<()> {
        let mut walk = walk::DirWalk::below(self.from);
        // By depth: whether a rule names the directory, so that all in it is meant.
        let mut chosen = vec![false];
        while let Some(found) = walk.step(self.from) {
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    self.done.notes.push(error.to_string());
                    continue;
                }
            };
            if self.is_full() {
                return Ok(());
            }
            self.looked_at += 1;
            chosen.truncate(found.depth);
            let inherited = chosen.last().copied().unwrap_or(false);
            match self.entry(&found, inherited)? {
                IncludeBelow::Enter { chosen: this } => chosen.push(this),
                IncludeBelow::LeaveOut if found.meta.is_dir() => walk.leave_out(),
                IncludeBelow::LeaveOut => {}
            }
        }
        Ok(())
    }

    fn is_full(&mut self) -> bool {
        let full = self.done.copied.len() >= MAX_FILES
            || self.done.bytes >= MAX_BYTES
            || self.looked_at >= MAX_LOOKED_AT;
        let said = self.done.notes.last().is_some_and(|note| note.starts_with("stopped"));
        if full && !said {
            let (files, bytes) = (self.done.copied.len(), self.done.bytes);
            let note =
                format!("stopped after {files} files and {bytes} bytes: {FILE} names too much");
            self.done.notes.push(note);
        }
        full
    }

    fn entry(&mut self, found: &WalkEntry, inherited: bool) -> Result<IncludeBelow> {
        let (path, meta) = (found.path.as_path(), &found.meta);
        let matched = self.rules.matched(path, meta.is_dir());
        let chosen = !matched.is_whitelist() && (inherited || matched.is_ignore());
        if meta.is_dir() {
            // git's own, another repository, or one of our own trees, is not this checkout's.
            let foreign = path.file_name() == Some(OsStr::new(".git"))
                || fs::exists(&self.from.join(path).join(".git"));
            let leads = chosen
                || !self.git.is_path_ignored(path).unwrap_or(true)
                || self.anchors.iter().any(|a| a.starts_with(path) || path.starts_with(a));
            return Ok(if !foreign && leads {
                IncludeBelow::Enter { chosen }
            } else {
                IncludeBelow::LeaveOut
            });
        }
        let git_link = path.file_name() == Some(OsStr::new(".git"));
        if git_link || !chosen || !self.git.is_path_ignored(path).unwrap_or(false) {
            return Ok(IncludeBelow::LeaveOut);
        }
        if !meta.is_file() && !meta.is_symlink() {
            self.done.notes.push(format!("not a file: {path:?}"));
            return Ok(IncludeBelow::LeaveOut);
        }
        self.copy(path, meta.is_symlink(), meta.len())?;
        Ok(IncludeBelow::LeaveOut)
    }

    fn copy(&mut self, path: &Path, is_link: bool, bytes: u64) -> Result<()> {
        if self.is_tracked(path) {
            self.done.notes.push(format!("tracked on this branch, so not replaced: {path:?}"));
            return Ok(());
        }
        let Some(at) = self.tree.dir.at(path, true).ok().flatten() else {
            self.done.notes.push(format!("a link or a file is in the way of {path:?}"));
            return Ok(());
        };
        let to = at.path();
        match fs::look(to)? {
            Some(_) if self.tree.continued => return Ok(()),
            Some(there) if there.is_dir() => {
                self.done.notes.push(format!("a directory is in the way of {path:?}"));
                return Ok(());
            }
            Some(_) => {
                fs::unlink(to)?;
            }
            None => {}
        }
        let from = self.from.join(path);
        let copied = match is_link {
            true => fs::read_link(&from).and_then(|target| fs::symlink(&target, to)),
            false => fs::copy(&from, to).map(|_| ()),
        };
        match copied {
            Ok(()) => {
                self.done.copied.push(path.to_owned());
                self.done.bytes += if is_link { 0 } else { bytes };
                Ok(())
            }
            Err(error) if error.disk_full() => Err(error.into()),
            Err(error) => {
                self.done.notes.push(error.to_string());
                Ok(())
            }
        }
    }

    fn is_tracked(&self, path: &Path) -> bool {
        let index = self.tree.git.index();
        index.is_ok_and(|index| index.get_path(path, 0).is_some())
    }
}
