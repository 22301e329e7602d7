//! The capacity probe: one process's look at the machine, and whether one more agent may start.
//!
//! Cheap (a few system calls; what a tree takes is remembered), so that it can be asked before each claim. It changes
//! nothing but the queue's reserve file.

use std::path::PathBuf;

use super::settings::CapacitySettings;
use super::settings::ReserveFile;
use crate::domain::capacity::decision::{
    AvailableMemory, CapacityDecision, CapacitySnapshot, ReusableTrees, StartSpacing, TreeSize,
    decide, start_spacing,
};
use crate::domain::capacity::shortage::Shortage;
use crate::git::checkout_size;
use crate::sys::clock;

/// What a new tree takes is measured anew so often, milliseconds.
const TREE_SIZE_MS: u64 = 60_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    /// Workers that are registered.
    pub workers: u64,
    pub claims: u64,
}

/// What has to be told to the probe of the queue and of trees.
pub trait CapacityFacts {
    type Error;

    fn load(&self) -> Result<Load, Self::Error>;

    fn trees(&self) -> ReusableTrees;

    /// Tasks that wait to be claimed.
    fn waiting(&self) -> Result<Vec<String>, Self::Error>;
}

#[derive(Debug)]
pub struct CapacityProbe {
    pub(super) settings: CapacitySettings,
    reserve_file: ReserveFile,
    tree: TreeSize,
    tree_stale_at_ms: u64,
}

impl CapacityProbe {
    /// Has not looked yet.
    pub fn new(settings: CapacitySettings, reserve_file: ReserveFile) -> CapacityProbe {
        CapacityProbe { settings, reserve_file, tree: TreeSize::default(), tree_stale_at_ms: 0 }
    }

    /// Looks now, and keeps the queue's reserve. `alone`: nobody else on this machine claims before our tree is made.
    pub(super) fn look<F: CapacityFacts>(
        &mut self,
        facts: &F,
        alone: bool,
    ) -> Result<(CapacityDecision, StartSpacing), F::Error> {
        let now = clock::mono_ms();
        if now >= self.tree_stale_at_ms {
            self.tree = largest_checkout(&self.settings.repositories);
            self.tree_stale_at_ms = now + TREE_SIZE_MS;
        }
        let Load { workers, claims } = facts.load()?;
        let reserve = &self.settings.reserve;
        let spaces = self.settings.disks();
        if let Some(disk) = self.settings.queue_disk(&spaces) {
            let trees = if alone { 1 } else { workers.max(1) };
            // A help, not a must: without it the state is written as long as the disk has space at all.
            self.reserve_file.keep(disk, reserve, self.tree.bytes.saturating_mul(trees)).ok();
        }
        let memory = CapacitySettings::memory();
        let seen = CapacitySnapshot { spaces, memory, tree: self.tree, workers, claims };
        Ok((decide(&seen, reserve), start_spacing(&seen, reserve)))
    }

    /// Why nobody can claim now, if that is so.
    pub fn shortage<F: CapacityFacts>(&mut self, facts: &F) -> Result<Option<Shortage>, F::Error> {
        let (decision, _) = self.look(facts, false)?;
        for_everybody(decision, facts)
    }
}

/// The same for people who look from outside, with the least memory that is available to a worker here (else to this
/// process). It makes nothing.
pub fn shortage_as_seen<F: CapacityFacts>(
    settings: &CapacitySettings,
    memory: Option<AvailableMemory>,
    facts: &F,
) -> Result<Option<Shortage>, F::Error> {
    let seen = CapacitySnapshot {
        spaces: settings.disks(),
        memory: memory.or_else(CapacitySettings::memory),
        tree: largest_checkout(&settings.repositories),
        workers: 1,
        claims: 0,
    };
    for_everybody(decide(&seen, &settings.reserve), facts)
}

/// Why nobody can claim, where that is so: also where only a tree that is there would do, and none is free or
/// belongs to a task that waits.
fn for_everybody<F: CapacityFacts>(
    decision: CapacityDecision,
    facts: &F,
) -> Result<Option<Shortage>, F::Error> {
    let short = match decision {
        CapacityDecision::Admit { .. } => return Ok(None),
        CapacityDecision::Wait(short) => return Ok(Some(short)),
        CapacityDecision::Reuse(short) => short,
    };
    let trees = facts.trees();
    let served = trees.free || facts.waiting()?.iter().any(|task| trees.serves(task));
    Ok((!served).then_some(short))
}

/// What a new tree of the largest of these repositories takes; what is no repository takes nothing.
pub fn largest_checkout(repositories: &[PathBuf]) -> TreeSize {
    let sizes = repositories.iter().map(|path| checkout_size(path));
    sizes.max_by_key(|size| size.bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capacity::shortage::Resource;

    struct Told(ReusableTrees, &'static [&'static str]);

    impl CapacityFacts for Told {
        type Error = ();

        fn load(&self) -> Result<Load, ()> {
            Ok(Load { workers: 1, claims: 0 })
        }

        fn trees(&self) -> ReusableTrees {
            self.0.clone()
        }

        fn waiting(&self) -> Result<Vec<String>, ()> {
            Ok(self.1.iter().map(|task| (*task).to_owned()).collect())
        }
    }

    #[test]
    fn a_shortage_of_new_trees_is_one_only_where_no_tree_that_is_there_serves_a_task_that_waits() {
        let short =
            Shortage { what: Resource::Disk, place: "/d".into(), have: 1, need: 2, tree: 1 };
        let reuse = CapacityDecision::Reuse(short.clone());
        let admit = CapacityDecision::Admit { alone: None, ample: true };
        let trees = |free, tasks: &[&str]| ReusableTrees {
            free,
            tasks: tasks.iter().map(|task| (*task).to_owned()).collect(),
        };
        let cases: [(&CapacityDecision, ReusableTrees, &'static [&'static str], bool); 6] = [
            (&admit, trees(false, &[]), &["a"], false),
            (&CapacityDecision::Wait(short.clone()), trees(true, &["a"]), &["a"], true),
            (&reuse, trees(true, &[]), &["a"], false),
            (&reuse, trees(false, &["a"]), &["b", "a"], false),
            (&reuse, trees(false, &["c"]), &["b", "a"], true),
            (&reuse, trees(false, &["c"]), &[], true),
        ];
        for (number, (decision, trees, waiting, is_short)) in cases.into_iter().enumerate() {
            let found = for_everybody(decision.clone(), &Told(trees, waiting)).unwrap();
            assert_eq!(found.is_some(), is_short, "case {number}");
        }
    }
}
