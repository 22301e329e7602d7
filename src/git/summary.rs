//! What an attempt's branch holds beyond its base: commits and the size of the change. Read only.

use git2::{Commit, DiffOptions, Oid, Repository, Sort};

use crate::domain::task::record::CommitRecord;

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
) -> std::result::Result<Vec<CommitRecord>, git2::Error> {
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
pub(crate) fn range(
    git: &Repository,
    base: Oid,
    head: Oid,
) -> std::result::Result<Vec<Oid>, git2::Error> {
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
pub(crate) fn size(
    git: &Repository,
    base: Oid,
    head: Oid,
) -> std::result::Result<DiffSize, git2::Error> {
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
