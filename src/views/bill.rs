//! The running bill: what tasks that ended since a moment have cost, all their attempts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::spent::spent;
use crate::domain::account::usage::Usage;
use crate::domain::task::name::TaskEpoch;
use crate::queue::{Queue, Result};

/// Adds up tasks as they end; each is read once. It remembers no more of them than a number each, and only while
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
        for at in ended(queue)? {
            let number = self.numbers.hash_one(at.to_string());
            there.insert(number);
            if !self.seen.contains(&number) {
                let attempts = queue.attempts(&at.id)?;
                attempts.iter().for_each(|attempt| self.usage.add(&spent(queue, attempt)));
            }
        }
        self.seen = there;
        Ok(&self.usage)
    }
}

/// A cancelled task has cost something too; a rejected one has no attempts.
fn ended(queue: &Queue) -> Result<impl Iterator<Item = TaskEpoch>> {
    Ok(queue.all_ended()?.into_iter().map(|ended| ended.at().clone()))
}
