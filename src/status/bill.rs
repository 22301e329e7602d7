//! The running bill: what attempts that ended since a moment have cost.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::domain::name::AttemptName;
use crate::domain::usage::Usage;
use crate::queue::shift::Ended;
use crate::queue::{Queue, Result};

/// Adds up attempts as they end; each is read once. It remembers no more of them than a number each, and only while
/// they lie in the queue.
#[derive(Debug, Default)]
pub struct Bill {
    seen: HashSet<u64>,
    numbers: RandomState,
    usage: Usage,
}

impl Bill {
    /// From now on: what has ended already is not on it.
    pub fn from_now(queue: &Queue) -> Result<Bill> {
        let mut bill = Bill::default();
        bill.seen = ended(queue)?.map(|name| bill.numbers.hash_one(name.to_string())).collect();
        Ok(bill)
    }

    /// The bill up to now.
    pub fn so_far(&mut self, queue: &Queue) -> Result<&Usage> {
        let mut there = HashSet::new();
        for name in ended(queue)? {
            let number = self.numbers.hash_one(name.to_string());
            there.insert(number);
            if !self.seen.contains(&number) {
                let attempts = queue.attempts(&name.at.id)?;
                attempts
                    .iter()
                    .filter_map(|a| a.result.as_ref())
                    .for_each(|r| self.usage.add(&r.usage));
            }
        }
        self.seen = there;
        Ok(&self.usage)
    }
}

fn ended(queue: &Queue) -> Result<impl Iterator<Item = AttemptName>> {
    Ok(queue.all_ended()?.into_iter().filter_map(|ended| match ended {
        Ended::Done(name) | Ended::Failed(name) => Some(name),
        Ended::Cancelled(_) | Ended::Rejected(_) => None,
    }))
}
