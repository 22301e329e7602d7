//! The running bill: what attempts that ended since a moment have cost.

use std::collections::HashSet;

use crate::domain::name::AttemptName;
use crate::domain::usage::Usage;
use crate::queue::shift::Ended;
use crate::queue::{Queue, Result};

/// Adds up attempts as they end; each is read once.
#[derive(Debug, Default)]
pub struct Bill {
    seen: HashSet<AttemptName>,
    usage: Usage,
}

impl Bill {
    /// From now on: what has ended already is not on it.
    pub fn from_now(queue: &Queue) -> Result<Bill> {
        Ok(Bill { seen: ended(queue)?.collect(), usage: Usage::default() })
    }

    /// The bill up to now.
    pub fn so_far(&mut self, queue: &Queue) -> Result<&Usage> {
        for name in ended(queue)? {
            if self.seen.insert(name.clone()) {
                let attempts = queue.attempts(&name.at.id)?;
                attempts
                    .iter()
                    .filter_map(|a| a.result.as_ref())
                    .for_each(|r| self.usage.add(&r.usage));
            }
        }
        Ok(&self.usage)
    }
}

fn ended(queue: &Queue) -> Result<impl Iterator<Item = AttemptName>> {
    Ok(queue.all_ended()?.into_iter().filter_map(|ended| match ended {
        Ended::Done(name) | Ended::Failed(name) => Some(name),
        Ended::Cancelled(_) | Ended::Rejected(_) => None,
    }))
}
