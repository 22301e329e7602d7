//! A worker's own copy of the list of `ready/`.
//!
//! Listing 100,000 names takes tens of milliseconds, a lost claim one microsecond: so it is listed rarely,
//! and a lost name is exact knowledge (names never come back).

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use super::{Queue, Result};
use crate::domain::task::name::QueueName;
use crate::site::Dir;
use crate::sys::clock;
use crate::sys::fs;
use crate::sys::random;

/// Workers choose at random among the first so many of one band (twice as many as there are workers, where
/// that is more), so that they do not fight for the head.
const WINDOW: usize = 16;
/// A list is at least so old before it is made anew while it still holds names, milliseconds.
const FRESH_MS: u64 = 200;
/// Listing takes at most one part in so many of a worker's time.
const SHARE: u64 = 20;

#[derive(Debug, Default)]
pub struct ReadyList {
    /// Last first, so that the head is cheap to take away.
    names: Vec<String>,
    window: usize,
    stale_at_ms: u64,
}

impl Queue {
    /// When a name last came to `ready/` or left it, by the file system's clock; `None` where that is unknown.
    pub fn ready_stamp(&self) -> Option<i128> {
        fs::look(&self.dir(Dir::Ready)).ok().flatten().map(|meta| fs::mtime_ns(&meta))
    }
}

impl ReadyList {
    /// The next name to try; `eligible` may refuse some (of a closed account), which are skipped until the next
    /// listing. `None`: a fresh listing held nothing to try.
    pub fn next(
        &mut self,
        queue: &Queue,
        mut eligible: impl FnMut(&QueueName) -> bool,
    ) -> Result<Option<QueueName>> {
        let mut fresh = false;
        if clock::mono_ms() >= self.stale_at_ms {
            self.relist(queue)?;
            fresh = true;
        }
        loop {
            while let Some(text) = self.pick() {
                match QueueName::parse(&text) {
                    Some(name) if name.reason.is_none() && eligible(&name) => {
                        return Ok(Some(name));
                    }
                    _ => {}
                }
            }
            if fresh {
                return Ok(None);
            }
            self.relist(queue)?;
            fresh = true;
        }
    }

    pub fn invalidate(&mut self) {
        self.stale_at_ms = 0;
    }

    fn pick(&mut self) -> Option<String> {
        let head = self.names.last()?;
        let band = head.as_bytes().first().copied();
        let same = self.names.iter().rev().take(self.window);
        let window = same.take_while(|name| name.as_bytes().first().copied() == band).count();
        let choice = usize::try_from(random::below(window as u64)).unwrap_or(0);
        Some(self.names.remove(self.names.len() - 1 - choice))
    }

    fn relist(&mut self, queue: &Queue) -> Result<()> {
        let before = clock::mono_ms();
        // A task that is worked on keeps its name here. Claims are listed first: one that goes meanwhile
        // only costs a look at the next listing.
        let claimed: HashSet<OsString> = fs::list(&queue.dir(Dir::Claims))?.into_iter().collect();
        let free = |name: &String| name.get(2..).is_none_or(|at| !claimed.contains(OsStr::new(at)));
        let names = fs::list(&queue.dir(Dir::Ready))?;
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        self.names = names.filter(free).collect();
        self.window = WINDOW.max(2 * claimed.len());
        self.names.sort_unstable_by(|a, b| b.cmp(a));
        let after = clock::mono_ms();
        self.stale_at_ms = after + FRESH_MS.max((after - before) * SHARE);
        Ok(())
    }
}
