//! The record of a salvage: one commit under `refs/swarmdir/salvage/` whose parents are what was saved.
//!
//! A salvage is one ref, so it is there or it is not. Its tree holds `salvage.json` (where everything was, and
//! which parent is what) and `admin/`, git's own small files of the tree: what a rebase still had to do, the log
//! of HEAD. Read by [`list`] and by people (`git show REF:salvage.json`).

use std::path::Path;

use git2::{Commit, Index, IndexEntry, IndexTime, Oid, Repository};
use serde::{Deserialize, Serialize};

use crate::git::durable::make_commits_durable;
use crate::git::error::{GitError, GitResult, Result};
use crate::git::head;
use crate::git::patience::patiently;
use crate::sys::{clock, random};

/// All salvages are below it.
pub(crate) const PREFIX: &str = "refs/swarmdir/salvage/";
const RECORD: &str = "salvage.json";

/// What was saved, and where it had been.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Salvage {
    /// 1.
    pub schema: u32,
    /// Whose it was: a task, or the tree's own name where no task lived in it.
    pub owner: String,
    /// The queue of that task; empty: not known.
    #[serde(default)]
    pub queue: String,
    /// The branch that HEAD was on, or that was removed.
    pub branch: Option<String>,
    /// Where the task began, hex digits.
    #[serde(default)]
    pub base: Option<String>,
    /// The directory that the tree was; `None` for a branch.
    pub path: Option<String>,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Why it was removed.
    pub why: String,
    /// HEAD, or the branch's tip.
    pub head: Option<String>,
    /// A commit of what was staged, where that differed from HEAD.
    pub index: Option<String>,
    /// A commit of all files, untracked ones too, where they differed from HEAD.
    pub files: Option<String>,
    /// The sides of a merge that was not resolved: directories `1` (base), `2` (ours), `3` (theirs).
    #[serde(default)]
    pub conflicts: Option<String>,
    /// Further commits that nothing else reached: amended, reset away, set aside by a rebase.
    #[serde(default)]
    pub others: Vec<String>,
    /// The files were gone already.
    #[serde(default)]
    pub missing: bool,
}

impl Salvage {
    /// The commit whose files are what the tree held.
    pub fn tip(&self) -> Option<&str> {
        let staged = self.index.as_deref().filter(|_| self.missing);
        self.files.as_deref().or(staged).or(self.head.as_deref())
    }
}

/// A salvage that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundSalvage {
    /// The ref.
    pub name: String,
    /// Its record.
    pub salvage: Salvage,
}

/// Git's own small files, by path.
pub(crate) type AdminFiles = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn write(
    git: &Repository,
    common: &Path,
    salvage: &Salvage,
    papers: &AdminFiles,
) -> Result<String> {
    let doing = "save what is about to be removed";
    let failed = |error| GitError::git(doing, common)(error);
    let stamp = clock::stamp(clock::now());
    let name = format!("{PREFIX}{}/{stamp}-{}", salvage.owner, random::tail());
    let mut parents: Vec<Oid> = Vec::new();
    let named = [&salvage.head, &salvage.index, &salvage.files, &salvage.conflicts];
    for hex in named.into_iter().flatten().chain(&salvage.others) {
        let oid = Oid::from_str(hex).map_err(failed)?;
        if !parents.contains(&oid) {
            parents.push(oid);
        }
    }
    let json = serde_json::to_vec_pretty(salvage).expect("a record is plain data");
    let commit = patiently(doing, common, || {
        let mut index = Index::new()?;
        index.add(&entry(RECORD.as_bytes(), git.blob(&json)?, FILE))?;
        for (path, bytes) in papers {
            let path = [b"admin/", path.as_slice()].concat();
            index.add(&entry(&path, git.blob(bytes)?, FILE))?;
        }
        let tree = git.find_tree(index.write_tree_to(git)?)?;
        let commits: Vec<Commit<'_>> = parents
            .iter()
            .map(|oid| git.find_commit(*oid))
            .collect::<std::result::Result<_, _>>()?;
        let commits: Vec<&Commit<'_>> = commits.iter().collect();
        let who = head::signature(git)?;
        let message = format!("swarmdir: salvage of {}\n\n{}\n", salvage.owner, salvage.why);
        git.commit(None, &who, &who, &message, &tree, &commits)
    })?;
    let fresh = unreached(git, &[&[commit], parents.as_slice()].concat(), None).map_err(failed)?;
    patiently(doing, common, || {
        git.reference(&name, commit, false, "swarmdir: salvage").map(drop)
    })?;
    make_commits_durable(git, common, &fresh, &name)?;
    Ok(name)
}

