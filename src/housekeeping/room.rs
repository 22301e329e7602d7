//! A look at the machine: whether there is room for one more agent, and which trees need none.
//!
//! Cheap (a few system calls; what a tree takes is remembered), so that it can be asked before each claim. It
//! changes nothing but the queue's reserve file.

use std::path::Path;

use crate::domain::capacity::admission::{
    Need, Short, Snapshot, Spacing, Verdict, decide, spacing,
};
use crate::domain::settings::config::Config;
use crate::domain::task::name::QueueName;
use crate::git::Repo;
use crate::queue::{Queue, Result};
use crate::site;
use crate::sys::{clock, disk, identity, memory};
use crate::worktree::TreePool;
use crate::worktree::room::{Homes, tree_need};

/// What a new tree takes is measured anew so often, milliseconds.
const NEED_MS: u64 = 60_000;

/// One process's view of the machine's room.
#[derive(Default)]
pub struct Surveyor {
    need: Need,
    need_stale_at_ms: u64,
    /// What the latest look said of memory.
    spacing: Spacing,
}

impl Surveyor {
    /// Looks whether there is room now, and keeps the queue's reserve. `alone`: nobody else on this machine claims
    /// before our tree is made.
    pub fn look(&mut self, queue: &Queue, config: &Config, alone: bool) -> Result<Verdict> {
        let now = clock::mono_ms();
        if now >= self.need_stale_at_ms {
            self.need = largest_tree(config);
            self.need_stale_at_ms = now + NEED_MS;
        }
        let workers = queue.worker_ids()?.len() as u64;
        // Without one the state is written as long as there is room at all.
        let trees = if alone { 1 } else { workers.max(1) };
        let spare = self.need.bytes.saturating_mul(trees);
        let _a_help_not_a_must = queue.keep_reserve(&config.reserve, spare);
        let seen = Snapshot {
            spaces: disk::spaces(&site::takes_room(config)),
            memory: memory::available(),
            tree: self.need,
            workers,
            claims: queue.claim_count()? as u64,
        };
        self.spacing = spacing(&seen, &config.reserve);
        Ok(decide(&seen, &config.reserve))
    }

    /// How agents come, after the latest look.
    pub fn spacing(&self) -> Spacing {
        self.spacing
    }

    /// Why nobody can claim now, if that is so.
    pub fn short(&mut self, queue: &Queue, config: &Config) -> Result<Option<Short>> {
        missing(self.look(queue, config, false)?, queue, config)
    }
}

/// The same, as the workers that live on this machine find it: for people who look from outside. Without workers
/// as this process does. It makes nothing.
pub fn short_for_workers(queue: &Queue, config: &Config) -> Result<Option<Short>> {
    let me = identity::me();
    let workers = queue.workers()?;
    let here = workers.iter().filter(|(card, _)| card.lives_here(&me));
    let theirs = here.filter_map(|(card, _)| memory::available_to(card.process.pid));
    let seen = Snapshot {
        spaces: disk::spaces(&site::takes_room(config)),
        memory: theirs.min_by_key(|memory| memory.available).or_else(memory::available),
        tree: largest_tree(config),
        workers: 1,
        claims: 0,
    };
    missing(decide(&seen, &config.reserve), queue, config)
}

/// Why nobody can claim, where that is so: also where only a tree that is there would do, and none is free or
/// belongs to a task that waits.
fn missing(verdict: Verdict, queue: &Queue, config: &Config) -> Result<Option<Short>> {
    let short = match verdict {
        Verdict::Admit { .. } => return Ok(None),
        Verdict::Wait(short) => return Ok(Some(short)),
        Verdict::Reuse(short) => short,
    };
    let homes = homes(config);
    if homes.free {
        return Ok(None);
    }
    let seen = queue.scan()?;
    let waits = seen.ready.iter().filter(|name| !seen.claims.contains_key(&name.at));
    let at_home = |name: &QueueName| homes.tasks.contains(name.at.id.as_str());
    Ok((!waits.into_iter().any(at_home)).then_some(short))
}

/// What a new tree takes, of the repository whose trees take most.
pub fn largest_tree(config: &Config) -> Need {
    let needs = config.repositories().into_iter().map(|path| tree_need(&path));
    needs.max_by_key(|need| need.bytes).unwrap_or_default()
}

/// The trees of all repositories on this host; what cannot be looked at has none.
pub fn homes(config: &Config) -> Homes {
    let host = identity::me().host;
    let of = |path: &Path| {
        let repo = Repo::discover(path).ok()?;
        TreePool::new(repo, config.trees.clone(), &host).homes().ok()
    };
    let all = config.repositories().into_iter().filter_map(|path| of(&path));
    all.fold(Homes::default(), |mut sum, homes| {
        sum.free |= homes.free;
        sum.tasks.extend(homes.tasks);
        sum
    })
}
