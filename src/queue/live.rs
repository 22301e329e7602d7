//! `runs/T/e.W/live.json`: what a holder sees of its running agent, for whoever looks.
//!
//! Never state: nothing is decided by it, it is not synced, and it goes when the agent has ended.

use super::runs::{read_json, to_json};
use super::{Queue, Result};
use crate::domain::liveness::report::Live;
use crate::domain::task::name::AttemptName;
use crate::sys::fs::{self, Renamed};

impl Queue {
    /// Says how the agent stands; replaced whole.
    pub fn write_live(&self, attempt: &AttemptName, live: &Live) -> Result<()> {
        let staged = self.staging();
        let placed = fs::write(&staged, &to_json(live))
            .and_then(|()| fs::rename(&staged, &self.paths.attempt(attempt).live()));
        if !matches!(placed, Ok(Renamed::Done)) {
            // On a full disk this would be one more each second.
            drop(fs::unlink(&staged));
        }
        // A lost race means that nobody reads it.
        let _ = placed?;
        Ok(())
    }

    /// The agent has ended.
    pub fn forget_live(&self, attempt: &AttemptName) -> Result<()> {
        // It need not be there.
        let _ = fs::unlink(&self.paths.attempt(attempt).live())?;
        Ok(())
    }

    /// How it stood when somebody last said so.
    pub fn live(&self, attempt: &AttemptName) -> Option<Live> {
        read_json(&self.paths.attempt(attempt).live())
    }
}