/// A commit for a tree, beside its record; not on any branch.
pub(crate) fn commit_tree(
    git: &Repository,
    what: &str,
    tree: Oid,
    parent: Option<Oid>,
) -> GitResult<Oid> {
    let who = head::signature(git)?;
    let parent = parent.map(|oid| git.find_commit(oid)).transpose()?;
    let parents: Vec<&Commit<'_>> = parent.iter().collect();
    git.commit(None, &who, &who, &format!("{what}\n"), &git.find_tree(tree)?, &parents)
}

pub(crate) const FILE: u32 = 0o100_644;

/// An index entry by its path, object and mode alone.
pub(crate) fn entry(path: &[u8], id: Oid, mode: u32) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.to_vec(),
    }
}

/// Commits reached from `tips` and from no ref, children before parents. `except` does not count as one, nor do
/// salvages: what one of them happens to reach must be found under the name of its own task, too.
pub(crate) fn unreached(
    git: &Repository,
    tips: &[Oid],
    except: Option<&str>,
) -> GitResult<Vec<Oid>> {
    let mut walk = git.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
    for tip in tips {
        walk.push(*tip)?;
    }
    for reference in git.references()? {
        let reference = reference?;
        let name = reference.name_bytes();
        if name == except.unwrap_or_default().as_bytes() || name.starts_with(PREFIX.as_bytes()) {
            continue;
        }
        // A ref to a blob or a tree, or a broken one, reaches no commit.
        if let Ok(commit) = reference.peel_to_commit() {
            walk.hide(commit.id())?;
        }
    }
    walk.collect()
}

/// Those of `commits` that are no ancestor of another of them: whoever keeps these keeps all. What is not reached
/// must be complete, as [`unreached`] gives it.
pub(crate) fn tips_of(git: &Repository, commits: &[Oid]) -> GitResult<Vec<Oid>> {
    let mut parents = std::collections::HashSet::new();
    for oid in commits {
        parents.extend(git.find_commit(*oid)?.parent_ids());
    }
    Ok(commits.iter().copied().filter(|oid| !parents.contains(oid)).collect())
}

/// All salvages, oldest first. One that says nothing of itself has its ref's name for an owner.
pub(crate) fn list(git: &Repository, common: &Path) -> Result<Vec<FoundSalvage>> {
    let failed = |error| GitError::git("list what was salvaged", common)(error);
    let mut found = Vec::new();
    for reference in git.references_glob(&format!("{PREFIX}*")).map_err(failed)? {
        let reference = reference.map_err(failed)?;
        let Ok(commit) = reference.peel_to_commit() else { continue };
        let Ok(name) = reference.name().map(str::to_owned) else { continue };
        let salvage = read(git, &commit).unwrap_or_else(|| Salvage {
            schema: 1,
            owner: name[PREFIX.len()..].to_owned(),
            at_ms: u64::try_from(commit.time().seconds()).unwrap_or(0) * 1000,
            why: "a free tree held changes that nobody had committed".into(),
            head: commit.parent_id(0).ok().map(|oid| oid.to_string()),
            files: Some(commit.id().to_string()),
            ..Salvage::default()
        });
        found.push(FoundSalvage { name, salvage });
    }
    found.sort_by(|a, b| (a.salvage.at_ms, &a.name).cmp(&(b.salvage.at_ms, &b.name)));
    Ok(found)
}

fn read(git: &Repository, commit: &Commit<'_>) -> Option<Salvage> {
    let tree = commit.tree().ok()?;
    let blob = git.find_blob(tree.get_name(RECORD)?.id()).ok()?;
    serde_json::from_slice(blob.content()).ok()
}
