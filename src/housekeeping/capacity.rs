//! What [`crate::capacity`] has to be told of the queue and of trees.

use std::path::Path;

use crate::capacity::{
    CapacityFacts, CapacityProbe, CapacitySettings, Load, ReserveFile, shortage_as_seen,
};
use crate::domain::capacity::decision::ReusableTrees;
use crate::domain::capacity::shortage::Shortage;
use crate::domain::settings::config::Config;
use crate::git::Repo;
use crate::queue::{Queue, QueueError, Result};
use crate::sys::{identity, memory};
use crate::worktree::TreePool;

/// One queue under these settings.
pub struct QueueCapacity<'a> {
    /// Whose tasks wait.
    pub queue: &'a Queue,
    /// Where their trees are.
    pub config: &'a Config,
}

impl QueueCapacity<'_> {
    /// A probe of the machine for this queue.
    pub fn probe(&self) -> CapacityProbe {
        CapacityProbe::new(CapacitySettings::of(self.config), reserve_file(self.queue))
    }

    /// Why nobody can claim, as the workers that live on this machine find it: for people who look from outside.
    /// Without workers as this process does. It makes nothing.
    pub fn shortage_for_workers(&self) -> Result<Option<Shortage>> {
        let me = identity::me();
        let workers = self.queue.workers()?;
        let here = workers.iter().filter(|(card, _)| card.lives_here(&me));
        let theirs = here.filter_map(|(card, _)| memory::available_to(card.process.pid));
        let least = theirs.min_by_key(|memory| memory.available);
        shortage_as_seen(&CapacitySettings::read_only(self.config), least, self)
    }
}

/// The queue's reserve.
pub fn reserve_file(queue: &Queue) -> ReserveFile {
    ReserveFile::at(queue.paths().reserve_file())
}

impl CapacityFacts for QueueCapacity<'_> {
    type Error = QueueError;

    fn load(&self) -> Result<Load> {
        let workers = self.queue.worker_ids()?.len() as u64;
        Ok(Load { workers, claims: self.queue.claim_count()? as u64 })
    }

    /// Of all repositories on this host; what cannot be looked at has none.
    fn trees(&self) -> ReusableTrees {
        let host = identity::me().host;
        let of = |path: &Path| {
            let repo = Repo::discover(path).ok()?;
            TreePool::new(repo, self.config.trees.clone(), &host).reusable().ok()
        };
        let all = self.config.repositories().into_iter().filter_map(|path| of(&path));
        all.fold(ReusableTrees::default(), |mut sum, trees| {
            sum.free |= trees.free;
            sum.tasks.extend(trees.tasks);
            sum
        })
    }

    fn waiting(&self) -> Result<Vec<String>> {
        let seen = self.queue.scan()?;
        let waits = seen.ready.iter().filter(|name| !seen.claims.contains_key(&name.at));
        Ok(waits.map(|name| name.at.id.to_string()).collect())
    }
}
