//! Closed gates: `gates/NAME`, one file an agent. Written by rename, the last writer wins; both meant the same.

use super::runs::{read_json, to_json};
use super::{Dir, Queue, Result};
use crate::domain::gate::Gate;
use crate::domain::outcome::Fault;
use crate::domain::time::UnixMs;
use crate::sys::fs;

impl Queue {
    /// The gates that are closed at `now`, by agent; usually none, at the price of one listing.
    pub fn closed_gates(&self, now: UnixMs) -> Result<Vec<(String, Gate)>> {
        let names = fs::list(&self.dir(Dir::Gates))?;
        let gates = names.iter().filter_map(|name| {
            let name = name.to_str()?;
            Some((name.to_owned(), self.gate(name)?))
        });
        Ok(gates.filter(|(_, gate)| gate.closed(now)).collect())
    }

    /// Closes an agent's gate after a fault that would meet its other tasks too.
    pub fn close_gate(&self, agent: &str, fault: Fault, detail: &str, now: UnixMs) -> Result<()> {
        let Some(gate) = Gate::after(self.gate(agent).as_ref(), fault, detail, now) else {
            return Ok(());
        };
        let staged = self.staging();
        fs::write(&staged, &to_json(&gate))?;
        let _placed = fs::rename(&staged, &self.file(Dir::Gates, agent))?;
        Ok(())
    }

    /// Opens an agent's gate: a task of its, begun at `since`, went well. One that began before the gate was
    /// closed says nothing about the trouble.
    pub fn open_gate(&self, agent: &str, since: UnixMs) -> Result<()> {
        if self.gate(agent).is_some_and(|gate| gate.since < since) {
            fs::unlink(&self.file(Dir::Gates, agent))?;
        }
        Ok(())
    }

    fn gate(&self, agent: &str) -> Option<Gate> {
        read_json(&self.file(Dir::Gates, agent))
    }
}
