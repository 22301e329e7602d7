//! What a branch holds beyond another commit: its commits, the size of the change, and whether a target has its work already.
//!
//! That is so by ancestry, or as the same change in other commits: a squash merge is one commit whose change is the whole
//! branch's; a rebase (or a cherry-pick) is the same change commit by commit. Both are told by patch-ids. Read only.

use std::collections::{HashMap, HashSet};

use git2::{Commit, DiffOptions, Oid, Repository, Sort};

use super::error::GitResult;
use crate::domain::task::record::CommitRecord;

/// Commits of a target that are compared with a branch, at most.
const COMPARED: usize = 5_000;

/// How one knows that nothing of the work would be missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// The target, or another ref, reaches every commit.
    Ancestry,
    /// The target holds the same change: merged by squash, rebased or picked.
    PatchId,
    /// It is kept as a salvage.
    Salvaged,
}

/// What each commit of a target changed, for the next branch that is compared with it.
#[derive(Debug, Default)]
pub struct TargetChanges(HashMap<Oid, Option<String>>);

impl TargetChanges {
    fn of(&mut self, git: &Repository, oid: Oid) -> GitResult<Option<String>> {
        if let Some(known) = self.0.get(&oid) {
            return Ok(known.clone());
        }
        let parent = git.find_commit(oid)?.parent_id(0).ok();
        let change = change(git, parent, oid)?;
        self.0.insert(oid, change.clone());
        Ok(change)
    }
}

/// Looks for the work of `tip` on the targets.
pub(crate) fn on_target(
    git: &Repository,
    tip: Oid,
    targets: &[Oid],
    changes: &mut TargetChanges,
) -> GitResult<Option<Proof>> {
    for target in targets {
        if *target == tip || git.graph_descendant_of(*target, tip)? {
            return Ok(Some(Proof::Ancestry));
        }
    }
    for target in targets {
        // Unrelated histories have no base, and nothing in common.
        let Ok(base) = git.merge_base(*target, tip) else { continue };
        if has_the_change(git, base, tip, *target, changes)? {
            return Ok(Some(Proof::PatchId));
        }
    }
    Ok(None)
}

fn has_the_change(
    git: &Repository,
    base: Oid,
    tip: Oid,
    target: Oid,
    changes: &mut TargetChanges,
) -> GitResult<bool> {
    let mut there = HashSet::new();
    for oid in range(git, base, target)?.into_iter().rev().take(COMPARED) {
        there.extend(changes.of(git, oid)?);
    }
    // Nothing differs between the two ends: there is nothing that a merge could have brought.
    if change(git, Some(base), tip)?.is_some_and(|whole| there.contains(&whole)) {
        return Ok(true);
    }
    let own = range(git, base, tip)?;
    for oid in &own {
        let parents = git.find_commit(*oid)?.parent_count();
        let one = change(git, git.find_commit(*oid)?.parent_id(0).ok(), *oid)?;
        if parents > 1 || one.is_some_and(|one| !there.contains(&one)) {
            return Ok(false);
        }
    }
    Ok(!own.is_empty())
}

/// What tells a change from others; `None` for none. A patch-id does not see into binary files, so what those
/// became is part of it.
fn change(git: &Repository, from: Option<Oid>, to: Oid) -> GitResult<Option<String>> {
    let before = from.map(|oid| git.find_commit(oid)?.tree()).transpose()?;
    let after = git.find_commit(to)?.tree()?;
    let mut options = DiffOptions::new();
    options.context_lines(3);
    let diff = git.diff_tree_to_tree(before.as_ref(), Some(&after), Some(&mut options))?;
    if diff.deltas().len() == 0 {
        return Ok(None);
    }
    let mut id = diff.patchid(None)?.to_string();
    for delta in diff.deltas() {
        let (old, new) = (delta.old_file(), delta.new_file());
        let binary = delta.flags().is_binary();
        let modes = (u32::from(old.mode()), u32::from(new.mode()));
        id.push_str(&format!(";{:o}>{:o}", modes.0, modes.1));
        if binary {
            let path = new.path_bytes().unwrap_or_default();
            id.push_str(&format!(";{}={}", String::from_utf8_lossy(path), new.id()));
        }
    }
    Ok(Some(id))
}

/// More commits than these are counted, not listed.
const LISTED: usize = 1_000;

/// Files above this size are not compared line by line, bytes.
const COMPARED_BYTES: i64 = 2 << 20;

/// The commits that `head` has and `base` has not, oldest first, at most [`LISTED`] of them.
pub(crate) fn commits(
    git: &Repository,
    base: Oid,
    head: Oid,
    is_ours: impl Fn(&Commit<'_>) -> bool,
) -> GitResult<Vec<CommitRecord>> {
    let mut records = Vec::new();
    for oid in range(git, base, head)?.into_iter().take(LISTED) {
        let commit = git.find_commit(oid)?;
        let message = String::from_utf8_lossy(commit.message_bytes());
        let subject = message.lines().next().unwrap_or_default().to_owned();
        records.push(CommitRecord { id: oid.to_string(), subject, leftover: is_ours(&commit) });
    }
    Ok(records)
}

/// The ids of these commits, oldest first.
pub(crate) fn range(git: &Repository, base: Oid, head: Oid) -> GitResult<Vec<Oid>> {
    if base == head {
        return Ok(Vec::new());
    }
    let mut walk = git.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE)?;
    walk.push(head)?;
    walk.hide(base)?;
    walk.collect()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct DiffSize {
    pub(crate) files: usize,
    pub(crate) insertions: usize,
    pub(crate) deletions: usize,
}

/// How much lies between the two commits.
pub(crate) fn size(git: &Repository, base: Oid, head: Oid) -> GitResult<DiffSize> {
    let (from, to) = (git.find_commit(base)?.tree()?, git.find_commit(head)?.tree()?);
    if from.id() == to.id() {
        return Ok(DiffSize::default());
    }
    let mut options = DiffOptions::new();
    options.context_lines(0).max_size(COMPARED_BYTES);
    let diff = git.diff_tree_to_tree(Some(&from), Some(&to), Some(&mut options))?;
    let stats = diff.stats()?;
    Ok(DiffSize {
        files: stats.files_changed(),
        insertions: stats.insertions(),
        deletions: stats.deletions(),
    })
}
