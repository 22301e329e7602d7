//! Start slots: as many agents start at once on this machine as it has processors.
//!
//! A slot is a lock, held until the agent has spoken. Invariant: a courtesy with a limit of time, so that a stopped
//! holder cannot keep the others from starting.

use std::path::PathBuf;
use std::sync::Arc;

use super::settings::CapacitySettings;
use crate::sys::lock::{Lock, LockWaiter};
use crate::sys::{clock, env};

/// A slot is waited for at most so long, milliseconds.
const WAIT_MS: u64 = 10_000;

/// One start that waits for its slot.
pub struct StartSlots {
    files: Vec<PathBuf>,
    waiter: LockWaiter,
    until_ms: u64,
}

/// What became of asking for a slot.
#[derive(Debug)]
pub enum StartSlot {
    /// Start: it is ours, or it was waited for long enough, or locks do not work here.
    Start(Option<Lock>),
    /// All are taken: ask again when the call comes, at the latest after so many milliseconds.
    Wait(u64),
}

impl StartSlots {
    /// For one start; `granted` is called (from another thread) when the slot that was waited for is there.
    pub fn new(settings: &CapacitySettings, granted: Arc<dyn Fn() + Send + Sync>) -> StartSlots {
        let slots = 0..env::cores().max(1);
        StartSlots {
            files: slots.map(|slot| settings.lock_file(&format!("start.{slot}"))).collect(),
            waiter: LockWaiter::new(granted),
            until_ms: clock::mono_ms() + WAIT_MS,
        }
    }

    /// A free slot, or the one that was waited for.
    pub fn take(&mut self) -> StartSlot {
        let left_ms = self.until_ms.saturating_sub(clock::mono_ms());
        match self.waiter.take_any(&self.files) {
            Ok(None) if left_ms > 0 => StartSlot::Wait(left_ms),
            taken => StartSlot::Start(taken.ok().flatten()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::domain::settings::config::Config;

    #[test]
    fn who_finds_all_slots_taken_is_called_when_one_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let settings = CapacitySettings::of(&Config::built_in(dir.path().to_owned(), &[]));
        let (call, called) = channel();
        let slots = |call: std::sync::mpsc::Sender<()>| {
            StartSlots::new(&settings, Arc::new(move || call.send(()).unwrap()))
        };
        let mut held = Vec::new();
        for _ in 0..env::cores() {
            match slots(call.clone()).take() {
                StartSlot::Start(Some(lock)) => held.push(lock),
                other => panic!("{other:?}"),
            }
        }
        let mut late = slots(call.clone());
        assert!(matches!(late.take(), StartSlot::Wait(_)));
        assert!(called.try_recv().is_err());
        held.clear();
        called.recv().unwrap();
        assert!(matches!(late.take(), StartSlot::Start(Some(_))));
    }
}
