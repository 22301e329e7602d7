//! The running bill: what tasks that ended since a moment have cost, all their attempts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::spent::spent;
use crate::domain::account::usage::Usage;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};

/// Adds up tasks as they end; each is read once. A cancelled one has cost something, too. It remembers no more of them
/// than a number each, and only while they lie in the queue.
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
        let ended = queue.all_ended()?.into_iter();
        bill.seen = ended.map(|name| bill.numbers.hash_one(name.at().to_string())).collect();
        Ok(bill)
    }

    /// Looks anew; the tasks that have ended since the last look.
    pub fn look(&mut self, queue: &Queue) -> Result<Vec<EndedTask>> {
        let mut there = HashSet::new();
        let mut new = Vec::new();
        for ended in queue.all_ended()? {
            let number = self.numbers.hash_one(ended.at().to_string());
            there.insert(number);
            if !self.seen.contains(&number) {
                let attempts = queue.attempts(&ended.at().id)?;
                attempts.iter().for_each(|attempt| self.usage.add(&spent(queue, attempt)));
                new.push(ended);
            }
        }
        self.seen = there;
        Ok(new)
    }

    /// The bill as of the last look.
    pub fn so_far(&self) -> &Usage {
        &self.usage
    }
}
