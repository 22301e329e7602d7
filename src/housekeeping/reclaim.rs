//! Moves on what lost workers held.
//!
//! Before a task of a lost worker ([`super::heartbeats`] knows which are) goes on, the worker and all it started have
//! ended on this machine; on another one nothing can be killed, and the rename is the fence.

use std::path::Path;

use crate::domain::event::Event;
use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::domain::task::record::Lost;
use crate::queue::journal::Journal;
use crate::queue::reclaim::DeadClaim;
use crate::queue::register::Card;
use crate::queue::{Queue, Result};
use crate::sys::{clock, process, sweep};
use crate::worktree::Scratch;

/// A killed process is given so long to end, milliseconds.
const PATIENCE_MS: u64 = 2_000;
/// The file of a lost worker of another machine goes only after so long, milliseconds: its own machine has something to
/// kill first.
const FOREIGN_MS: u64 = 24 * 3_600_000;

/// The variable that every process of a worker's agents carries.
pub const WORKER_MARK: &str = "SWARMDIR_WORKER";

/// One process's part in moving on what lost workers held.
pub(super) struct Reclaimer<'a> {
    pub(super) queue: &'a Queue,
    pub(super) me: &'a ProcessIdentity,
    pub(super) scratch_dir: &'a Path,
    pub(super) max_worker_deaths: u32,
}

/// Where a lost worker's process is, seen from here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whereabouts {
    /// It is this very process: the heart ends us, and the others see to what we held.
    Me,
    /// It can be killed.
    Here,
    /// On this machine, but nobody may kill here what he cannot see; or on another one. Its lease has expired.
    OutOfReach,
    /// Its machine restarted: it has ended.
    Rebooted,
}

/// Pure; `hidden`: on this machine, but it cannot be seen from here.
fn whereabouts(host: HostMatch, is_me: bool, hidden: bool) -> Whereabouts {
    match host {
        HostMatch::Here if is_me => Whereabouts::Me,
        HostMatch::Here if hidden => Whereabouts::OutOfReach,
        HostMatch::Here => Whereabouts::Here,
        HostMatch::Rebooted => Whereabouts::Rebooted,
        HostMatch::Elsewhere => Whereabouts::OutOfReach,
    }
}

/// How one knows that it is lost.
fn evidence(at: Whereabouts, copied: bool) -> &'static str {
    match at {
        _ if copied => "it works on the queue that this one is a copy of",
        Whereabouts::Me | Whereabouts::Here => "its process is dead",
        Whereabouts::OutOfReach => "its lease expired",
        Whereabouts::Rebooted => "its machine restarted",
    }
}

/// Whether the file of a lost worker may go, which was silent for so long, nanoseconds.
fn may_bury(here: bool, copied: bool, silent_ns: i128) -> bool {
    here || copied || silent_ns > i128::from(FOREIGN_MS) * 1_000_000
}

impl Reclaimer<'_> {
    fn whereabouts(&self, card: &Card) -> Whereabouts {
        let hidden = process::out_of_reach(self.me, &card.process);
        whereabouts(card.host_match(self.me), card.process == *self.me, hidden)
    }

    /// Sees to it that the worker and its agents run no more, as far as this machine can.
    pub(super) fn end(&self, card: &Card) -> bool {
        match self.whereabouts(card) {
            Whereabouts::Me => false,
            Whereabouts::OutOfReach | Whereabouts::Rebooted => true,
            Whereabouts::Here => {
                process::kill_and_see_dead(&card.process, PATIENCE_MS)
                    && sweep::left_by(card.id.as_str(), WORKER_MARK, PATIENCE_MS).left == 0
            }
        }
    }

    /// Moves one task on.
    pub(super) fn reclaim(&self, claim: &DeadClaim, journal: &Journal) -> Result<()> {
        let lost = Lost {
            worker: claim.card.id.clone(),
            noticed_at: clock::now(),
            evidence: evidence(self.whereabouts(&claim.card), claim.card.copied).into(),
        };
        let result = self.queue.reclaim(claim, &lost, self.max_worker_deaths)?;
        journal.record(Event::ClaimReclaimed {
            task: claim.at.id.clone(),
            epoch: claim.at.epoch,
            worker: claim.card.id.clone(),
            result,
        });
        Ok(())
    }

    /// Removes the file of one that holds nothing any more. `beaten_at`: its last heartbeat, nanoseconds by the file
    /// system's clock.
    pub(super) fn bury(&self, card: &Card, beaten_at: i128) -> Result<()> {
        // Nothing of a copied one is here, and what it left belongs to the original.
        let here = !card.copied
            && self.me.host_match(&card.process) != HostMatch::Elsewhere
            && !process::out_of_reach(self.me, &card.process);
        if here {
            // Empty or garbage, as what it published is in the queue; what stays goes with its next user.
            Scratch::forget(self.scratch_dir, card.id.short()).ok();
        }
        let silent_ns = i128::from(clock::now().0) * 1_000_000 - beaten_at;
        if may_bury(here, card.copied, silent_ns) { self.queue.bury(&card.id) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_seen_here_is_killed_and_nobody_ends_itself() {
        use HostMatch::{Elsewhere, Here, Rebooted};
        for (host, is_me, hidden, at, how) in [
            (Here, false, false, Whereabouts::Here, "its process is dead"),
            (Here, true, false, Whereabouts::Me, "its process is dead"),
            (Here, false, true, Whereabouts::OutOfReach, "its lease expired"),
            (Elsewhere, false, false, Whereabouts::OutOfReach, "its lease expired"),
            (Elsewhere, false, true, Whereabouts::OutOfReach, "its lease expired"),
            (Rebooted, false, false, Whereabouts::Rebooted, "its machine restarted"),
        ] {
            assert_eq!(whereabouts(host, is_me, hidden), at, "{host:?} {is_me} {hidden}");
            assert_eq!(evidence(at, false), how);
            assert!(evidence(at, true).contains("a copy of"));
        }
    }

    #[test]
    fn the_file_of_another_machines_worker_is_left_to_that_machine_for_a_day() {
        let day = i128::from(FOREIGN_MS) * 1_000_000;
        assert!(may_bury(true, false, 0) && may_bury(false, true, 0));
        assert!(!may_bury(false, false, day) && may_bury(false, false, day + 1));
    }
}
