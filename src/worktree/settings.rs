//! git's configuration as it was before an attempt, and what of it has no say in our calls.
//!
//! What decides about content is also kept beside the tree, so that whoever clears up after a worker that died knows
//! what was so before its agent ran.

use std::path::{Path, PathBuf};

use git2::Repository;

use super::holder::{read_json, replace_json};
use crate::git::command::Git;
use crate::git::config::{Config, ConfigChange};
use crate::git::error::{GitError, Result};
use crate::git::overrides::{Overrides, decides_content};
use crate::sys::dir::Dir;
use crate::sys::fs;

/// Where what agents changed is noted, in the directory of the trees.
const NOTE: &str = "git-config.json";

#[derive(Clone, Debug)]
pub(crate) struct GitSettings {
    pub(crate) config: Config,
    pub(crate) overrides: Overrides,
    attributes: Option<Vec<u8>>,
    common: PathBuf,
    trees: PathBuf,
}

impl GitSettings {
    /// As of now.
    pub(crate) fn read(common: &Path, trees: &Path) -> Result<GitSettings> {
        let config = Config::read(common)?;
        // A note that cannot be read counts as none.
        let noted: Option<Overrides> = read_json(&trees.join(NOTE))?;
        let overrides = noted.unwrap_or_default().still_so(&config);
        Ok(GitSettings {
            config,
            overrides,
            attributes: shared_attributes(common)?,
            common: common.to_owned(),
            trees: trees.to_owned(),
        })
    }

    /// How to call git for a tree.
    pub(crate) fn git(&self, repo: &Repository, dir: &Dir) -> Git {
        let git = Git::in_tree(repo.path(), &dir.path(), self.overrides.pairs());
        if self.overrides.may_fetch() { git } else { git.offline() }
    }

    /// Adds what a person has to know of this repository to understand git's words.
    pub(crate) fn explain(&self, error: GitError) -> GitError {
        match error {
            GitError::Command { doing, path, words } if self.config.is_partial_clone() => {
                let why = "this is a partial clone, and what it lacks could not be fetched";
                GitError::Command { doing, path, words: format!("{words}; {why}") }
            }
            other => other,
        }
    }

    /// Keeps beside a tree what decides about its content before an agent enters it.
    pub(crate) fn remember(&self, tree: &Path) -> Result<()> {
        let path = beside(tree);
        let ours = self.config.only(decides_content);
        if read_json(&path)?.as_ref() == Some(&ours) {
            Ok(())
        } else {
            replace_json(&path, &ours, false)
        }
    }

    /// Goes back to what was so before an agent entered the tree whose worker died; what it changed has no say.
    pub(crate) fn recall(&mut self, tree: &Path) -> Result<()> {
        let Some(before) = read_json::<Config>(&beside(tree))? else { return Ok(()) };
        let changes = before.changes(&self.config.only(decides_content));
        self.refuse(&changes)
    }

    pub(crate) fn forget(tree: &Path) -> Result<()> {
        fs::unlink(&beside(tree))?;
        Ok(())
    }

    /// What changed since; from now on it has no say.
    pub(crate) fn look_again(&mut self) -> Result<Vec<ConfigChange>> {
        let Some(now) = self.config.read_again(&self.common)? else { return Ok(Vec::new()) };
        let changes = self.config.changes(&now);
        self.refuse(&changes)?;
        Ok(changes)
    }

    fn refuse(&mut self, changes: &[ConfigChange]) -> Result<()> {
        match self.overrides.refuse(changes) {
            true => replace_json(&self.trees.join(NOTE), &self.overrides, false),
            false => Ok(()),
        }
    }

    /// Whether the attributes that all worktrees share are not what they were.
    pub(crate) fn attributes_changed(&self) -> Result<bool> {
        Ok(shared_attributes(&self.common)? != self.attributes)
    }
}

fn shared_attributes(common: &Path) -> Result<Option<Vec<u8>>> {
    Ok(fs::read_if_any(&common.join("info/attributes"))?)
}

fn beside(tree: &Path) -> PathBuf {
    fs::with_suffix(tree, ".config")
}
