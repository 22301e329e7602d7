//! Clearing up after a task that is over and whose worker died before it could.
//!
//! What is left in its trees is committed to their branches, and the trees are freed; what was only half prepared
//! belongs to nothing, and is removed.

use super::collect::CollectOrder;
use super::forget;
use super::holder::{Holder, TreePhase, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::open_tree::{OpenTree, TreeContent};
use super::order::Vacated;
use super::pool::TreePool;
use super::refusal::Removed;
use super::remove::Removal;
use super::tree::Tree;
use crate::git::error::Result;

impl TreePool {
    /// Clears the trees of a task.
    pub fn vacate(&self, queue: &str, task: &str) -> Result<Vacated> {
        let mut all = Vacated::Free;
        while let Some(number) = self.find(queue, task, None)? {
            match self.vacate_one(number, task)? {
                Vacated::Free => {}
                Vacated::Held => all = Vacated::Held,
                Vacated::Busy => return Ok(Vacated::Busy),
            }
        }
        Ok(all)
    }

    fn vacate_one(&self, number: u32, task: &str) -> Result<Vacated> {
        let Some(place) = self.places.take(number, "clearing up")? else {
            return Ok(Vacated::Busy);
        };
        let Some(holder) = place.holder()?.filter(|o| o.task == task) else {
            return Ok(Vacated::Free);
        };
        let mut settings = self.settings()?;
        settings.recall(&place.tree)?;
        let dir = match identity::check(&place.tree)? {
            TreeIdentity::Ours(dir) => dir,
            TreeIdentity::Gone => {
                forget::forget_missing(&self.repo, &place, &holder)?;
                return Ok(Vacated::Free);
            }
            TreeIdentity::Other(_)
                if holder.phase == TreePhase::Preparing && forget::only_registered(&place)? =>
            {
                forget::forget_missing(&self.repo, &place, &holder)?;
                return Ok(Vacated::Free);
            }
            TreeIdentity::Other(what) => {
                let note = Some(place.replaced(&what));
                place.occupy(&Holder { phase: TreePhase::Held, note, ..holder })?;
                return Ok(Vacated::Held);
            }
        };
        if holder.phase == TreePhase::Preparing {
            return self.remove_half_prepared(&place, holder);
        }
        let (git, notes) = self.mended(&place, &dir, &holder, &settings)?;
        let found = OpenTree { place, dir, git, before: TreeContent::Unknown };
        let mut tree = Tree::new(&self.repo, found, holder, settings, true, notes)?;
        tree.collect(&CollectOrder::plain("what was left uncommitted"))?;
        let held = tree.holds_more();
        tree.release(false)?;
        Ok(if held { Vacated::Held } else { Vacated::Free })
    }

    fn remove_half_prepared(&self, place: &TreeSlot, holder: Holder) -> Result<Vacated> {
        let order = Removal {
            task: Some(&holder.task),
            why: "its preparation was cut short",
            targets: &[],
            unmerged_too: true,
        };
        match self.remove_place(place, Some(holder.clone()), &order)? {
            Removed::Yes { .. } => Ok(Vacated::Free),
            Removed::No(refusal) => {
                let note = Some(format!("half prepared, and not removed: {refusal}"));
                place.occupy(&Holder { phase: TreePhase::Held, note, ..holder })?;
                Ok(Vacated::Held)
            }
        }
    }
}
