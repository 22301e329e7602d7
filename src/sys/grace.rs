//! The time between TERM and KILL for what a child left running.
//!
//! Whoever is in the middle of something (git with a lock of the user's repository in its hands) clears up when it is
//! asked to end, and cannot when it is killed. Invariants: nobody is waited for who is gone; nobody there costs nothing;
//! all sweeps of one end share one grace; what is forked meanwhile is asked, too.

use std::collections::{HashMap, HashSet};

use super::clock::{Backoff, mono_ms};
use super::identity::process;
use super::process::{Signal, signal_if};

/// As long as it takes to remove some lock files on a busy machine, milliseconds.
pub const GRACE_MS: u64 = 1_500;

/// What is to end: who is there now, and whether a number still means one of them.
pub(super) trait SweepTarget {
    /// All of them, the dead among them or not.
    fn list(&self) -> Vec<i32>;
    /// Asked when the number can no longer be given to another.
    fn holds(&self, pid: i32) -> bool;
}

/// One grace; it is given once.
pub struct Grace {
    ms: u64,
    given: bool,
    also: Vec<Box<dyn SweepTarget>>,
}

impl Default for Grace {
    fn default() -> Grace {
        Grace { ms: GRACE_MS, given: false, also: Vec::new() }
    }
}

impl Grace {
    /// For those of a sweep.
    pub fn new() -> Grace {
        Grace::default()
    }

    /// None: they are killed at once.
    pub fn none() -> Grace {
        Grace { given: true, ..Grace::default() }
    }

    /// Whoever these are is asked in the same time.
    pub(super) fn also(mut self, more: impl SweepTarget + 'static) -> Grace {
        self.also.push(Box::new(more));
        self
    }

    /// Asks all of these to end, wakes those that stand still, and waits until they are gone or the time is over.
    /// Returns who was asked. The second time nobody is.
    pub(super) fn give(&mut self, first: &dyn SweepTarget) -> HashSet<i32> {
        let mut asked: HashMap<i32, u64> = HashMap::new();
        if std::mem::replace(&mut self.given, true) {
            return HashSet::new();
        }
        let deadline = mono_ms() + self.ms;
        let mut pace = Backoff::new();
        loop {
            let mut living = 0;
            for them in std::iter::once(first).chain(self.also.iter().map(AsRef::as_ref)) {
                living += ask(them, &mut asked);
            }
            if living == 0 || mono_ms() >= deadline {
                return asked.into_keys().collect();
            }
            pace.wait();
        }
    }
}

/// Asks each that was not asked yet; how many live.
fn ask(them: &dyn SweepTarget, asked: &mut HashMap<i32, u64>) -> usize {
    let mut living = 0;
    for pid in them.list() {
        let Some(process) = process(pid).filter(|p| !matches!(p.state, 'Z' | 'X')) else {
            continue;
        };
        living += 1;
        let is_new = asked.get(&pid) != Some(&process.start_ticks);
        if is_new && signal_if(pid, Signal::SIGTERM, || them.holds(pid)) {
            asked.insert(pid, process.start_ticks);
        }
        // It hears of the signal only then.
        if process.state == 'T' {
            signal_if(pid, Signal::SIGCONT, || them.holds(pid));
        }
    }
    living
}
