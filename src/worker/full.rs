//! What is done where a disk gets full all the same, or is: agents are parked in time, what one has done is kept, and
//! nobody is charged for it.
//!
//! Invariant: an attempt whose agent has ended is not given up for want of room, but by a stop or a drain's end.

use std::path::PathBuf;

use super::claim::Holding;
use super::control::Level;
use super::room::{NO_ROOM_MS, age_ms, lock_file};
use super::{Mode, Shared, Worker};
use crate::agent::{Report, StopReason};
use crate::domain::capacity::admission::{Reserve, Short, Snapshot, Verdict, critical, decide};
use crate::domain::event::Event;
use crate::domain::outcome::disposition::{Fault, Outcome};
use crate::domain::settings::config::Config;
use crate::domain::task::name::QueueName;
use crate::domain::task::record::Ground;
use crate::site;
use crate::sys::lock::Lock;
use crate::sys::{clock, disk, fs};

/// Between two agents that are parked, milliseconds: the first may have been the one.
const RELIEF_MS: u64 = 5_000;
/// The lock of those who park.
const RELIEF: &str = "relief";

impl Worker {
    /// Does something of an attempt that has ended, for which the disk must have room: with the reserve where there is
    /// none, and again as soon as there is. What the agent has done is not given up for want of a block. In a drain
    /// (and for one task) the wait has the drain's end.
    pub(super) fn with_room<T, E: std::fmt::Display>(
        &self,
        full: impl Fn(&E) -> bool,
        mut act: impl FnMut() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut waits_since: Option<u64> = None;
        loop {
            let error = match act() {
                Err(error) if full(&error) => error,
                other => {
                    if waits_since.is_some() && other.is_ok() {
                        (self.options.log)("there is room again: going on");
                    }
                    return other;
                }
            };
            if self.shared.queue.release_reserve().unwrap_or(false) {
                self.shared.journal.record(Event::ReserveReleased);
                continue;
            }
            let now = clock::mono_ms();
            if waits_since.is_none() {
                (self.options.log)(&format!("{error}; waiting for room to keep what was done"));
            }
            let since = *waits_since.get_or_insert(now);
            let stays = self.options.mode == Mode::Stay;
            let over = !stays && now - since >= self.config.drain_wait_ms;
            if over || self.shared.control.level() >= Level::Stop {
                return Err(error);
            }
            self.idle.pause(NO_ROOM_MS);
        }
    }

    /// An agent that failed while the disk had less than is kept free failed by that: nobody can tell which of its
    /// tools met the end of the disk. Not its deadlines, its turns and its money.
    pub(super) fn blame_the_disk(&self, report: &Report) -> (Outcome, Option<Ground>) {
        let as_it_was = || (report.ending.clone(), report.ground.clone());
        let Outcome::Failure { fault, detail } = &report.ending else { return as_it_was() };
        let may = [Fault::Error, Fault::Crashed, Fault::NoResult, Fault::Silent, Fault::Setup];
        let short = may.contains(fault).then(|| short_of_disk(&self.config));
        let Some(short) = short.flatten() else { return as_it_was() };
        let ground = Ground::ours(Fault::Disk.word(), "worker", &short.evidence());
        let detail = format!("{}; seen as it ended: {detail}", short.evidence());
        (Outcome::Failure { fault: Fault::Disk, detail }, Some(ground))
    }
}

/// Whether some disk has less than is kept free.
fn short_of_disk(config: &Config) -> Option<Short> {
    let spaces = disk::spaces(&site::takes_room(config));
    match decide(&Snapshot { spaces, ..Snapshot::default() }, &config.reserve) {
        Verdict::Wait(short) => Some(short),
        Verdict::Admit { .. } | Verdict::Reuse(_) => None,
    }
}

/// What the heart needs to see that the disk gets full under a running agent.
#[derive(Clone)]
pub(super) struct Watched {
    places: Vec<(PathBuf, bool)>,
    reserve: Reserve,
    relief: PathBuf,
}

impl Watched {
    pub(super) fn of(config: &Config) -> Watched {
        let relief = lock_file(config, RELIEF);
        // Made while there is room for it.
        let _seen_by_the_lock = relief.parent().map(fs::mkdirs);
        let _unlocked_again = Lock::try_take(&relief);
        Watched { places: site::takes_room(config), reserve: config.reserve, relief }
    }
}

/// Parks the agent in hand if the disk is about to be full and it is our turn to: one at a time, as that may be
/// enough.
pub(super) fn relieve(shared: &Shared, holding: &Holding, parked: &mut Option<QueueName>) {
    let held = holding.get();
    let Some(name) = held.as_ref().filter(|_| held != *parked && shared.control.has_agent()) else {
        return;
    };
    let watched = shared.watched();
    let spaces = disk::spaces(&watched.places);
    let Some(short) = critical(&spaces, &watched.reserve) else { return };
    let Ok(Some(_turn)) = Lock::try_take(&watched.relief) else { return };
    if age_ms(&watched.relief).is_some_and(|age| age < RELIEF_MS) {
        return;
    }
    let _parked_sooner_after_us = fs::touch(&watched.relief);
    shared.journal.record(Event::AttemptStoppedForCapacity {
        task: name.at.id.clone(),
        epoch: name.at.epoch,
        what: short.what,
        place: short.place,
        have: short.have,
    });
    shared.control.stop_agent(StopReason::NoRoom);
    *parked = held;
}
