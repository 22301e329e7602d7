//! A worker that sleeps beyond its lease while its agent goes on, on a quiet queue of its own beside the storm.
//!
//! Nobody can tell it from a dead one; before its task runs again, it and its agent must be dead.

use super::Order;
use super::calm;
use super::crew::end_all;
use super::deeds::Deed;
use super::ground::Ground;
use super::report::Report;
use super::tally::Tally;
use super::verdict;
use crate::domain::process::ProcessIdentity;
use crate::queue::Result;
use crate::sys::process::Signal;
use crate::sys::{clock, daemon, process};

/// From the stop to the end of the second attempt, at most, milliseconds: a lease, the long work, and room.
const DEADLINE_MS: u64 = 75_000;

/// What goes on.
pub(super) struct Sleeper {
    ground: Ground,
    coordinator: ProcessIdentity,
    began_ms: u64,
    stopped: Option<ProcessIdentity>,
}

impl Sleeper {
    /// Begins it.
    pub(super) fn begin(order: &Order) -> Result<Sleeper> {
        let ground = Ground::make(order, "lease", 3)?;
        ground.drop_task(Deed::Long, 1, &mut fastrand::Rng::with_seed(order.seed))?;
        let coordinator = ground.coordinator(0, 2)?;
        Ok(Sleeper { ground, coordinator, began_ms: clock::mono_ms(), stopped: None })
    }

    /// Stops the worker as soon as it works.
    pub(super) fn step(&mut self) -> Result<()> {
        if self.stopped.is_none()
            && let Some(claim) = self.ground.queue.claims()?.first()
        {
            process::signal(claim.card.process.pid, Signal::SIGSTOP);
            self.stopped = Some(claim.card.process.clone());
        }
        Ok(())
    }

    /// Waits for what is to come of it, and judges.
    pub(super) fn end(mut self, report: &mut Report) -> Result<()> {
        while self.ground.queue.all_ended()?.is_empty()
            && clock::mono_ms() - self.began_ms < DEADLINE_MS
        {
            self.step()?;
            clock::pause_ms(50);
            daemon::reap();
        }
        report.section("a worker that slept beyond its lease");
        let ended = !self.ground.queue.all_ended()?.is_empty();
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
        let stuck = calm::unfinished(&self.ground.queue.scan()?);
        report.judge("S6", stuck);
        report.judge("S7", end_all(&self.ground, &[self.coordinator])?);
        verdict::judge(&self.ground, &Tally::dropped(&[(Deed::Long, 1)]), report)
    }
}
