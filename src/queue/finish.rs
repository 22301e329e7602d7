//! Rows *publish*, *give back*, and a holder's *reject* and *cancel*: one rename decides, exactly one wins.
//!
//! A refused rename removes nothing of the attempt: its results stay as evidence.

use std::path::Path;

use super::claim::Claim;
use super::{Queue, Result};
use crate::domain::settings::problem::Problem;
use crate::domain::task::reason::Reason;
use crate::site::Dir;
use crate::sys::fs::{self, Renamed};

/// What became of a closing transition.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transition {
    /// The task bears the name that we gave it.
    Won,
    /// The task was no longer ours: reclaimed or cancelled.
    Refused,
}

/// Where a publication goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FinalDir {
    /// `done/`
    Done,
    /// `failed/`
    Failed,
}

impl Queue {
    /// Publishes the outcome. The caller has written and synced the attempt's files and the branch.
    pub fn publish(&self, claim: Claim, to: FinalDir) -> Result<Transition> {
        let dir = match to {
            FinalDir::Done => Dir::Done,
            FinalDir::Failed => Dir::Failed,
        };
        let name = claim.attempt.to_string();
        self.close(claim, dir, &name)
    }

    /// Back to `blocked/`, for a reason.
    pub fn give_back_blocked(&self, claim: Claim, reason: Reason) -> Result<Transition> {
        let name = claim.name.blocked_next(reason).to_string();
        self.close(claim, Dir::Blocked, &name)
    }

    /// The holder found the file wrong; the report is there before the name is.
    pub fn reject(&self, claim: Claim, report: &str, problems: &[Problem]) -> Result<Transition> {
        let name = claim.name.at.to_string();
        self.write_rejection(&claim.name.at, report, problems)?;
        self.close(claim, Dir::Rejected, &name)
    }

    /// The holder carries out a cancel request; its agent is stopped and its work saved.
    pub fn cancel_held(&self, claim: Claim) -> Result<Transition> {
        let at = claim.name.at.clone();
        let closed = self.close(claim, Dir::Cancelled, &at.to_string())?;
        // Refused, the task has hopped on: the request follows it.
        if closed == Transition::Won {
            self.drop_cancel_requests(&at)?;
        }
        Ok(closed)
    }

    fn close(&self, claim: Claim, dir: Dir, name: &str) -> Result<Transition> {
        let from = self.file(Dir::Ready, &claim.name);
        let closed = self.rename_once(&from, dir, name)?;
        if closed == Transition::Won {
            self.sync_dir(dir)?;
        }
        fs::unlink(&self.file(Dir::Claims, &claim.name.at))?;
        Ok(closed)
    }

    /// Renames to a name that can only be ours, or that others make to the same end (a second reclaimer, one
    /// who re-prioritises what is being reclaimed). `ENOENT` may hide our own success (a reply lost on a network
    /// file system): then the name is found by *listing*, as a stat may answer from an old cache.
    pub(super) fn rename_once(&self, from: &Path, dir: Dir, name: &str) -> Result<Transition> {
        match fs::rename(from, &self.file(dir, name))? {
            Renamed::Done => Ok(Transition::Won),
            Renamed::Gone if self.stands(dir, name)? => Ok(Transition::Won),
            Renamed::Gone => Ok(Transition::Refused),
        }
    }

    /// Whether a directory lists a name.
    pub(super) fn stands(&self, dir: Dir, name: &str) -> Result<bool> {
        Ok(fs::list(&self.dir(dir))?.iter().any(|n| n == name))
    }
}
