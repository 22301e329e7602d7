//! Rows *declare dead* and *reclaim*: what a dead worker held goes on.
//!
//! Deciding *that* a worker is dead, and killing it where it may still run, is done above, where processes
//! are known ([`crate::housekeeping`]); these are the renames that follow.

use super::finish::Transition;
use super::register::{Card, read_card};
use super::{Queue, Result};
use crate::domain::event::Reclaimed;
use crate::domain::task::id::WorkerId;
use crate::domain::task::name::{AttemptName, TaskEpoch};
use crate::domain::task::record::Lost;
use crate::site::Dir;
use crate::sys::fs::{self, Renamed};

/// A claim whose worker is not registered any more.
#[derive(Clone, Debug)]
pub struct DeadClaim {
    /// What it is on.
    pub at: TaskEpoch,
    /// Whose it was.
    pub card: Card,
}

impl Queue {
    /// Declares a worker dead, for everybody and for ever. False: somebody else did, or it left.
    pub fn declare_dead(&self, id: &WorkerId) -> Result<bool> {
        let moved = fs::rename(&self.file(Dir::Workers, id), &self.file(Dir::Gone, id))?;
        Ok(moved == Renamed::Done)
    }

    /// Workers declared dead whose remains are still there.
    pub fn gone(&self) -> Result<Vec<Card>> {
        Ok(self.gone_since()?.into_iter().map(|(card, _)| card).collect())
    }

    /// The same, with the last sign of life: nanoseconds by the file system's clock.
    pub fn gone_since(&self) -> Result<Vec<(Card, i128)>> {
        let names = fs::list(&self.dir(Dir::Gone))?;
        let cards = names.iter().filter_map(|name| {
            let id = WorkerId::parse(name.to_str()?)?;
            read_card(&self.file(Dir::Gone, &id)).map(|(card, pulse)| (card, pulse.mtime_ns))
        });
        Ok(cards.collect())
    }

    /// Every claim with its holder's card: claims are listed first, workers are looked up second.
    pub fn claims(&self) -> Result<Vec<DeadClaim>> {
        let names = fs::list(&self.dir(Dir::Claims))?;
        let claims = names.iter().filter_map(|name| {
            let at = TaskEpoch::parse(name.to_str()?)?;
            let (card, _) = read_card(&self.file(Dir::Claims, &at))?;
            Some(DeadClaim { at, card })
        });
        Ok(claims.collect())
    }

    /// How many there are, whoever holds them: one listing, and none is read.
    pub fn claim_count(&self) -> Result<usize> {
        let names = fs::list(&self.dir(Dir::Claims))?;
        Ok(names.iter().filter(|name| name.to_str().and_then(TaskEpoch::parse).is_some()).count())
    }

    /// The claims whose worker is not registered: dead, for everybody.
    pub fn dead_claims(&self) -> Result<Vec<DeadClaim>> {
        let mut dead = Vec::new();
        for claim in self.claims()? {
            // A look that fails is no proof of death.
            if fs::look(&self.file(Dir::Workers, &claim.card.id))?.is_none() {
                dead.push(claim);
            }
        }
        Ok(dead)
    }

    /// Moves a dead worker's task on, and removes the claim. The worker and its agent are dead by now,
    /// where this machine can tell.
    pub fn reclaim(&self, claim: &DeadClaim, lost: &Lost, max_deaths: u32) -> Result<Reclaimed> {
        let attempt = AttemptName { at: claim.at.clone(), worker: claim.card.id.clone() };
        let reclaimed = match self.ready_name(&claim.at)? {
            None => Reclaimed::Swept,
            Some(name) => {
                let last = self.tally(&claim.at.id)?.deaths + 1 >= max_deaths;
                let (to, next) = if last {
                    (Dir::Failed, attempt.to_string())
                } else {
                    (Dir::Ready, name.ready_next().to_string())
                };
                match self.rename_once(&self.file(Dir::Ready, &name), to, &next)? {
                    Transition::Refused => Reclaimed::Swept,
                    Transition::Won => {
                        self.sync_dir(to)?;
                        self.write_lost(&attempt, lost)?;
                        if last { Reclaimed::Failed } else { Reclaimed::Ready }
                    }
                }
            }
        };
        fs::unlink(&self.file(Dir::Claims, &claim.at))?;
        Ok(reclaimed)
    }

    /// Removes a dead worker's last remains; only once no claim of its is left.
    pub fn bury(&self, id: &WorkerId) -> Result<()> {
        fs::unlink(&self.file(Dir::Gone, id))?;
        fs::unlink(&self.file(Dir::Retire, id))?;
        Ok(())
    }

    /// A holder's own claims that it does not know of (a lost reply): given back, so that no task stays
    /// stuck behind a live heartbeat.
    pub fn disown(&self, at: &TaskEpoch) -> Result<()> {
        if let Some(name) = self.ready_name(at)? {
            // Whoever renames it, it has the new name.
            let _ = self.shift(Dir::Ready, &name, Dir::Ready, &name.ready_next())?;
        }
        fs::unlink(&self.file(Dir::Claims, at))?;
        Ok(())
    }
}
