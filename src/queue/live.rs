//! `runs/T/e.W/live.json`: what a holder sees of its running agent, for whoever looks.
//!
//! Never state: nothing is decided by it, it is not synced, and it goes when the agent has ended.

use super::runs::{read_json, to_json};
use super::{Queue, Result};
use crate::domain::live::Live;
use crate::domain::name::AttemptName;
use crate::sys::fs;

const NAME: &str = "live.json";

impl Queue {
    /// Says how the agent stands; replaced whole.
    pub fn write_live(&self, attempt: &AttemptName, live: &Live) -> Result<()> {
        let staged = self.staging();
        fs::write(&staged, &to_json(live))?;
        let _placed = fs::rename(&staged, &self.attempt_dir(attempt).join(NAME))?;
        Ok(())
    }

    /// The agent has ended.
    pub fn forget_live(&self, attempt: &AttemptName) -> Result<()> {
        let _there_or_not = fs::unlink(&self.attempt_dir(attempt).join(NAME))?;
        Ok(())
    }

    /// How it stood when somebody last said so.
    pub fn live(&self, attempt: &AttemptName) -> Option<Live> {
        read_json(&self.attempt_dir(attempt).join(NAME))
    }
}
