//! Making sure of what an agent left: everything that git would keep ends up in a commit with a name, and that on disk.
//!
//! Only called when no process of the agent is left. In this order: the ties to the repository, the uncommitted
//! files, the branch. Nothing is removed; what no commit can hold is said, and holds the tree back from
//! re-use.

use std::collections::BTreeSet;

use git2::{Commit, Oid};

use super::fill::fill_empty;
use super::heads::{self, Aside};
use super::identity::{self, TreeIdentity};
use super::tree::{Tree, Uncommitted};
use super::{branch, make};
use crate::domain::task::record::CommitRecord;
use crate::git::compare::{self, range};
use crate::git::durable::{added_by, sync_all};
use crate::git::error::{GitError, Result};
use crate::git::head;
use crate::git::patience::{lasting_shared_locks, remove_stale_locks};

/// The trailer that marks our commits.
pub(super) const TRAILER: &str = "Swarmdir-Task";

/// How to word the commit of what was left.
#[derive(Clone, Debug)]
pub struct CollectOrder<'a> {
    /// Its first line.
    pub message_subject: &'a str,
    /// Further trailers; `Swarmdir-Task` is added by itself.
    pub trailers: &'a [(&'a str, &'a str)],
}

impl<'a> CollectOrder<'a> {
    /// Without further trailers.
    pub fn plain(message_subject: &'a str) -> CollectOrder<'a> {
        CollectOrder { message_subject, trailers: &[] }
    }
}

/// What the branch holds now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Collected {
    /// The branch's commit, hex digits.
    pub head: String,
    /// A commit that the branch does not reach but that is kept; see the notes.
    pub pinned: Option<String>,
    /// Further refs of ours that keep commits which the agent made and left, with those commits.
    pub kept: Vec<(String, String)>,
    /// From the base to the branch's commit, oldest first; a thousand at most.
    pub commits: Vec<CommitRecord>,
    /// We committed something that the agent had not.
    pub leftover: bool,
    /// There is a commit beyond the base, or beside the branch, or work that no commit holds.
    pub changed: bool,
    /// Files that differ between base and branch.
    pub files_changed: usize,
    /// Lines added.
    pub insertions: usize,
    /// Lines removed.
    pub deletions: usize,
    /// What people should know.
    pub notes: Vec<String>,
}

impl Tree {
    /// Commits what is uncommitted, on top of wherever HEAD is, and brings the branch there.
    pub fn collect(&mut self, order: &CollectOrder<'_>) -> Result<Collected> {
        let mut notes = Vec::new();
        for change in self.settings.look_again()? {
            notes.push(format!("git's configuration changed during this attempt: {change}"));
        }
        let since = self.holder.since_ms;
        for lock in lasting_shared_locks(&self.repo.common, since)? {
            notes.push(format!(
                "a git that was killed, or that still runs, has locked the repository: {lock:?}; if no git runs there, remove it"
            ));
        }
        match identity::check(&self.place.tree)? {
            TreeIdentity::Ours(_) => {}
            TreeIdentity::Gone => {
                notes.push("the tree's files were gone, and uncommitted work with them".into());
                self.left = Uncommitted::Gone;
                return self.settle_commits(None, notes);
            }
            TreeIdentity::Other(what) => return self.replaced(&what, notes),
        }
        let head = branch::tip_or_base(&self.repo, &self.holder)?;
        let name = self.place.admin_name();
        let mended = make::mend(&self.repo, &name, &self.place.tree, &self.dir, head)?;
        notes.extend(mended.notes);
        // An agent may have changed anything, so nothing read before is trusted.
        self.git = mended.git;
        if remove_stale_locks(&self.git, Some(&self.holder.branch))? {
            notes.push("a git that was killed in the tree had left its lock".into());
        }
        let head = head::read(&self.git);
        let own = format!("refs/heads/{}", self.holder.branch).into_bytes();
        if head.branch.as_ref() != Some(&own) {
            notes.push(format!("the agent left the tree {}", head::place(&head)));
        }
        if mended.emptied {
            fill_empty(
                &self.command(),
                head.at.unwrap_or(branch::tip_or_base(&self.repo, &self.holder)?),
            )?;
        }
        let leftover = self.commit_leftover(order, &head, &mut notes)?;
        if let TreeIdentity::Other(what) = identity::check(&self.place.tree)? {
            return self.replaced(&what, notes);
        }
        self.settle_commits(leftover, notes)
    }

