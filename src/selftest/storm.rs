//! The storm: tasks come in, processes are killed and stopped, tasks are cancelled, held and moved, all at once.
//!
//! The order of what happens is the seed's; when exactly it happens is the machine's.

use std::fs::File;
use std::path::PathBuf;

use fastrand::Rng;

use super::lease::Sleeper;
use super::processes::SwarmProcesses;
use super::report::Report;
use super::stuck::StuckCheck;
use super::tally::Tally;
use super::task_kinds::TaskKind;
use super::test_bed::TestBed;
use super::{Observer, Order, recovery, verdict};
use crate::domain::process::ProcessIdentity;
use crate::domain::task::name::{Band, QueueName};
use crate::queue::Result;
use crate::shape::style::duration;
use crate::sys::{clock, fs};

/// The storm's own step, milliseconds.
const STEP_MS: u64 = 5;
/// What others do to tasks happens so often, milliseconds.
const MEDDLE_MS: u64 = 150;
/// Files are dropped during this part of the storm, percent: the rest is for what was hit late.
const DROPPING: u64 = 80;
/// A swarm in which nothing ends for so long is stuck, milliseconds: longer than a lease and what it leads to.
const STUCK_MS: u64 = 32_000;
/// What never follows from a crash of processes is looked for so often in the midst of it, milliseconds.
const LIVE_CHECK_MS: u64 = 2_000;
/// The second half of a file comes so much later, milliseconds.
const HALVES_MS: u64 = 400;
/// A storm that is so long has a worker beside it that sleeps beyond its lease, milliseconds.
const LONG_ENOUGH_MS: u64 = 45_000;
/// So many workers may die of one task that is not to blame.
const MAX_DEATHS: u32 = 100;

pub(super) struct Storm<'a> {
    pub(super) order: &'a Order,
    pub(super) bed: &'a TestBed,
    pub(super) rng: Rng,
    pub(super) processes: SwarmProcesses,
    pub(super) tally: Tally,
    pub(super) stopped: Vec<(ProcessIdentity, u64)>,
    sleeper: Option<Sleeper>,
    pub(super) halves: Vec<(File, PathBuf, String, u64)>,
    pub(super) next_check_ms: u64,
    pub(super) began_ms: u64,
    pub(super) next_fault_ms: u64,
    pub(super) next_meddle_ms: u64,
}

/// Makes a storm, waits until it is over, and judges.
pub(super) fn run(order: &Order, observer: &mut dyn Observer, report: &mut Report) -> Result<()> {
    observer.say(&format!(
        "a storm of {}: {} tasks, {} workers, {} coordinator(s), a fault every {} ms",
        duration(order.storm_ms),
        order.tasks,
        order.workers,
        order.coordinators,
        order.every_ms
    ));
    let bed = TestBed::make(order, "storm", MAX_DEATHS)?;
    let now = clock::mono_ms();
    let mut storm = Storm {
        order,
        bed: &bed,
        rng: Rng::with_seed(order.seed),
        processes: SwarmProcesses::new(order),
        tally: Tally::default(),
        stopped: Vec::new(),
        sleeper: None,
        halves: Vec::new(),
        next_check_ms: now + LIVE_CHECK_MS,
        began_ms: now,
        next_fault_ms: now + order.every_ms,
        next_meddle_ms: now,
    };
    if order.storm_ms >= LONG_ENOUGH_MS && !order.kills_only {
        storm.sleeper = Some(Sleeper::begin(order)?);
    }
    while storm.elapsed_ms() < order.storm_ms {
        storm.step()?;
    }
    storm.drop_due(order.tasks)?;
    observer.say("the storm is over: waiting for the swarm to finish by itself");
    let stuck = storm.stuck_check()?;
    if let Some(sleeper) = storm.sleeper.take() {
        sleeper.end(report)?;
    }
    let left = storm.processes.end(&bed)?;
    let took_ms = storm.elapsed_ms();
    let tally = storm.tally;
    recovery::tell(order, &bed, &tally, took_ms, report)?;
    report.judge("S6", stuck);
    report.judge("S7", left);
    verdict::judge(&bed, &tally, report)
}

