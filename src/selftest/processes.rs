//! The programs of a storm: as many as ordered, started again whenever one dies.

use super::Order;
use super::test_bed::TestBed;
use crate::domain::process::ProcessIdentity;
use crate::queue::Result;
use crate::queue::register::Card;
use crate::sys::grace::Grace;
use crate::sys::{clock, daemon, identity, process, sweep};

use super::witness::PLACE;

/// One place is filled at most so often, milliseconds.
const AGAIN_MS: u64 = 200;
/// What was told to end is waited for so long, milliseconds.
const ENDING_MS: u64 = 30_000;

/// Who is there.
#[derive(Debug)]
pub(super) struct SwarmProcesses {
    coordinators: Vec<Place>,
    /// Without a coordinator: workers alone.
    alone: Vec<Place>,
    workers: usize,
}

#[derive(Clone, Debug, Default)]
struct Place {
    process: Option<ProcessIdentity>,
    started_at_ms: u64,
}

impl Place {
    fn is_free(&self) -> bool {
        let ran_long_enough = clock::mono_ms() - self.started_at_ms >= AGAIN_MS;
        ran_long_enough && !self.process.as_ref().is_some_and(process::alive)
    }

    fn fill(&mut self, process: ProcessIdentity) {
        *self = Place { process: Some(process), started_at_ms: clock::mono_ms() };
    }
}

impl SwarmProcesses {
    pub(super) fn new(order: &Order) -> SwarmProcesses {
        let alone = if order.coordinators == 0 { order.workers } else { 0 };
        SwarmProcesses {
            coordinators: vec![Place::default(); order.coordinators],
            alone: vec![Place::default(); alone],
            workers: order.workers,
        }
    }

    /// Starts what is missing.
    pub(super) fn keep(&mut self, bed: &TestBed) -> Result<()> {
        daemon::reap();
        for (which, place) in self.coordinators.iter_mut().enumerate() {
            if place.is_free() {
                place.fill(bed.coordinator(which, self.workers)?);
            }
        }
        for place in &mut self.alone {
            if place.is_free() {
                place.fill(bed.worker()?);
            }
        }
        Ok(())
    }

    /// The coordinators that live.
    pub(super) fn coordinators(&self) -> Vec<ProcessIdentity> {
        let all = self.coordinators.iter().filter_map(|place| place.process.clone());
        all.filter(process::alive).collect()
    }

    /// Ends it; see [`end_all`].
    pub(super) fn end(&self, bed: &TestBed) -> Result<Vec<String>> {
        end_all(bed, &self.coordinators())
    }
}

/// Tells everybody to end, and waits until they have. Who is still there afterwards is not meant to be.
pub(super) fn end_all(bed: &TestBed, coordinators: &[ProcessIdentity]) -> Result<Vec<String>> {
    let deadline = clock::mono_ms() + ENDING_MS;
    let wait = || {
        clock::pause_ms(20);
        daemon::reap();
    };
    // Coordinators first: they must not replace the workers that end.
    for coordinator in coordinators {
        process::signal(coordinator.pid, process::Signal::SIGTERM);
    }
    while coordinators.iter().any(process::alive) && clock::mono_ms() < deadline {
        wait();
    }
    for card in workers_here(bed)? {
        process::signal(card.process.pid, process::Signal::SIGTERM);
    }
    let mark = bed.witness.to_string_lossy();
    let mut left = sweep::bearing(PLACE, &mark);
    while !left.is_empty() && clock::mono_ms() < deadline {
        wait();
        left = sweep::bearing(PLACE, &mark);
    }
    let left = left.iter().map(|pid| format!("process {pid} is still there")).collect();
    sweep::marked(PLACE, &mark, &mut Grace::none(), 2_000);
    daemon::reap();
    Ok(left)
}

/// Registered workers whose process lives here.
pub(super) fn workers_here(bed: &TestBed) -> Result<Vec<Card>> {
    let me = identity::me();
    let workers = bed.queue.workers()?.into_iter().map(|(card, _)| card);
    Ok(workers.filter(|card| card.lives_here(&me)).collect())
}
