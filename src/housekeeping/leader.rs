//! Whose turn it is: one process of a machine leads the housekeeping, the others know which one and stand by.
//!
//! The lock is a courtesy with a name on it. Invariant: nothing depends on who leads; whoever believes that nobody
//! does, or that the leader hangs, does the work himself.

use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::queue::{Queue, Result};
use crate::sys::lock::Lock;
use crate::sys::{fs, process, random};

/// The leader's interval, milliseconds.
const LEAD_MS: u64 = 1_000;
/// The same while nothing lies in the queue that only a pass moves on, milliseconds.
const CALM_MS: u64 = 2_000;
/// Who stands by sees so often whether the leader still leads, with as much jitter on top, milliseconds: where his
/// end would be heard of, and where not.
const HEARING_MS: u64 = 10_000;
const DEAF_MS: u64 = 3_000;
/// When the leader has just changed, milliseconds; doubled until it is known.
const SOON_MS: u64 = 50;

/// Everybody makes a pass so often even while another process leads, milliseconds: that one may have been stopped.
const DISTRUST_MS: u64 = 30_000;
/// Whoever does not lead looks for lost workers so often, milliseconds, for the same reason.
const SUSPECT_MS: u64 = 5_000;
/// Among many workers each looks so many times more rarely, at most.
const MOST_TRUST: u64 = 5;

/// This process's part.
#[derive(Debug, Default)]
pub(super) struct Leadership {
    lock: Option<Lock>,
    /// Who leads, where this machine can tell.
    leader: Option<ProcessIdentity>,
    /// Looks in a row that did not find out.
    puzzled: u32,
}

impl Leadership {
    /// Takes the lead if nobody has it, else learns who does.
    pub(super) fn take(&mut self, queue: &Queue, me: &ProcessIdentity) -> Result<()> {
        if self.lock.is_some() {
            return Ok(());
        }
        let path = queue.paths().leader_lock();
        self.lock = Lock::try_take(&path)?;
        if let Some(lock) = &self.lock {
            // Without a name on it the others stand by all the same, and look now and then.
            let name = serde_json::to_string(me).expect("an identity is plain data");
            // The name is for people only.
            drop(lock.note(&path, &name));
            return Ok(());
        }
        let name = fs::read_if_any(&path)?.unwrap_or_default();
        let named: Option<ProcessIdentity> = serde_json::from_slice(&name).ok();
        // A dead one's name is there until the next one has written his.
        let here = |p: &ProcessIdentity| me.host_match(p) == HostMatch::Here;
        let elsewhere = named.as_ref().is_some_and(|leader| !here(leader));
        self.leader = named.filter(|leader| here(leader) && process::alive(leader));
        let known = elsewhere || self.leader.is_some();
        self.puzzled = if known { 0 } else { self.puzzled.saturating_add(1) };
        Ok(())
    }

    /// Whether it is this process.
    pub(super) fn is_mine(&self) -> bool {
        self.lock.is_some()
    }

    /// The other one, where its end can be heard of.
    pub(super) fn other(&self) -> Option<&ProcessIdentity> {
        self.leader.as_ref().filter(|_| self.lock.is_none())
    }

    /// When to look again.
    /// `calm`: the latest pass found nothing that a pass moves on.
    pub(super) fn next_look_ms(&self, calm: bool) -> u64 {
        let leads = self.is_mine().then_some(calm);
        next_look_ms(leads, self.leader.is_some(), self.puzzled, random::below)
    }
}

/// `leads`: whether all is calm for the one who leads; `puzzled`: looks in a row that did not find out who leads; `below` throws a die of so many sides.
fn next_look_ms(
    leads: Option<bool>,
    leader_can_be_heard: bool,
    puzzled: u32,
    below: impl Fn(u64) -> u64,
) -> u64 {
    match (leads, puzzled) {
        (Some(true), _) => CALM_MS,
        (Some(false), _) => LEAD_MS,
        (None, 0) if leader_can_be_heard => HEARING_MS + below(HEARING_MS),
        (None, 0) => DEAF_MS + below(DEAF_MS),
        (None, looks) => (SOON_MS << looks.min(7)).min(DEAF_MS),
    }
}

/// Whether this process makes no pass, unless it suspects somebody: another one leads, and is trusted to be at it.
pub(super) fn leaves_it_to_another(leads: bool, since_last_pass_ms: u64) -> bool {
    !leads && since_last_pass_ms < DISTRUST_MS
}

/// When to look next for lost workers, of so many; `below` throws a die of so many sides. All of them look at all of them:
/// the more there are, the more rarely each.
pub(super) fn suspicion_ms(workers: usize, below: impl Fn(u64) -> u64) -> u64 {
    let share = (workers as u64 / 2).clamp(1, MOST_TRUST);
    SUSPECT_MS * share + below(SUSPECT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_by_looks_the_more_often_the_less_it_knows() {
        for (leads, heard, puzzled, from, to) in [
            (Some(false), false, 3, 1_000, 1_000),
            (Some(true), false, 0, 2_000, 2_000),
            (None, true, 0, 10_000, 19_999),
            (None, false, 0, 3_000, 5_999),
            (None, false, 1, 100, 100),
            (None, false, 2, 200, 200),
            (None, false, 60, 3_000, 3_000),
        ] {
            assert_eq!(next_look_ms(leads, heard, puzzled, |_| 0), from);
            assert_eq!(next_look_ms(leads, heard, puzzled, |sides| sides - 1), to);
        }
    }

    #[test]
    fn whoever_leads_makes_every_pass_and_the_others_one_in_a_while() {
        for (leads, since_ms, leaves_it) in [
            (true, 0, false),
            (true, 60_000, false),
            (false, 0, true),
            (false, 29_999, true),
            (false, 30_000, false),
        ] {
            assert_eq!(leaves_it_to_another(leads, since_ms), leaves_it, "{leads} {since_ms}");
        }
    }

    #[test]
    fn the_more_workers_there_are_the_more_rarely_each_looks_for_the_lost() {
        for (workers, least_ms) in [(0, 5_000), (3, 5_000), (4, 10_000), (10, 25_000), (64, 25_000)]
        {
            assert_eq!(suspicion_ms(workers, |_| 0), least_ms, "{workers}");
            assert_eq!(suspicion_ms(workers, |sides| sides - 1), least_ms + 4_999, "{workers}");
        }
    }
}
