//! Whether there is capacity for one more agent: disk, inodes and memory against what is kept free.
//!
//! Pure: a [`CapacitySnapshot`] of the machine goes in, a [`CapacityDecision`] comes out. Stateless, so that whoever
//! looks (a worker, `status`, `doctor`) comes to the same. Invariant: what is off, or what a file system does not count,
//! never keeps anybody waiting.

use std::collections::BTreeSet;

use super::reserve::{DiskSpace, Reserve};
use super::shortage::{Resource, Shortage};

/// What something takes of a file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TreeSize {
    /// Bytes, whole blocks.
    pub bytes: u64,
    /// Files and directories.
    pub inodes: u64,
}

/// Memory as a worker finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AvailableMemory {
    /// Bytes.
    pub available: u64,
    /// Whose limit is the nearest: `this machine`, or a control group.
    pub of: String,
}

/// Everything that the decision is made from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CapacitySnapshot {
    /// Each file system once.
    pub spaces: Vec<DiskSpace>,
    /// `None`: this system does not say.
    pub memory: Option<AvailableMemory>,
    /// What a new tree takes.
    pub tree: TreeSize,
    /// So many workers may decide at this very moment, at least this one.
    pub workers: u64,
    /// So many agents run, or are about to.
    pub claims: u64,
}

/// The trees that are there: a task that works in one of them needs no new one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReusableTrees {
    /// One is free: any task may use it.
    pub free: bool,
    /// Tasks that have one.
    pub tasks: BTreeSet<String>,
}

impl ReusableTrees {
    /// Whether this task needs no new tree.
    pub fn serves(&self, task: &str) -> bool {
        self.free || self.tasks.contains(task)
    }
}

/// A disk is ample if so many times as many workers could each make a tree: more do not start while one tree is made.
const AMPLE: u64 = 4;

/// The decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CapacityDecision {
    /// A task may be claimed. `alone`: not with another worker at the same time, since for the trees of all of them at
    /// once this would not suffice.
    Admit {
        /// What would not suffice.
        alone: Option<Resource>,
        /// No disk is near its end: the look may be believed for a moment, and nobody has to care for others' trees.
        ample: bool,
    },
    /// Only one that needs no new tree.
    Reuse(Shortage),
    /// None.
    Wait(Shortage),
}

/// How starts are spaced, as nobody can say yet how much memory an agent that has just started will take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StartSpacing {
    /// There is enough for one of every worker.
    #[default]
    Any,
    /// There is not, but enough for one agent more than run now, even if none of these has taken its memory yet: workers
    /// look and claim one after another, so that each sees the claims before its own.
    OneByOne,
    /// There is not even that: each waits until the last agent has run for a while, so that what it took is seen.
    Settled,
}

/// How starts are spaced, as far as memory is concerned.
pub fn start_spacing(seen: &CapacitySnapshot, reserve: &Reserve) -> StartSpacing {
    let enough = |agents: u64| short_of_memory(seen, reserve, agents).is_none();
    if enough(seen.workers.max(1)) {
        StartSpacing::Any
    } else if enough(seen.claims.saturating_add(1)) {
        StartSpacing::OneByOne
    } else {
        StartSpacing::Settled
    }
}

/// Decides whether one more agent may start.
pub fn decide(seen: &CapacitySnapshot, reserve: &Reserve) -> CapacityDecision {
    let none = TreeSize::default();
    if let Some(short) = shortage(seen, reserve, 1, none) {
        return CapacityDecision::Wait(short);
    }
    if let Some(short) = shortage(seen, reserve, 1, seen.tree) {
        return CapacityDecision::Reuse(short);
    }
    let trees = |times: u64| {
        let many = seen.workers.max(1).saturating_mul(times);
        let bytes = seen.tree.bytes.saturating_mul(many);
        TreeSize { bytes, inodes: seen.tree.inodes.saturating_mul(many) }
    };
    let alone = shortage(seen, reserve, 0, trees(1)).map(|short| short.what);
    let disks = seen.spaces.iter().all(|space| space.is_ample(reserve));
    CapacityDecision::Admit {
        alone,
        ample: disks && shortage(seen, reserve, 0, trees(AMPLE)).is_none(),
    }
}

/// What is short for so many agents whose trees take so much. The gravest first.
fn shortage(
    seen: &CapacitySnapshot,
    reserve: &Reserve,
    agents: u64,
    trees: TreeSize,
) -> Option<Shortage> {
    let disk = seen.spaces.iter().find_map(|space| {
        let trees = if space.trees { trees } else { TreeSize::default() };
        let place = space.path.display().to_string();
        let short = |what, have, kept: u64, tree: u64| {
            let need = kept.saturating_add(tree);
            // What is off stays off, also for trees.
            let is = kept > 0 && have < need;
            is.then(|| Shortage { what, place: place.clone(), have, need, tree })
        };
        let bytes = reserve.bytes_of(space.total_bytes);
        let inodes = reserve.inodes_of(space.total_inodes);
        let counted = space.total_inodes > 0;
        short(Resource::Disk, space.free_bytes, bytes, trees.bytes).or_else(|| {
            counted
                .then(|| short(Resource::Inodes, space.free_inodes, inodes, trees.inodes))
                .flatten()
        })
    });
    disk.or_else(|| short_of_memory(seen, reserve, agents))
}

fn short_of_memory(seen: &CapacitySnapshot, reserve: &Reserve, agents: u64) -> Option<Shortage> {
    let memory = seen.memory.as_ref()?;
    let need = reserve.memory_bytes.saturating_mul(agents);
    let place = memory.of.clone();
    let have = memory.available;
    (have < need).then_some(Shortage { what: Resource::Memory, place, have, need, tree: 0 })
}

/// Resource has become so short of disk that running agents are parked while there is room to save their work: a quarter
/// of what is kept free.
pub fn critical(spaces: &[DiskSpace], reserve: &Reserve) -> Option<Shortage> {
    spaces.iter().find_map(|space| {
        let place = space.path.display().to_string();
        let short = |what, have, kept: u64| {
            let need = kept / 4;
            (have < need).then(|| Shortage { what, place: place.clone(), have, need, tree: 0 })
        };
        let counted = space.total_inodes > 0;
        short(Resource::Disk, space.free_bytes, reserve.bytes_of(space.total_bytes)).or_else(|| {
            let kept = reserve.inodes_of(space.total_inodes);
            counted.then(|| short(Resource::Inodes, space.free_inodes, kept)).flatten()
        })
    })
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
