//! What there is of ours in a repository: trees with their sizes, branches with their tasks. Looks only.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{BranchType, Oid};

use super::holder::{Holder, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::make;
use super::order::{RemovalRefusal, Removed};
use super::pool::TreePool;
use crate::git::command::printed;
use crate::git::compare::{Proof, TargetChanges, on_target};
use crate::git::error::{GitError, Result};
use crate::git::refs;
use crate::git::refs::branch_tip;
use crate::sys::{fs, lock::Lock, process, walk::DirWalk};

/// One tree.
#[derive(Clone, Debug)]
pub struct ListedTree {
    /// Its number.
    pub number: u32,
    /// Its directory.
    pub path: PathBuf,
    /// Who lives in it.
    pub holder: Option<Holder>,
    /// A process works in it.
    pub busy: bool,
    /// What it takes, without what git ignores; bytes on disk.
    pub bytes: u64,
    /// What git ignores in it.
    pub ignored_bytes: u64,
    /// It was last entered or left then, milliseconds since 1970.
    pub used_ms: u64,
}

/// One branch that we made, or that is called like one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OurBranch {
    /// Its name.
    pub name: String,
    /// The task, where the branch's log still says it.
    pub task: Option<String>,
    /// The time of its last commit, milliseconds since 1970.
    pub commit_ms: u64,
}

impl TreePool {
    /// Every tree of this host, with sizes. `settled`: whether the task that lives in one is over; others are not
    /// even tried for, because a lock on them would turn their own task away.
    pub fn standing(&self, settled: &dyn Fn(&Holder) -> bool) -> Result<Vec<ListedTree>> {
        let mut all = Vec::new();
        for number in self.places.numbers()? {
            let path = self.places.path(number, "");
            if !self.places.is_used(number) {
                continue;
            }
            let holder = self.places.holder(number)?;
            let lock = self.places.path(number, ".lock");
            let meta = fs::look(&lock)?;
            let free = holder.as_ref().is_none_or(settled);
            let busy = free && meta.is_some() && Lock::try_take(&lock)?.is_none();
            let used_ms = meta.map_or(0, |meta| fs::mtime_ns(&meta) / 1_000_000);
            let ours = matches!(identity::check(&path)?, TreeIdentity::Ours(_));
            let all_bytes = if ours { size(&path) } else { 0 };
            let ignored = self.ignored_in(&path).unwrap_or_default();
            let ignored: u64 = ignored.iter().map(|below| size(&path.join(below))).sum();
            all.push(ListedTree {
                number,
                bytes: all_bytes.saturating_sub(ignored),
                ignored_bytes: ignored,
                path,
                holder,
                busy,
                used_ms: u64::try_from(used_ms).unwrap_or(0),
            });
        }
        Ok(all)
    }

    /// Removes what git ignores in a free tree: what a build can make again.
    pub fn remove_ignored(&self, number: u32) -> Result<Removed> {
        let Some(place) = self.places.take(number, "clearing it")? else {
            return Ok(Removed::No(RemovalRefusal::Busy {
                holder: self.places.holder_token(number),
            }));
        };
        if let Some(refusal) = self.not_clearable(&place)? {
            return Ok(Removed::No(refusal));
        }
        let TreeIdentity::Ours(dir) = identity::check(&place.tree)? else {
            return Ok(Removed::No(RemovalRefusal::Changed));
        };
        for path in self.ignored_in(&place.tree)? {
            let Some(at) = dir.at(&path, false).ok().flatten() else { continue };
            if fs::look(at.path())?.is_some_and(|meta| meta.is_dir()) {
                fs::remove_tree(at.path())?;
            } else {
                fs::unlink(at.path())?;
            }
        }
        Ok(Removed::Yes { proof: Proof::Ancestry, salvage: None })
    }

    fn not_clearable(&self, place: &TreeSlot) -> Result<Option<RemovalRefusal>> {
        if let Some(holder) = place.holder()? {
            return Ok(Some(RemovalRefusal::Occupied { task: holder.task }));
        }
        let processes = process::standing_in(&place.tree);
        Ok((!processes.is_empty()).then_some(RemovalRefusal::InUse { processes }))
    }

