//! The agents' service, as its owner sees it: makes the state, and reads the ledger.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::queue::Result;
use crate::rehearsal::service::{Answer, Entry, ServiceState};
use crate::sys::fs;

/// The directory, outside of everything that the swarm sees.
#[derive(Debug)]
pub(super) struct Owner {
    dir: PathBuf,
    pub(super) state: ServiceState,
}

/// What one task used, by the service's own count.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) served: Vec<Entry>,
    pub(super) refused: Vec<Answer>,
}

impl Account {
    pub(super) fn tokens(&self) -> u64 {
        self.served.iter().map(|entry| entry.tokens).sum()
    }

    /// Calls beyond the first for a step.
    pub(super) fn repeats(&self) -> usize {
        let mut steps: Vec<&str> = self.served.iter().map(|entry| entry.step.as_str()).collect();
        let calls = steps.len();
        steps.sort_unstable();
        steps.dedup();
        calls - steps.len()
    }
}

impl Owner {
    pub(super) fn open(dir: &Path) -> Result<Owner> {
        let owner = Owner { dir: dir.to_owned(), state: ServiceState::default() };
        owner.publish()?;
        Ok(owner)
    }

    /// From now on the state is as it stands here.
    pub(super) fn publish(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.state).expect("plain data");
        let staged = self.dir.join("state.new");
        fs::write(&staged, &text)?;
        // Nobody else moves the staged file, so this rename loses no race.
        let _ = fs::rename(&staged, &self.dir.join("state"))?;
        Ok(())
    }

    /// Every call, oldest first.
    pub(super) fn ledger(&self) -> Result<Vec<Entry>> {
        let bytes = fs::read_if_any(&self.dir.join("ledger"))?.unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

/// The ledger by task.
pub(super) fn accounts(ledger: &[Entry]) -> HashMap<String, Account> {
    let mut accounts: HashMap<String, Account> = HashMap::new();
    for entry in ledger {
        let account = accounts.entry(entry.task.clone()).or_default();
        match entry.answer {
            Answer::Served => account.served.push(entry.clone()),
            refused => account.refused.push(refused),
        }
    }
    accounts
}
