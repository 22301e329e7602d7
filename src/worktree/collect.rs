//! Making sure of what an agent left: everything that git would keep ends up in a commit with a name.
//!
//! Only called when no process of the agent is left. Order: the ties to the repository, the uncommitted
//! files, the branch. Nothing is removed; what no commit can hold is said, and holds the tree back from
//! re-use.

use git2::{Commit, ErrorCode, Oid, RepositoryState};

use super::heads::{self, Head};
use super::patience::{patiently, remove_stale_locks};
use super::scan::scan;
use super::stage::{read_index, stage};
use super::switch::{detach, refill};
use super::tree::{Left, Tree};
use super::trouble::{Result, Trouble};
use super::{make, summary};
use crate::domain::record::CommitRecord;

/// The trailer that marks our commits.
const TRAILER: &str = "Swarmdir-Task";

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
    /// From the base to the branch's commit, oldest first; a thousand at most.
    pub commits: Vec<CommitRecord>,
    /// We committed something that the agent had not.
    pub leftover: bool,
    /// There is a commit beyond the base.
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
        let place = &self.place;
        let mended = make::mend(&self.common, &place.name, &place.tree, &self.occupant.branch)?;
        let mut notes = mended.notes;
        // An agent may have changed anything, so nothing read before is trusted.
        self.git = make::open(&place.tree)?;
        if remove_stale_locks(&self.git, Some(&self.occupant.branch))? {
            notes.push("a git that was killed in the tree had left its lock".into());
        }
        let head = heads::read(&self.git);
        let own = format!("refs/heads/{}", self.occupant.branch).into_bytes();
        if head.branch.as_ref() != Some(&own) {
            notes.push(format!("the agent left the tree {}", heads::place(&head)));
        }
        if mended.emptied {
            refill(&self.git)?;
        }
        let leftover = self.commit_leftover(order, &head, &mut notes)?;
        let at = leftover.or(head.at);
        let settled = heads::settle(&self.git, &self.occupant, at, &mut notes)?;
        self.summarise(settled, leftover, notes)
    }

    fn commit_leftover(
        &mut self,
        order: &CollectOrder<'_>,
        head: &Head,
        notes: &mut Vec<String>,
    ) -> Result<Option<Oid>> {
        let (git, root) = (&self.git, &self.place.tree);
        let failed = |error| Trouble::git("commit what was left", root)(error);
        let mut index = read_index(git, notes)?;
        let conflicts = index.has_conflicts();
        let dirt = scan(git, &index, root);
        let refused = stage(git, &mut index, root, &dirt, notes)?;
        let more = !refused.is_empty() || dirt.holds_more();
        self.left = if more { Left::Something } else { Left::Nothing };
        let state = git.state();
        if state != RepositoryState::Clean {
            let what = heads::describe(state);
            let how = if conflicts { ", with its conflict markers" } else { "" };
            notes
                .push(format!("{what} was in progress; its files were committed as they are{how}"));
        }
        let parent = head.at.map(|at| git.find_commit(at)).transpose().map_err(failed)?;
        let tree = patiently("commit what was left", root, || index.write_tree())?;
        let same = match &parent {
            Some(parent) => parent.tree_id() == tree,
            None => index.is_empty(),
        };
        let mut commit = None;
        if !same {
            commit = Some(self.commit(order, parent.as_ref(), tree)?);
        }
        if !same || !dirt.is_clean() || conflicts {
            patiently("write the index", root, || index.write())?;
        }
        if state != RepositoryState::Clean {
            git.cleanup_state().map_err(failed)?;
        }
        if let Some(commit) = commit {
            self.move_head(head, commit)?;
        }
        Ok(commit)
    }

    fn commit(
        &self,
        order: &CollectOrder<'_>,
        parent: Option<&Commit<'_>>,
        tree: Oid,
    ) -> Result<Oid> {
        let git = &self.git;
        let message = message(order, &self.occupant.task);
        let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
        patiently("commit what was left", self.path(), || {
            let who = heads::signature(git)?;
            git.commit(None, &who, &who, &message, &git.find_tree(tree)?, &parents)
        })
    }

    /// HEAD follows the new commit: on our own branch with it, else on none, since a branch that is not
    /// the task's is not ours to move.
    fn move_head(&self, head: &Head, commit: Oid) -> Result<()> {
        let own = format!("refs/heads/{}", self.occupant.branch);
        if head.branch.as_deref() != Some(own.as_bytes()) {
            return detach(&self.git, commit);
        }
        let log = format!("{}: commit what was left", super::branch::mark(&self.occupant.task));
        let moved = patiently("move the task's branch", self.path(), || {
            let made = match head.at {
                Some(at) => self.git.reference_matching(&own, commit, true, at, &log),
                None => self.git.reference(&own, commit, false, &log),
            };
            match made {
                Ok(_) => Ok(true),
                Err(e) if matches!(e.code(), ErrorCode::Modified | ErrorCode::Exists) => Ok(false),
                Err(error) => Err(error),
            }
        })?;
        // Somebody moved the branch meanwhile: ours is kept beside it, see `heads::settle`.
        if moved { Ok(()) } else { detach(&self.git, commit) }
    }

    /// The commits that the branch holds beyond its base now, before anything is collected; oldest first.
    pub fn commits(&self) -> Result<Vec<CommitRecord>> {
        let failed = |error| Trouble::git("read the branch", self.path())(error);
        let base = Oid::from_str(&self.occupant.base).map_err(failed)?;
        let Some(head) = heads::read(&self.git).at else { return Ok(Vec::new()) };
        let is_ours = |commit: &Commit<'_>| bears(commit, &self.occupant.task);
        summary::commits(&self.git, base, head, is_ours).map_err(failed)
    }

    fn summarise(
        &self,
        settled: heads::Settled,
        leftover: Option<Oid>,
        mut notes: Vec<String>,
    ) -> Result<Collected> {
        let git = &self.git;
        let failed = |error| Trouble::git("read the branch", self.path())(error);
        let base = Oid::from_str(&self.occupant.base).map_err(failed)?;
        let tip = settled.tip;
        if tip != base && !git.graph_descendant_of(tip, base).unwrap_or(false) {
            notes.push(format!("the branch no longer builds on its base {base}"));
        }
        let is_ours = |commit: &Commit<'_>| {
            Some(commit.id()) == leftover || bears(commit, &self.occupant.task)
        };
        let commits = summary::commits(git, base, tip, is_ours).map_err(failed)?;
        let size = summary::size(git, base, tip).map_err(failed)?;
        Ok(Collected {
            head: tip.to_string(),
            changed: !commits.is_empty() || settled.pinned.is_some(),
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

/// One line, then the trailers.
fn message(order: &CollectOrder<'_>, task: &str) -> String {
    let plain = |text: &str| {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.trim().to_owned()
    };
    let mut text = plain(order.message_subject);
    text.push_str("\n\n");
    for (key, value) in std::iter::once(&(TRAILER, task)).chain(order.trailers) {
        text.push_str(&format!("{}: {}\n", plain(key), plain(value)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_its_trailers() {
        let order = CollectOrder { message_subject: "a\nb", trailers: &[("Agent", "x\r\ny")] };
        assert_eq!(message(&order, "T"), "a b\n\nSwarmdir-Task: T\nAgent: x  y\n");
    }
}
