//! Making sure of what an agent left: everything that git would keep ends up in a commit with a name.
//!
//! Only called when no process of the agent is left. Order: the ties to the repository, the uncommitted
//! files, the branch. Nothing is removed; what no commit can hold is said, and holds the tree back from
//! re-use.

use git2::{Commit, ErrorCode, Oid, RepositoryState};

use super::aside::{self, Aside};
use super::fill::{detach, fill_empty};
use super::filters::{self, Question};
use super::forest::{admin_name, replaced};
use super::free::with_files;
use super::git::Git;
use super::heads::{self, Head};
use super::identity::{self, Identity};
use super::patience::{lasting_shared_locks, patiently, remove_stale_locks};
use super::stage::{read_index, stage, tell};
use super::survey::{Survey, survey};
use super::tree::{Left, Tree};
use super::trouble::{Result, Trouble};
use super::{make, summary};
use crate::domain::record::CommitRecord;

/// A commit, with what signs it, may take so long, milliseconds.
const COMMIT_MS: u64 = 60_000;

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
    /// Further refs of ours that keep commits which the agent made and left, with those commits.
    pub kept: Vec<(String, String)>,
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
        let mut notes = Vec::new();
        for change in self.settings.look_again()? {
            notes.push(format!("git's configuration changed during this attempt: {change}"));
        }
        let since = self.occupant.since_ms;
        for lock in lasting_shared_locks(&self.repo.common, since)? {
            notes.push(format!(
                "a git that was killed, or that still runs, has locked the repository: {lock:?}; if no git runs there, remove it"
            ));
        }
        match identity::check(&self.place.tree)? {
            Identity::Ours(_) => {}
            Identity::Gone => {
                notes.push("the tree's files were gone, and uncommitted work with them".into());
                self.left = Left::Gone;
                return self.settle_commits(None, notes);
            }
            Identity::Other(what) => return self.replaced(&what, notes),
        }
        let head = self.repo.tip_or_base(&self.occupant)?;
        let name = admin_name(&self.place);
        let mended = make::mend(&self.repo, &name, &self.place.tree, &self.dir, head)?;
        notes.extend(mended.notes);
        // An agent may have changed anything, so nothing read before is trusted.
        self.git = mended.git;
        if remove_stale_locks(&self.git, Some(&self.occupant.branch))? {
            notes.push("a git that was killed in the tree had left its lock".into());
        }
        let head = heads::read(&self.git);
        let own = format!("refs/heads/{}", self.occupant.branch).into_bytes();
        if head.branch.as_ref() != Some(&own) {
            notes.push(format!("the agent left the tree {}", heads::place(&head)));
        }
        if mended.emptied {
            fill_empty(&self.command(), head.at.unwrap_or(self.repo.tip_or_base(&self.occupant)?))?;
        }
        let leftover = self.commit_leftover(order, &head, &mut notes)?;
        if let Identity::Other(what) = identity::check(&self.place.tree)? {
            return self.replaced(&what, notes);
        }
        self.settle_commits(leftover, notes)
    }

    /// Something else stands in the tree's place: only what git has already is collected.
    fn replaced(&mut self, what: &str, mut notes: Vec<String>) -> Result<Collected> {
        notes.push(replaced(&self.place, what));
        if let Some(place) = self.dir.place() {
            notes.push(format!("the tree itself, with uncommitted work, is at {place:?} now"));
        }
        self.left = Left::Something;
        self.settle_commits(None, notes)
    }

    fn settle_commits(
        &mut self,
        leftover: Option<Oid>,
        mut notes: Vec<String>,
    ) -> Result<Collected> {
        let head = leftover.or(heads::read(&self.git).at);
        let settled = heads::settle(&self.git, &self.occupant, head, &mut notes)?;
        let aside = aside::keep(&self.git, &self.occupant, settled.tip, &mut notes)?;
        self.summarise(settled, aside, leftover, notes)
    }

    fn commit_leftover(
        &mut self,
        order: &CollectOrder<'_>,
        head: &Head,
        notes: &mut Vec<String>,
    ) -> Result<Option<Oid>> {
        let (git, admin) = (&self.git, self.git.path().to_owned());
        let failed = |error| Trouble::git("commit what was left", &self.place.tree)(error);
        let command = self.command();
        let index = read_index(&command, &admin.join("index"), notes)?;
        let survey = survey(&with_files(&admin, &self.dir)?, &admin, &index, &self.dir);
        drop(index);
        let state = git.state();
        if state != RepositoryState::Clean {
            let what = heads::describe(state);
            let how = if survey.conflicts { ", with its conflict markers" } else { "" };
            notes
                .push(format!("{what} was in progress; its files were committed as they are{how}"));
        }
        let withheld = self.question(&command, &survey, head)?.withheld(notes)?;
        let parent = head.at.map(|at| git.find_commit(at)).transpose().map_err(failed)?;
        let before = parent.as_ref().map(Commit::tree).transpose().map_err(failed)?;
        let (tree, refused) = stage(&command, before.as_ref(), &survey, &withheld, notes)?;
        tell(&survey, notes);
        let more = !refused.is_empty() || !withheld.is_empty() || survey.holds_more();
        let same = match &before {
            Some(before) => before.id() == tree,
            None => git.find_tree(tree).is_ok_and(|tree| tree.is_empty()),
        };
        let mut commit = None;
        if !same {
            let made = self.commit(order, head.at, tree, notes)?;
            self.tell_filters(&command, &survey, before.as_ref(), tree, notes)?;
            commit = Some(made);
        }
        if state != RepositoryState::Clean {
            git.cleanup_state().map_err(failed)?;
        }
        if let Some(commit) = commit {
            self.move_head(head, commit)?;
        }
        self.left = match more {
            true => Left::Something,
            false => Left::Nothing { special: survey.special, empty: survey.empty },
        };
        Ok(commit)
    }

    fn question<'a>(
        &'a self,
        git: &'a Git,
        survey: &'a Survey,
        head: &Head,
    ) -> Result<Question<'a>> {
        let base = Oid::from_str(&self.occupant.base);
        Ok(Question {
            git,
            repo: &self.git,
            files: &self.dir,
            survey,
            overrides: &self.settings.overrides,
            base: base.map_err(Trouble::git("read the base", self.path()))?,
            head: head.at,
            shared_changed: self.settings.attributes_changed()?,
        })
    }

    /// Says where a filter that nobody configured was not run.
    fn tell_filters(
        &self,
        git: &Git,
        survey: &Survey,
        before: Option<&git2::Tree<'_>>,
        tree: Oid,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        if survey.attributes.is_empty() {
            return Ok(());
        }
        let failed = |error| Trouble::git("compare what was left", self.path())(error);
        let after = self.git.find_tree(tree).map_err(failed)?;
        let diff = self.git.diff_tree_to_tree(before, Some(&after), None).map_err(failed)?;
        let paths = diff.deltas().filter_map(|delta| delta.new_file().path_bytes());
        let paths: Vec<Vec<u8>> = paths.map(<[u8]>::to_vec).collect();
        let config = &self.settings.config;
        notes.extend(filters::without_filter(git, config, survey, &self.dir, &paths)?);
        Ok(())
    }

    fn commit(
        &self,
        order: &CollectOrder<'_>,
        parent: Option<Oid>,
        tree: Oid,
        notes: &mut Vec<String>,
    ) -> Result<Oid> {
        let doing = "commit what was left";
        let mut git = self.command().offline().within(COMMIT_MS);
        if !self.has_identity() {
            for who in ["AUTHOR", "COMMITTER"] {
                git = git.with(&format!("GIT_{who}_NAME"), "swarmdir");
                git = git.with(&format!("GIT_{who}_EMAIL"), "swarmdir@localhost");
            }
        }
        let message = message(order, &self.occupant.task);
        let (tree, parent) = (tree.to_string(), parent.map(|oid| oid.to_string()));
        let mut args = vec!["commit-tree", &tree];
        if let Some(parent) = &parent {
            args.extend(["-p", parent]);
        }
        if self.settings.config.is_true("commit.gpgsign") {
            let signed = [args.as_slice(), &["-S"]].concat();
            match git.oid(doing, &signed, message.as_bytes()) {
                Ok(commit) => return Ok(commit),
                Err(trouble) => notes.push(format!(
                    "the commit of what was left is not signed, though commit.gpgsign is set: {trouble}"
                )),
            }
        }
        git.oid(doing, &args, message.as_bytes())
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
        aside: Aside,
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
            changed: !commits.is_empty() || settled.pinned.is_some() || aside.any,
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