    /// Branches that our mark is on, and those called `swarm/…`.
    pub fn our_branches(&self) -> Result<Vec<OurBranch>> {
        let git = &self.repo.git;
        let failed = |error| GitError::git("list the branches", &self.repo.root)(error);
        let mut found = Vec::new();
        for branch in git.branches(Some(BranchType::Local)).map_err(failed)? {
            let (branch, _) = branch.map_err(failed)?;
            // A name that is not UTF-8 is none of ours.
            let Ok(Some(name)) = branch.name().map(|name| name.map(str::to_owned)) else {
                continue;
            };
            let task = self.marked_by(&name);
            if task.is_none() && !name.starts_with("swarm/") {
                continue;
            }
            let Ok(commit) = branch.get().peel_to_commit() else { continue };
            let commit_ms = u64::try_from(commit.time().seconds()).unwrap_or(0) * 1000;
            found.push(OurBranch { name, task, commit_ms });
        }
        Ok(found)
    }

    /// The task that made a branch, as its log says.
    fn marked_by(&self, name: &str) -> Option<String> {
        let log = fs::read_if_any(&self.repo.common.join("logs/refs/heads").join(name)).ok()??;
        let text = String::from_utf8_lossy(&log).into_owned();
        let word = |line: &str| {
            let (_, message) = line.split_once('\t')?;
            let rest = message.strip_prefix("swarmdir: ")?;
            Some(rest.split(':').next()?.trim().to_owned())
        };
        text.lines().find_map(word)
    }

    /// The commit of a branch, hex digits; without a name of the one that is checked out.
    pub fn tip(&self, name: Option<&str>) -> Option<String> {
        let git = &self.repo.git;
        let tip = match name {
            Some(name) => branch_tip(git, name),
            None => git.head().ok()?.peel_to_commit().ok().map(|commit| commit.id()),
        };
        tip.map(|oid| oid.to_string())
    }

    /// Whether a branch's work is on one of these commits.
    pub fn merged(
        &self,
        branch: &str,
        targets: &[String],
        changes: &mut TargetChanges,
    ) -> Result<Option<Proof>> {
        let targets: Vec<Oid> = targets.iter().filter_map(|hex| Oid::from_str(hex).ok()).collect();
        let git = &self.repo.git;
        let Some(tip) = branch_tip(git, branch) else { return Ok(None) };
        let found = on_target(git, tip, &targets, changes);
        found.map_err(GitError::git("compare a branch", &self.repo.root))
    }

    /// Where a branch is checked out.
    pub fn checked_out(&self, branch: &str) -> Option<PathBuf> {
        make::checked_out_at(&self.repo.common, branch, Path::new(""))
    }

    /// Removes a salvage, for good.
    pub fn remove_salvage(&self, name: &str) -> Result<()> {
        // It is gone, or somebody put another one in its place, which is not asked for.
        refs::delete("remove a salvage", &self.repo.common, name, None).map(drop)
    }
}

impl TreePool {
    /// What git ignores in a tree, without what holds a repository of its own. Of a directory that is ignored as a
    /// whole only its name. Nothing where there is no tree of ours.
    fn ignored_in(&self, tree: &Path) -> Result<Vec<PathBuf>> {
        let TreeIdentity::Ours(dir) = identity::check(tree)? else { return Ok(Vec::new()) };
        let Some(admin) = make::tied(&self.repo.common, tree, &dir.path()) else {
            return Ok(Vec::new());
        };
        let git = self.settings()?.git(&make::open(&admin)?, &dir);
        let args = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
        let listed = git.offline().run("list what is ignored", &args, b"")?;
        let paths = printed(&listed)
            .map(|path| PathBuf::from(OsStr::from_bytes(path.strip_suffix(b"/").unwrap_or(path))));
        Ok(paths.filter(|path| !holds_repository(&dir.path().join(path))).collect())
    }
}

fn holds_repository(dir: &Path) -> bool {
    let mut walk = DirWalk::below(dir);
    while let Some(found) = walk.step(dir) {
        // What cannot be looked into may hold one.
        if found.is_err() || found.is_ok_and(|f| f.path.file_name().is_some_and(|n| n == ".git")) {
            return fs::is_dir(dir);
        }
    }
    false
}

/// Bytes on disk of a file, or of a directory with all it holds.
pub fn size(path: &Path) -> u64 {
    let own = fs::look(path).ok().flatten();
    let mut bytes = own.as_ref().map_or(0, |meta| meta.blocks() * 512);
    if own.is_some_and(|meta| meta.is_dir()) {
        let mut walk = DirWalk::below(path);
        while let Some(found) = walk.step(path) {
            bytes += found.map_or(0, |found| found.meta.blocks() * 512);
        }
    }
    bytes
}