    /// Something else stands in the tree's place: only what git has already is collected.
    fn replaced(&mut self, what: &str, mut notes: Vec<String>) -> Result<Collected> {
        notes.push(self.place.replaced(what));
        if let Some(place) = self.dir.place() {
            notes.push(format!("the tree itself, with uncommitted work, is at {place:?} now"));
        }
        self.left = Uncommitted::Something;
        self.settle_commits(None, notes)
    }

    fn settle_commits(
        &mut self,
        leftover: Option<Oid>,
        mut notes: Vec<String>,
    ) -> Result<Collected> {
        let head = leftover.or(head::read(&self.git).at);
        let settled = heads::settle(&self.git, &self.holder, head, &mut notes)?;
        let aside = heads::keep(&self.git, &self.holder, settled.tip, &mut notes)?;
        self.summarise(settled, aside, leftover, notes)
    }

    /// The commits that the branch holds beyond its base now, before anything is collected; oldest first.
    pub fn commits(&self) -> Result<Vec<CommitRecord>> {
        let failed = |error| GitError::git("read the branch", self.path())(error);
        let base = Oid::from_str(&self.holder.base).map_err(failed)?;
        let Some(head) = head::read(&self.git).at else { return Ok(Vec::new()) };
        let is_ours = |commit: &Commit<'_>| bears(commit, &self.holder.task);
        compare::commits(&self.git, base, head, is_ours).map_err(failed)
    }

    fn summarise(
        &self,
        settled: heads::BranchTip,
        aside: Aside,
        leftover: Option<Oid>,
        mut notes: Vec<String>,
    ) -> Result<Collected> {
        let git = &self.git;
        let failed = |error| GitError::git("read the branch", self.path())(error);
        let base = Oid::from_str(&self.holder.base).map_err(failed)?;
        let tip = settled.tip;
        if tip != base && !git.graph_descendant_of(tip, base).unwrap_or(false) {
            notes.push(format!("the branch no longer builds on its base {base}"));
        }
        let is_ours =
            |commit: &Commit<'_>| Some(commit.id()) == leftover || bears(commit, &self.holder.task);
        let commits = compare::commits(git, base, tip, is_ours).map_err(failed)?;
        let size = compare::size(git, base, tip).map_err(failed)?;
        Ok(Collected {
            head: tip.to_string(),
            // What no commit holds is a change all the same.
            changed: !commits.is_empty()
                || settled.pinned.is_some()
                || aside.any
                || self.left == Uncommitted::Something,
            kept: aside.kept,
            pinned: settled.pinned.map(|oid| oid.to_string()),
            commits,
            leftover: leftover.is_some(),
            files_changed: size.files,
            insertions: size.insertions,
            deletions: size.deletions,
            notes,
        })
    }
}

/// Whether we made the commit, for this task.
fn bears(commit: &Commit<'_>, task: &str) -> bool {
    let line = format!("{TRAILER}: {task}");
    String::from_utf8_lossy(commit.message_bytes()).lines().any(|text| text == line)
}

/// A pack's time stamp may be of another clock than ours by so much, milliseconds.
const CLOCK_SLACK_MS: u64 = 300_000;

impl Tree {
    /// Syncs what the collected commits added, and the names that lead to them.
    pub fn make_durable(&self, collected: &Collected) -> Result<()> {
        let failed = |error| GitError::git("list the new objects", self.path())(error);
        let base = Oid::from_str(self.base()).map_err(failed)?;
        let mut objects = BTreeSet::new();
        let pinned = collected.pinned.iter().chain(collected.kept.iter().map(|(_, commit)| commit));
        for head in std::iter::once(&collected.head).chain(pinned) {
            let head = Oid::from_str(head).map_err(failed)?;
            for commit in range(&self.git, base, head).map_err(failed)? {
                added_by(&self.git, commit, &mut objects).map_err(failed)?;
            }
        }
        let mut names = vec![format!("refs/heads/{}", self.branch())];
        if collected.pinned.is_some() {
            names.push(format!("refs/swarmdir/{}/{}", self.holder.task, self.holder.token));
        }
        names.extend(collected.kept.iter().map(|(name, _)| name.clone()));
        let since = self.holder.since_ms.saturating_sub(CLOCK_SLACK_MS);
        sync_all(&self.repo.common, &objects, since, &names)
    }
}
