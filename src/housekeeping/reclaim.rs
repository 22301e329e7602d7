//! What dead workers held goes on.
//!
//! Before a task of a dead worker ([`super::heartbeats`] knows which are) goes on, the worker and all it started are dead on
//! this machine; on another one nothing can be killed, and the rename is the fence.

use std::collections::HashSet;

use super::Housekeeper;
use crate::domain::event::Event;
use crate::domain::process::HostMatch;
use crate::domain::task::id::WorkerId;
use crate::domain::task::record::Lost;
use crate::queue::Result;
use crate::queue::journal::Journal;
use crate::queue::reclaim::DeadClaim;
use crate::queue::register::Card;
use crate::sys::{clock, process, sweep};
use crate::worktree::Scratch;

/// A killed process is given so long to be dead, milliseconds.
const PATIENCE_MS: u64 = 2_000;
/// A dead worker of another machine is swept here only after so long, milliseconds: its own machine has
/// something to kill first.
const FOREIGN_MS: u64 = 24 * 3_600_000;

/// The variable that every process of a worker's agents carries.
pub const WORKER_MARK: &str = "SWARMDIR_WORKER";

impl Housekeeper {
    /// Declares the dead dead and moves their tasks on. Returns how many claims went.
    pub fn reclaim(&mut self, journal: &Journal) -> Result<usize> {
        self.declare_dead(journal)?;
        let gone = self.queue.gone_since()?;
        let mut claims = self.queue.dead_claims()?;
        if gone.is_empty() && claims.is_empty() {
            return Ok(0);
        }
        let mut seen_dead: HashSet<WorkerId> = HashSet::new();
        let cards = gone.iter().map(|(card, _)| card);
        for card in cards.chain(claims.iter().map(|claim| &claim.card)) {
            if !seen_dead.contains(&card.id) && self.put_to_rest(card) {
                seen_dead.insert(card.id.clone());
            }
        }
        claims.retain(|claim| seen_dead.contains(&claim.card.id));
        for claim in &claims {
            let reclaimed = self.reclaim_one(claim, journal);
            self.spared(reclaimed, journal)?;
        }
        for (card, beaten_at) in gone.iter().filter(|(card, _)| seen_dead.contains(&card.id)) {
            self.bury(card, *beaten_at)?;
        }
        Ok(claims.len())
    }

    fn declare_dead(&mut self, journal: &Journal) -> Result<()> {
        for (id, evidence) in self.heartbeats.dead(&self.queue, &self.me)? {
            if self.queue.declare_dead(&id)? {
                journal.record(Event::WorkerLost { worker: id, evidence: evidence.to_owned() });
            }
        }
        Ok(())
    }

    /// Sees to it that the worker and its agents run no more, as far as this machine can.
    fn put_to_rest(&self, card: &Card) -> bool {
        match card.host_match(&self.me) {
            // Declared dead ourselves: the heart ends us, and the others see to what we held.
            HostMatch::Here if card.process == self.me => false,
            // Its lease is over, and nobody may kill here what he cannot see.
            HostMatch::Here if process::out_of_reach(&self.me, &card.process) => true,
            HostMatch::Here => {
                process::kill_and_see_dead(&card.process, PATIENCE_MS)
                    && sweep::left_by(card.id.as_str(), WORKER_MARK, PATIENCE_MS).left == 0
            }
            HostMatch::Rebooted | HostMatch::Elsewhere => true,
        }
    }

    fn reclaim_one(&self, claim: &DeadClaim, journal: &Journal) -> Result<()> {
        let evidence = match claim.card.host_match(&self.me) {
            _ if claim.card.copied => "it works on the queue that this one is a copy of",
            HostMatch::Here if process::out_of_reach(&self.me, &claim.card.process) => {
                "its lease expired"
            }
            HostMatch::Here => "its process is dead",
            HostMatch::Rebooted => "its machine restarted",
            HostMatch::Elsewhere => "its lease expired",
        };
        let lost = Lost {
            worker: claim.card.id.clone(),
            noticed_at: clock::now(),
            evidence: evidence.into(),
        };
        let came_to = self.queue.reclaim(claim, &lost, self.max_worker_deaths)?;
        journal.record(Event::ClaimReclaimed {
            task: claim.at.id.clone(),
            epoch: claim.at.epoch,
            worker: claim.card.id.clone(),
            result: came_to,
        });
        Ok(())
    }

    /// `beaten_at`: the last sign of life, nanoseconds by the file system's clock.
    fn bury(&self, card: &Card, beaten_at: i128) -> Result<()> {
        if card.copied {
            // Nothing of it is here, and what it left belongs to the original.
            return self.queue.bury(&card.id);
        }
        let here = self.me.host_match(&card.process) != HostMatch::Elsewhere
            && !process::out_of_reach(&self.me, &card.process);
        let silent_ns = i128::from(clock::now().0) * 1_000_000 - beaten_at;
        let long_ago = silent_ns > i128::from(FOREIGN_MS) * 1_000_000;
        if here {
            // Its directory is empty or garbage: what it published is in the queue.
            // Its next user removes it.
            drop(Scratch::forget(&self.scratch_dir, card.id.short()));
        }
        if here || long_ago { self.queue.bury(&card.id) } else { Ok(()) }
    }
}
