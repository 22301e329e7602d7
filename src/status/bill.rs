//! The running bill: what tasks that ended since a moment have cost, all their attempts.

use std::collections::HashSet;

use super::spent::spent;
use crate::domain::name::TaskEpoch;
use crate::domain::usage::Usage;
use crate::queue::{Queue, Result};

/// Adds up tasks as they end; each is read once.
#[derive(Debug, Default)]
pub struct Bill {
    seen: HashSet<TaskEpoch>,
    usage: Usage,
}

impl Bill {
    /// From now on: what has ended already is not on it.
    pub fn from_now(queue: &Queue) -> Result<Bill> {
        Ok(Bill { seen: ended(queue)?.collect(), usage: Usage::default() })
    }

    /// The bill up to now.
    pub fn so_far(&mut self, queue: &Queue) -> Result<&Usage> {
        for at in ended(queue)? {
            if self.seen.insert(at.clone()) {
                let attempts = queue.attempts(&at.id)?;
                attempts.iter().for_each(|attempt| self.usage.add(&spent(queue, attempt)));
            }
        }
        Ok(&self.usage)
    }
}

/// A cancelled task has cost something too; a rejected one has no attempts.
fn ended(queue: &Queue) -> Result<impl Iterator<Item = TaskEpoch>> {
    Ok(queue.all_ended()?.into_iter().map(|ended| ended.at().clone()))
}
