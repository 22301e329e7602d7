//! Rows *publish*, *give back*, and a holder's *reject* and *cancel*: one rename decides, exactly one wins.
//!
//! A refused rename removes nothing of the attempt: its results stay as evidence.

use std::path::Path;

use super::claim::Claim;
use super::{Queue, QueueError, Result};
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

/// A closing that met an error, and the claim, which is still to be finished: the same closing may be tried again.
#[must_use]
#[derive(Debug)]
pub struct Unclosed {
    /// As it was.
    pub claim: Box<Claim>,
    /// What stood in the way.
    pub error: QueueError,
}

impl From<Unclosed> for QueueError {
    /// Leaves the claim to the reclaimer.
    fn from(unclosed: Unclosed) -> QueueError {
        unclosed.error
    }
}

/// What comes of a closing.
pub type Closing = std::result::Result<Transition, Unclosed>;

/// A claim is finished, or comes back with what stood in the way.
fn closing(claim: Claim, close: impl FnOnce(&Claim) -> Result<Transition>) -> Closing {
    close(&claim).map_err(|error| Unclosed { claim: Box::new(claim), error })
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
    pub fn publish(&self, claim: Claim, to: FinalDir) -> Closing {
        let dir = match to {
            FinalDir::Done => Dir::Done,
            FinalDir::Failed => Dir::Failed,
        };
        let name = claim.attempt.to_string();
        closing(claim, |claim| self.close(claim, dir, &name))
    }

    /// Back to `blocked/`, for a reason.
    pub fn give_back_blocked(&self, claim: Claim, reason: Reason) -> Closing {
        let name = claim.name.blocked_next(reason).to_string();
        closing(claim, |claim| self.close(claim, Dir::Blocked, &name))
    }

    /// The holder found the file wrong; the report is there before the name is.
    pub fn reject(&self, claim: Claim, report: &str, problems: &[Problem]) -> Closing {
        closing(claim, |claim| {
            let at = &claim.name.at;
            self.write_rejection(at, report, problems)?;
            self.close(claim, Dir::Rejected, &at.to_string())
        })
    }

    /// The holder carries out a cancel request; its agent is stopped and its work saved.
    pub fn cancel_held(&self, claim: Claim) -> Closing {
        closing(claim, |claim| {
            let at = &claim.name.at;
            let closed = self.close(claim, Dir::Cancelled, &at.to_string())?;
            // Refused, the task has hopped on: the request follows it.
            if closed == Transition::Won {
                self.drop_cancel_requests(at)?;
            }
            Ok(closed)
        })
    }

    fn close(&self, claim: &Claim, dir: Dir, name: &str) -> Result<Transition> {
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
