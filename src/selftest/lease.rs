//! A worker that sleeps beyond its lease while its agent goes on, on a quiet queue of its own beside the storm.
//!
//! Nobody can tell it from a dead one; before its task runs again, it and its agent must be dead.

use super::Order;
use super::processes::end_all;
use super::report::Report;
use super::stuck;
use super::tally::Tally;
use super::task_kinds::TaskKind;
use super::test_bed::TestBed;
use super::verdict;
use crate::domain::process::ProcessIdentity;
use crate::queue::Result;
use crate::sys::process::Signal;
use crate::sys::{clock, daemon, process};

/// From the stop to the end of the second attempt, at most, milliseconds: a lease, the long work, and room.
const DEADLINE_MS: u64 = 75_000;

/// What goes on.
pub(super) struct Sleeper {
    bed: TestBed,
    coordinator: ProcessIdentity,
    began_ms: u64,
    stopped: Option<ProcessIdentity>,
}

impl Sleeper {
    /// Begins it.
    pub(super) fn begin(order: &Order) -> Result<Sleeper> {
        let bed = TestBed::make(order, "lease", 3)?;
        bed.drop_task(TaskKind::Long, 1, &mut fastrand::Rng::with_seed(order.seed))?;
        let coordinator = bed.coordinator(0, 2)?;
        Ok(Sleeper { bed, coordinator, began_ms: clock::mono_ms(), stopped: None })
    }

    /// Stops the worker as soon as it works.
    pub(super) fn step(&mut self) -> Result<()> {
        if self.stopped.is_none()
            && let Some(claim) = self.bed.queue.claims()?.first()
        {
            process::signal(claim.card.process.pid, Signal::SIGSTOP);
            self.stopped = Some(claim.card.process.clone());
        }
        Ok(())
    }

    /// Waits for what is to come of it, and judges.
    pub(super) fn end(mut self, report: &mut Report) -> Result<()> {
        while self.bed.queue.all_ended()?.is_empty()
            && clock::mono_ms() - self.began_ms < DEADLINE_MS
        {
            self.step()?;
            clock::pause_ms(50);
            daemon::reap();
        }
        report.section("a worker that slept beyond its lease");
        let ended = !self.bed.queue.all_ended()?.is_empty();
        let took_ms = clock::mono_ms() - self.began_ms;
        let outcome =
            if ended { "its task was done by another one" } else { "its task never ended" };
        report.tell("after", format!("{} s: {outcome}", took_ms / 1000));
        let dead = self.stopped.as_ref().is_some_and(|worker| !process::alive(worker));
        let wrong =
            if dead { vec![] } else { vec!["the worker that was judged dead lives".into()] };
        report.judge("S3", wrong);
        if let Some(worker) = &self.stopped {
            process::signal(worker.pid, Signal::SIGCONT);
        }
        let stuck = stuck::unfinished(&self.bed.queue.scan()?);
        report.judge("S6", stuck);
        report.judge("S7", end_all(&self.bed, &[self.coordinator])?);
        verdict::judge(&self.bed, &Tally::dropped(&[(TaskKind::Long, 1)]), report)
    }
}
