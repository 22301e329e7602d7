//! The commit of what an agent left: its files staged and committed by git, on top of wherever HEAD is.

use git2::{Commit, ErrorCode, Oid, RepositoryState};

use super::branch::mark;
use super::collect::{CollectOrder, TRAILER};
use super::fill::detach;
use super::filters::{self, FilterCheck};
use super::make::with_files;
use super::stage::{read_index, stage, tell};
use super::survey::{TreeScan, survey};
use super::tree::{Tree, Uncommitted};
use crate::git::command::Git;
use crate::git::error::{GitError, Result};
use crate::git::head::{self, Head};
use crate::git::patience::patiently;

/// A commit, with what signs it, may take so long, milliseconds.
const COMMIT_MS: u64 = 60_000;

impl Tree {
    /// Commits it; `None` where there is nothing.
    pub(super) fn commit_leftover(
        &mut self,
        order: &CollectOrder<'_>,
        head: &Head,
        notes: &mut Vec<String>,
    ) -> Result<Option<Oid>> {
        let (git, admin) = (&self.git, self.git.path().to_owned());
        let failed = |error| GitError::git("commit what was left", &self.place.tree)(error);
        let command = self.command();
        let index = read_index(&command, &admin.join("index"), notes)?;
        let survey = survey(&with_files(&admin, &self.dir)?, &admin, &index, &self.dir);
        drop(index);
        let state = git.state();
        if state != RepositoryState::Clean {
            let what = head::describe(state);
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
            true => Uncommitted::Something,
            false => Uncommitted::Nothing { special: survey.special, empty: survey.empty },
        };
        Ok(commit)
    }

    fn question<'a>(
        &'a self,
        git: &'a Git,
        survey: &'a TreeScan,
        head: &Head,
    ) -> Result<FilterCheck<'a>> {
        let base = Oid::from_str(&self.holder.base);
        Ok(FilterCheck {
            git,
            repo: &self.git,
            files: &self.dir,
            survey,
            overrides: &self.settings.overrides,
            base: base.map_err(GitError::git("read the base", self.path()))?,
            head: head.at,
            shared_changed: self.settings.attributes_changed()?,
        })
    }

    /// Says where a filter that nobody configured was not run.
    fn tell_filters(
        &self,
        git: &Git,
        survey: &TreeScan,
        before: Option<&git2::Tree<'_>>,
        tree: Oid,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        if survey.attributes.is_empty() {
            return Ok(());
        }
        let failed = |error| GitError::git("compare what was left", self.path())(error);
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
        let message = message(order, &self.holder.task);
        let (tree, parent) = (tree.to_string(), parent.map(|oid| oid.to_string()));
        let mut args = vec!["commit-tree", &tree];
        if let Some(parent) = &parent {
            args.extend(["-p", parent]);
        }
        if self.settings.config.is_true("commit.gpgsign") {
            let signed = [args.as_slice(), &["-S"]].concat();
            match git.oid(doing, &signed, message.as_bytes()) {
                Ok(commit) => return Ok(commit),
                Err(error) => notes.push(format!(
                    "the commit of what was left is not signed, though commit.gpgsign is set: {error}"
                )),
            }
        }
        git.oid(doing, &args, message.as_bytes())
    }

    /// HEAD follows the new commit: on our own branch with it, else on none, since a branch that is not
    /// the task's is not ours to move.
    fn move_head(&self, head: &Head, commit: Oid) -> Result<()> {
        let own = format!("refs/heads/{}", self.holder.branch);
        if head.branch.as_deref() != Some(own.as_bytes()) {
            return detach(&self.git, commit);
        }
        let log = format!("{}: commit what was left", mark(&self.holder.task));
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
