//! Who is in the pool: worker processes by identity, ours or adopted.

use crate::domain::process::{HostMatch, ProcessIdentity};
use crate::queue::register::Card;
use crate::queue::{Queue, Result};
use crate::sys::{identity, process};

/// A worker's process.
#[derive(Clone, Debug)]
pub(super) struct PoolMember {
    pub(super) process: ProcessIdentity,
    /// Our child: its end is reported; an adopted one has to be looked at.
    pub(super) child: bool,
    /// Asked to end after its task.
    pub(super) retiring: bool,
}

/// Live workers of this machine that a coordinator started, with their slots.
pub(super) fn live_members(queue: &Queue) -> Result<Vec<(usize, PoolMember)>> {
    let me = identity::me();
    let workers = queue.workers()?;
    let pooled = workers.into_iter().filter_map(|(card, _)| {
        // Another user's worker is no member of a pool that can neither stop nor kill it.
        let here = card.lives_here(&me) && process::obeys(&card.process);
        let member = PoolMember { process: card.process, child: false, retiring: false };
        here.then_some((card.slot? as usize, member))
    });
    Ok(pooled.collect())
}

/// What a process of this machine registered as, among the living and the dead.
pub(super) fn card_of(queue: &Queue, pid: i32) -> Option<Card> {
    let me = identity::me();
    let workers = queue.workers().ok()?.into_iter().map(|(card, _)| card);
    let gone = queue.gone().ok()?;
    workers
        .chain(gone)
        .find(|card| card.process.pid == pid && card.host_match(&me) == HostMatch::Here)
}
