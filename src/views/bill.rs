//! The running bill: what tasks that ended since a moment have cost, all their attempts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::spent::spent;
use crate::domain::account::usage::Usage;
use crate::domain::time::UnixMs;
use crate::queue::shift::EndedTask;
use crate::queue::{Queue, Result};
use crate::site::Dir;
use crate::sys::{clock, fs};

/// Adds up tasks as they end; each is read once. A cancelled one has cost something, too. It remembers no more of them
/// than a number each, and only while they lie in the queue.
#[derive(Debug, Default)]
pub struct Bill {
    seen: HashSet<u64>,
    numbers: RandomState,
    usage: Usage,
    /// When the directories of ended tasks last changed, as of the last look; `None` where a later change could have the
    /// same time.
    as_of: Option<Vec<i128>>,
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
        // They may hold very many names, all night.
        let times = times(queue)?;
        if self.as_of.as_ref() == Some(&times) {
            return Ok(Vec::new());
        }
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
        self.as_of = is_old(&times, clock::now()).then_some(times);
        Ok(new)
    }

    /// The bill as of the last look.
    pub fn so_far(&self) -> &Usage {
        &self.usage
    }
}

/// File systems tell changes apart only so finely, with much to spare, nanoseconds.
const YOUNG_NS: i128 = 2_000_000_000;

/// When each directory of ended tasks last changed.
fn times(queue: &Queue) -> Result<Vec<i128>> {
    let mut times = Vec::new();
    for dir in [Dir::Done, Dir::Failed, Dir::Cancelled, Dir::Rejected] {
        times.extend(fs::look(&queue.paths().dir(dir))?.map(|meta| fs::mtime_ns(&meta)));
    }
    Ok(times)
}

/// Whether whatever changes from now on has another time.
fn is_old(times: &[i128], now: UnixMs) -> bool {
    times.iter().all(|time| i128::from(now.0) * 1_000_000 - time >= YOUNG_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_a_later_change_could_have_too_is_not_relied_on() {
        let now = UnixMs(10_000);
        for (times, old) in [
            (&[8_000_000_000, 1][..], true),
            (&[8_000_000_001, 1], false),
            (&[1, 10_000_000_000], false),
            // A clock that was ahead.
            (&[1, 90_000_000_000], false),
            (&[], true),
        ] {
            assert_eq!(is_old(times, now), old, "{times:?}");
        }
    }
}
