//! Which task this worker holds, as its threads know it; and how it gets one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::Worker;
use super::control::Level;
use crate::domain::gate::Gate;
use crate::domain::name::{QueueName, TaskEpoch};
use crate::queue::claim::{Claim, Tried};
use crate::queue::{Queue, Result};
use crate::sys::clock;

/// Gates are looked at so often, milliseconds: well within the second in which a closed one must hold.
const GATES_MS: u64 = 200;

/// The task in hand (or about to be claimed), for the heart to watch over.
#[derive(Clone, Default)]
pub(super) struct Holding(Arc<Mutex<Option<QueueName>>>);

impl Holding {
    pub(super) fn set(&self, name: Option<QueueName>) {
        *self.lock() = name;
    }

    pub(super) fn get(&self) -> Option<QueueName> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<QueueName>> {
        self.0.lock().expect("a panic ends the process, so nobody sees a poisoned lock")
    }
}

impl Worker {
    /// Claims the best eligible task. `None`: there is none, or a stop came.
    pub(super) fn claim_next(&mut self) -> Result<Option<Claim>> {
        let gates = self.gates()?;
        // What others hold still stands in `ready/`: tried once a look, or an idle worker would spin on it.
        let mut held: HashSet<TaskEpoch> = HashSet::new();
        loop {
            if self.shared.control.level() > Level::Run {
                return Ok(None);
            }
            let queue = &self.shared.queue;
            let agent = &self.config.agent;
            let eligible = |name: &QueueName| {
                !held.contains(&name.at) && (gates.is_empty() || open(queue, agent, &gates, name))
            };
            let Some(name) = self.idle.ready.next(queue, eligible)? else { return Ok(None) };
            // Known to the heart before the link exists: what bears our inode and is unknown it gives back.
            self.shared.holding.set(Some(name.clone()));
            match queue.claim(&self.shared.registration, &name)? {
                Tried::Won(claim) => {
                    let worker = json!({ "worker": self.shared.registration.id() });
                    self.shared.journal.note("claim", Some(&name.at), worker);
                    return Ok(Some(claim));
                }
                Tried::Buried => self.shared.control.fence(),
                Tried::Lost | Tried::Gone => {}
            }
            self.shared.holding.set(None);
            held.insert(name.at);
        }
    }
}

impl Worker {
    /// The closed gates, as they were a moment ago.
    fn gates(&mut self) -> Result<Vec<(String, Gate)>> {
        let now = clock::mono_ms();
        if now >= self.gates.1 {
            self.gates = (self.shared.queue.closed_gates(clock::now())?, now + GATES_MS);
        }
        Ok(self.gates.0.clone())
    }
}

/// Whether the task's agent has an open gate. Read from the record, only while some gate is closed.
fn open(queue: &Queue, default: &str, gates: &[(String, Gate)], name: &QueueName) -> bool {
    let named = queue.record(&name.at.id).and_then(|record| record.agent);
    let agent = named.as_deref().unwrap_or(default);
    gates.iter().all(|(closed, _)| closed != agent)
}