impl Storm<'_> {
    fn elapsed_ms(&self) -> u64 {
        clock::mono_ms() - self.began_ms
    }

    fn step(&mut self) -> Result<()> {
        let now = clock::mono_ms();
        self.processes.keep(self.bed)?;
        if let Some(sleeper) = &mut self.sleeper {
            sleeper.step()?;
        }
        self.wake(now);
        let dropping_ms = self.order.storm_ms * DROPPING / 100;
        let share = self.elapsed_ms().min(dropping_ms) as usize * self.order.tasks;
        self.drop_due(share.checked_div(dropping_ms as usize).unwrap_or(self.order.tasks))?;
        if now >= self.next_fault_ms {
            self.next_fault_ms = now.max(self.next_fault_ms + self.order.every_ms);
            self.fault(now)?;
        }
        if now >= self.next_meddle_ms && !self.order.kills_only {
            self.next_meddle_ms = now + MEDDLE_MS;
            self.meddle()?;
        }
        if now >= self.next_check_ms && !self.order.kills_only {
            self.next_check_ms = now + LIVE_CHECK_MS;
            self.check()?;
        }
        self.second_halves(now)?;
        clock::pause_ms(STEP_MS);
        Ok(())
    }

    /// What may not be seen even while everything moves; `check` itself looks twice.
    fn check(&mut self) -> Result<()> {
        for violation in self.bed.queue.check()? {
            if verdict::NEVER.contains(&violation.invariant) {
                let line = format!("{}: {}", violation.path.display(), violation.what);
                self.tally.seen_live.entry(violation.invariant).or_default().push(line);
            }
        }
        Ok(())
    }

    fn second_halves(&mut self, now: u64) -> Result<()> {
        for (file, path, rest, _) in self.halves.extract_if(.., |(.., due_ms)| now >= *due_ms) {
            fs::write_all(&file, &path, rest.as_bytes())?;
        }
        Ok(())
    }

    /// Drops files until there were so many.
    fn drop_due(&mut self, due: usize) -> Result<()> {
        while self.tally.dropped.len() < due.min(self.order.tasks) {
            let kind = TaskKind::choose(&mut self.rng, self.order.kills_only);
            self.drop_one(kind)?;
        }
        Ok(())
    }

    fn drop_one(&mut self, kind: TaskKind) -> Result<()> {
        let number = self.tally.dropped.len();
        if kind == TaskKind::Late {
            let (file, path, rest) = self.bed.begin_to_drop(number, &mut self.rng)?;
            self.halves.push((file, path, rest, clock::mono_ms() + HALVES_MS));
        } else {
            self.bed.drop_task(kind, number, &mut self.rng)?;
        }
        self.tally.dropped.push((kind, number));
        Ok(())
    }

    /// Does to a task what its user might: cancels those that are meant for it, moves and holds others.
    fn meddle(&mut self) -> Result<()> {
        let queue = &self.bed.queue;
        let seen = queue.scan()?;
        self.tally.meddled += 1;
        // In the midst of its work: its worker is then refused.
        let at_work = |name: &&QueueName| seen.claims.contains_key(&name.at);
        let mut cancels = seen.ready.iter().filter(|name| kind(name) == Some(TaskKind::Cancel));
        if let Some(name) = cancels.find(at_work) {
            let request = queue.request_cancel(&name.at.id)?;
            // The request stays until it is met.
            let _ = queue.carry_out(&request)?;
        }
        let waiting: Vec<&QueueName> =
            seen.ready.iter().filter(|name| !seen.claims.contains_key(&name.at)).collect();
        if !waiting.is_empty() {
            let name = waiting[self.rng.usize(0..waiting.len())];
            self.tally.moved.insert(name.at.id.to_string());
            let band = Band::new(self.rng.u8(0..10)).unwrap_or_default();
            // Somebody else may have been faster.
            let _ = match self.rng.bool() {
                true => queue.reprioritise(name, band)?,
                false => queue.hold(name)?,
            };
        }
        self.release_all()
    }

    fn release_all(&self) -> Result<()> {
        let queue = &self.bed.queue;
        for name in queue.blocked()? {
            let held = name.reason.as_ref().is_some_and(|r| r.to_string() == "hold");
            if held {
                // Somebody else may have been faster.
                let _ = queue.unblock(&name)?;
            }
        }
        Ok(())
    }

    /// Wakes everybody and waits until all is done. What is wrong, if it does not come to that.
    fn stuck_check(&mut self) -> Result<Vec<String>> {
        self.wake(u64::MAX);
        self.second_halves(u64::MAX)?;
        let mut stuck_check = StuckCheck::after(STUCK_MS);
        loop {
            self.processes.keep(self.bed)?;
            self.release_all()?;
            if let Some(left) = stuck_check.look(&self.bed.queue)? {
                return Ok(left);
            }
            clock::pause_ms(20 * STEP_MS);
        }
    }
}

fn kind(name: &QueueName) -> Option<TaskKind> {
    TaskKind::of(name.at.id.slug())
}
