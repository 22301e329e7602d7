//! The faults of a storm: who is killed or stopped, when and for how long.

use super::processes::workers_here;
use super::storm::Storm;
use super::tally::Kill;
use crate::domain::process::ProcessIdentity;
use crate::queue::Result;
use crate::sys::process::Signal;
use crate::sys::{clock, process};

/// A stopped process is woken after at most so long, milliseconds.
const STOPPED_MS: u64 = 3_000;

impl Storm<'_> {
    /// Kills or stops somebody.
    pub(super) fn fault(&mut self, now: u64) -> Result<()> {
        let coordinators = self.processes.coordinators();
        let choice = self.rng.u32(0..100);
        if choice < 8 && !coordinators.is_empty() {
            let victim = &coordinators[self.rng.usize(0..coordinators.len())];
            self.tally.coordinators_killed += 1;
            process::signal(victim.pid, Signal::SIGKILL);
            return Ok(());
        }
        let mut workers = workers_here(self.bed)?;
        workers.retain(|card| self.stopped.iter().all(|(sleeper, _)| *sleeper != card.process));
        if workers.is_empty() {
            return Ok(());
        }
        let victim = &workers[self.rng.usize(0..workers.len())];
        if self.order.kills_only || choice < 80 {
            let claims = self.bed.queue.claims()?;
            let held = claims.into_iter().filter(|claim| claim.card.id == victim.id);
            let held = held.map(|claim| claim.at).collect();
            // The time of the journals, to be compared with theirs.
            let kill = Kill { at: clock::now(), held };
            process::signal(victim.process.pid, Signal::SIGKILL);
            self.tally.kills.push(kill);
        } else {
            let all = coordinators.into_iter().chain(workers.iter().map(|w| w.process.clone()));
            let all: Vec<ProcessIdentity> = all.collect();
            let victim = all[self.rng.usize(0..all.len())].clone();
            let ms = self.rng.u64(20..STOPPED_MS);
            self.stop(victim, now + ms);
        }
        Ok(())
    }

    fn stop(&mut self, victim: ProcessIdentity, until_ms: u64) {
        process::signal(victim.pid, Signal::SIGSTOP);
        self.tally.stops += 1;
        self.stopped.push((victim, until_ms));
    }

    /// Wakes whom it is time for.
    pub(super) fn wake(&mut self, now: u64) {
        self.stopped.retain(|(sleeper, until_ms)| {
            let awake = now >= *until_ms;
            if awake && process::alive(sleeper) {
                process::signal(sleeper.pid, Signal::SIGCONT);
            }
            !awake
        });
    }
}
