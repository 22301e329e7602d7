//! Parking running agents where a disk is nearly full: one at a time on this machine, as that may be enough.
//!
//! Invariant: at most one agent is parked within [`RELIEF_MS`]; the lock file's time of change is the memory of it.

use super::settings::{CapacitySettings, touched_ms_ago};
use crate::domain::capacity::shortage::Shortage;
use crate::sys::fs;
use crate::sys::lock::Lock;

/// Between two agents that are parked, milliseconds: the first may have been the one that fills the disk.
const RELIEF_MS: u64 = 5_000;
/// The lock of those who park.
const RELIEF: &str = "relief";

impl CapacitySettings {
    /// Whether this worker's agent is the one to be parked now, and for want of what. It looks at the disks at each
    /// heartbeat, and tries the lock only where one is nearly full.
    pub fn take_relief_turn(&self) -> Option<Shortage> {
        let short = self.nearly_full_disk()?;
        let file = self.lock_file(RELIEF);
        let _turn = Lock::try_take(&file).ok()??;
        if touched_ms_ago(&file).is_some_and(|age_ms| age_ms < RELIEF_MS) {
            return None;
        }
        // If it cannot be touched, the next one is parked sooner.
        fs::touch(&file).ok();
        Some(short)
    }

    /// Makes the lock file while there is space for it, long before it is needed.
    pub fn prepare_relief(&self) {
        drop(Lock::try_take(&self.lock_file(RELIEF)));
    }
}
