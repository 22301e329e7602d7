//! Bringing a salvage back: a branch at what was saved. Never moves a branch that exists.

use git2::{ErrorCode, Oid};

use super::branch::mark;
use super::pool::TreePool;
use super::salvaged::{self, FoundSalvage};
use crate::git::error::{GitError, Result};
use crate::git::patience::patiently;
use crate::git::refs::{branch_tip, refuse_bad_branch};

/// So many names are tried where ours is taken.
const MAX_SUFFIX: u32 = 999;

/// What was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// The branch.
    pub branch: String,
    /// Where it stands, hex digits.
    pub at: String,
}

impl TreePool {
    /// All that was salvaged in this repository, oldest first.
    pub fn salvages(&self) -> Result<Vec<FoundSalvage>> {
        salvaged::list(&self.repo.git, &self.repo.common)
    }

    /// Makes a branch at what was saved: its files are what the tree held. `name`: that one or none; otherwise the
    /// one that it had, or the next that is free. `None`: there was not even a commit.
    pub fn restore(&self, found: &FoundSalvage, name: Option<&str>) -> Result<Option<Restored>> {
        let Some(at) = found.salvage.tip() else { return Ok(None) };
        let failed = |error| GitError::git("read what was salvaged", &self.repo.common)(error);
        let oid = Oid::from_str(at).map_err(failed)?;
        self.repo.git.find_commit(oid).map_err(failed)?;
        let made = |branch: String| Some(Restored { branch, at: at.to_owned() });
        if let Some(name) = name {
            refuse_bad_branch(name)?;
            return match self.make(name, oid, &found.salvage.owner)? {
                true => Ok(made(name.to_owned())),
                false => Err(GitError::BranchTaken { branch: name.to_owned() }),
            };
        }
        let owner = &found.salvage.owner;
        let first = found.salvage.branch.clone().filter(|name| name.starts_with("swarm"));
        let stem = first.unwrap_or_else(|| format!("restored-{}", owner.replace('/', "-")));
        for number in 0..MAX_SUFFIX {
            let name = match number {
                0 => stem.clone(),
                1 => format!("{stem}-restored"),
                n => format!("{stem}-restored-{n}"),
            };
            if self.make(&name, oid, owner)? {
                return Ok(made(name));
            }
        }
        Err(GitError::BranchTaken { branch: stem })
    }

    /// Makes the branch, unless it was made before; false where the name is taken.
    fn make(&self, name: &str, at: Oid, owner: &str) -> Result<bool> {
        let _held = self.repo.metadata_lock()?;
        let log = format!("{}: restore", mark(owner));
        patiently("make the branch", &self.repo.root, || {
            let made = self.repo.git.reference(&format!("refs/heads/{name}"), at, false, &log);
            match made {
                Ok(_) => Ok(true),
                Err(error) if error.code() == ErrorCode::Exists => {
                    Ok(branch_tip(&self.repo.git, name) == Some(at))
                }
                Err(error) => Err(error),
            }
        })
    }
}
