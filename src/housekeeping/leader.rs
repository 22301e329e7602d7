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
/// Who stands by sees so often whether the leader still leads, with as much jitter on top, milliseconds: where his
/// end would be heard of, and where not.
const HEARING_MS: u64 = 10_000;
const DEAF_MS: u64 = 3_000;
/// When the leader has just changed, milliseconds; doubled until it is known.
const SOON_MS: u64 = 50;

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
    pub(super) fn next_look_ms(&self) -> u64 {
        next_look_ms(self.is_mine(), self.leader.is_some(), self.puzzled, random::below)
    }
}

/// `puzzled`: looks in a row that did not find out who leads; `below` throws a die of so many sides.
fn next_look_ms(
    is_mine: bool,
    leader_can_be_heard: bool,
    puzzled: u32,
    below: impl Fn(u64) -> u64,
) -> u64 {
    match puzzled {
        _ if is_mine => LEAD_MS,
        0 if leader_can_be_heard => HEARING_MS + below(HEARING_MS),
        0 => DEAF_MS + below(DEAF_MS),
        looks => (SOON_MS << looks.min(7)).min(DEAF_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_by_looks_the_more_often_the_less_it_knows() {
        for (is_mine, heard, puzzled, from, to) in [
            (true, false, 3, 1_000, 1_000),
            (false, true, 0, 10_000, 19_999),
            (false, false, 0, 3_000, 5_999),
            (false, false, 1, 100, 100),
            (false, false, 2, 200, 200),
            (false, false, 60, 3_000, 3_000),
        ] {
            assert_eq!(next_look_ms(is_mine, heard, puzzled, |_| 0), from);
            assert_eq!(next_look_ms(is_mine, heard, puzzled, |sides| sides - 1), to);
        }
    }
}
