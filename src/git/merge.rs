//! A branch beside what is checked out: what it changes, and merging it as its user would.
//!
//! Invariant: a merge that does not come through leaves the checkout as it was.

use git2::{DiffFormat, DiffStatsFormat, Oid};

use super::command::{Git, names, printed, words};
use super::error::{GitError, Result};
use super::repo::Repo;
use crate::sys::spawn::Exit;

/// What came of merging.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Merged {
    /// In git's own words.
    Done(String),
    /// Nothing was changed: why.
    Refused(String),
}

impl Repo {
    /// The patch from where `head` left `base` to `head`, or with `stat` a line for each file; both are commits, in hex
    /// digits.
    pub fn changes(&self, base: &str, head: &str, stat: bool) -> Result<Vec<u8>> {
        let text = || -> std::result::Result<Vec<u8>, git2::Error> {
            let head = Oid::from_str(head)?;
            let left_at = self.git.merge_base(Oid::from_str(base)?, head)?;
            let tree = |commit: Oid| self.git.find_commit(commit)?.tree();
            let (old, new) = (tree(left_at)?, tree(head)?);
            let mut diff = self.git.diff_tree_to_tree(Some(&old), Some(&new), None)?;
            diff.find_similar(None)?;
            if stat && diff.deltas().len() == 0 {
                return Ok(Vec::new());
            }
            if stat {
                return Ok(diff.stats()?.to_buf(DiffStatsFormat::FULL, 80)?.to_vec());
            }
            let mut text = Vec::new();
            diff.print(DiffFormat::Patch, |_, _, line| {
                if matches!(line.origin(), '+' | '-' | ' ') {
                    text.push(line.origin() as u8);
                }
                text.extend_from_slice(line.content());
                true
            })?;
            Ok(text)
        };
        text().map_err(GitError::git("compare the branch with its base", &self.root))
    }

    /// The commit of a branch, in hex digits; `None` where it is gone.
    pub fn branch_head(&self, branch: &str) -> Option<String> {
        let found = self.git.find_reference(&format!("refs/heads/{branch}")).ok()?;
        found.target().map(|oid| oid.to_string())
    }

    /// Merges a branch into the one that is checked out, as its user's own git does: with his settings, signature and
    /// hooks. Refused where the checkout is not clean or the merge has conflicts.
    pub fn merge(&self, branch: &str) -> Result<Merged> {
        let refused = |why: String| Ok(Merged::Refused(why));
        let Some(checkout) = self.checkout() else {
            return refused("the repository has no checkout to merge into".into());
        };
        if self.git.head_detached().unwrap_or(false) {
            return refused("no branch is checked out".into());
        }
        let git = Git::of_its_user(checkout);
        let dirty = git.run(
            "see whether the checkout is clean",
            &["status", "--porcelain", "-z", "--untracked-files=no", "--no-renames"],
            b"",
        )?;
        let dirty: Vec<Vec<u8>> =
            printed(&dirty).map(|line| line.get(3..).unwrap_or(line).to_vec()).collect();
        if !dirty.is_empty() {
            return refused(format!("the checkout has uncommitted changes: {}", names(&dirty)));
        }
        let full = format!("refs/heads/{branch}");
        let merged = git.ask("merge", &["merge", "--no-edit", &full], b"")?;
        if merged.exit == Some(Exit::Code(0)) && !merged.late {
            return Ok(Merged::Done(String::from_utf8_lossy(&merged.stdout).trim().to_owned()));
        }
        let unmerged = ["diff", "--name-only", "--diff-filter=U", "-z"];
        let unmerged = git.run("see what conflicts", &unmerged, b"")?;
        let unmerged: Vec<Vec<u8>> = printed(&unmerged).map(<[u8]>::to_vec).collect();
        if self.git.find_reference("MERGE_HEAD").is_ok() {
            git.run("take the merge back", &["merge", "--abort"], b"")?;
        }
        if unmerged.is_empty() {
            return refused(format!("git refused: {}", words(&merged.stderr)));
        }
        refused(format!("it conflicts with what is checked out: {}", names(&unmerged)))
    }
}
