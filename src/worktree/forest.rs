//! The trees of one repository on one host: finding the right one for a task, or making it.
//!
//! The order of `enter` is: the tree that the task lives in already; else a free one, looked through;
//! else a new one. At every point the record on disk says what a successor has to do after a crash.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::branch::{self, Plan};
use super::occupant::{Occupant, Phase, Place, Places};
use super::order::{Entered, Order, Vacated};
use super::patience::remove_stale_locks;
use super::refusal::Removed;
use super::remove::Removal;
use super::repo::Repo;
use super::salvage::{self, Found};
use super::switch::{Before, attach, refill, switch};
use super::tree::Tree;
use super::trouble::{Result, Trouble};
use super::{heads, make};
use crate::sys::fs;

/// The most trees on one host; far above what a machine can run.
const MAX_TREES: u32 = 100_000;

/// The trees of one repository on one host.
pub struct Forest {
    pub(super) repo: Repo,
    pub(super) places: Places,
}

impl Forest {
    /// The forest in `trees_dir`, or beside the repository. In a directory that the operator chose, each
    /// repository has a directory of its own, since several may share it.
    pub fn new(repo: Repo, trees_dir: Option<PathBuf>, host: &str) -> Forest {
        let dir =
            trees_dir.map_or_else(|| repo.default_trees_dir(), |dir| dir.join(own_name(&repo)));
        Forest { repo, places: Places { dir, host: plain_host(host) } }
    }

    /// The repository.
    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    /// Where the trees are.
    pub fn dir(&self) -> &Path {
        &self.places.dir
    }

    /// Everybody who lives here, tree by tree.
    pub fn occupants(&self) -> Result<Vec<Occupant>> {
        let numbers = self.places.numbers()?;
        numbers.into_iter().filter_map(|n| self.places.occupant(n).transpose()).collect()
    }

    /// Gives the task its tree.
    pub fn enter(&self, order: &Order<'_>) -> Result<Entered> {
        fs::mkdirs(&self.places.dir)?;
        let mut notes = Vec::new();
        let ours = branch::intended(order.intent)?.filter(|_| !order.fresh);
        if let Some(number) = self.find(order.queue, order.task, ours.as_deref())?
            && !order.fresh
        {
            let Some(place) = self.places.take(number, order.token)? else {
                return Ok(Entered::Busy { holder: self.places.holder(number) });
            };
            match self.return_to(place, order)? {
                Returned::To(tree) => return Ok(Entered::Tree(tree)),
                Returned::Nothing(note) => notes.extend(note),
            }
        }
        let mut plan = branch::plan(&self.repo, order, None)?;
        notes.append(&mut plan.notes);
        let (place, git, before, more) = match self.free_place(order)? {
            Some(found) => found,
            None => self.new_place(order, &plan)?,
        };
        notes.extend(more);
        self.settle(place, git, before, order, plan, notes)
            .map(|tree| Entered::Tree(Box::new(tree)))
    }

    /// The tree in which this task lives, though not one that is kept for people. A task that started
    /// afresh may have left an older tree behind: `branch` tells them apart.
    fn find(&self, queue: &str, task: &str, branch: Option<&str>) -> Result<Option<u32>> {
        for number in self.places.numbers()? {
            let mine = |o: &Occupant| {
                let here = o.queue == queue && o.task == task && o.phase != Phase::Held;
                here && branch.is_none_or(|branch| o.branch == branch)
            };
            if self.places.occupant(number)?.is_some_and(|occupant| mine(&occupant)) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn return_to(&self, place: Place, order: &Order<'_>) -> Result<Returned> {
        let Some(occupant) = place.occupant()?.filter(|o| o.task == order.task) else {
            return Ok(Returned::Nothing(None));
        };
        let common = &self.repo.common;
        if !fs::is_dir(&place.tree) {
            self.forget_missing(&place, &occupant)?;
            place.vacate()?;
            let note = "the tree of the last attempt was gone".to_owned();
            return Ok(Returned::Nothing(
                Some(note).filter(|_| occupant.phase != Phase::Preparing),
            ));
        }
        if occupant.phase == Phase::Preparing {
            // No agent was in it: prepare it again, from whatever state the switch was left in.
            let mut plan = branch::plan(&self.repo, order, Some(&place.tree))?;
            let notes = std::mem::take(&mut plan.notes);
            let git = self.remade(&place, plan.tip)?;
            let tree = self.settle(place, git, Before::Unknown, order, plan, notes)?;
            return Ok(Returned::To(Box::new(tree)));
        }
        let mended = make::mend(common, &place.name, &place.tree, &occupant.branch)?;
        let mut notes = mended.notes;
        let git = make::open(&place.tree)?;
        remove_stale_locks(&git, None)?;
        if mended.emptied {
            refill(&git)?;
        }
        notes.extend(heads::check(&git, &occupant)?);
        let occupant = Occupant { token: order.token.into(), ..occupant };
        place.occupy(&occupant)?;
        let tree = Tree::new(&self.repo, place, git, occupant, true, notes);
        Ok(Returned::To(Box::new(tree)))
    }

    /// The half-prepared tree as a repository, tied again where that was cut short.
    fn remade(&self, place: &Place, at: Oid) -> Result<Repository> {
        if make::is_tied(&self.repo.common, &place.tree) {
            let git = make::open(&place.tree)?;
            remove_stale_locks(&git, None)?;
            return Ok(git);
        }
        make::forget(&self.repo.common, &place.tree)?;
        make::make(&self.repo.common, &admin_name(place), &place.tree, at)
    }

    fn free_place(&self, order: &Order<'_>) -> Result<Option<Settled>> {
        for number in self.places.numbers()? {
            if self.places.occupant(number)?.is_some() {
                continue;
            }
            let Some(place) = self.places.take(number, order.token)? else { continue };
            // It may have been taken and left again since we looked.
            if place.occupant()?.is_some() || !fs::is_dir(&place.tree) {
                continue;
            }
            match salvage::prepare(&self.repo.common, &place) {
                Ok(Found::Usable(git, before, notes)) => {
                    return Ok(Some((place, git, before, notes)));
                }
                Ok(Found::Unusable(note)) => place.occupy(&held(order, note))?,
                // A power cut left half an object, say: what is there is its owner's to look at, and no
                // reason to turn every task away.
                Err(trouble @ Trouble::Git { .. }) if !trouble.disk_full() => {
                    place.occupy(&held(order, trouble.to_string()))?;
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(None)
    }

    fn new_place(&self, order: &Order<'_>, plan: &Plan) -> Result<Settled> {
        let intent = &plan.intent;
        // Trees that somebody lives in are not even tried: a lock on one, however short, would turn its
        // own task away.
        let taken = self.places.numbers()?;
        let used = |n: &u32| taken.contains(n) && self.places.is_used(*n);
        for number in (1..MAX_TREES).filter(|number| !used(number)) {
            let Some(place) = self.places.take(number, order.token)? else { continue };
            if place.occupant()?.is_some() || fs::exists(&place.tree) {
                continue;
            }
            // The record comes first: a tree without one would be taken for a free one.
            place.occupy(&preparing(order, &intent.branch, &intent.base, intent.since_ms))?;
            make::forget(&self.repo.common, &place.tree)?;
            let name = admin_name(&place);
            let git = make::make(&self.repo.common, &name, &place.tree, plan.tip)?;
            return Ok((place, git, Before::Unknown, Vec::new()));
        }
        Err(Trouble::BadName { name: self.places.host.clone(), why: "it has too many trees" })
    }

    fn settle(
        &self,
        place: Place,
        git: Repository,
        before: Before,
        order: &Order<'_>,
        plan: Plan,
        notes: Vec<String>,
    ) -> Result<Tree> {
        let intent = plan.intent;
        let mut occupant = preparing(order, &intent.branch, &intent.base, intent.since_ms);
        place.occupy(&occupant)?;
        if before == Before::Head && heads::stands_at(&git, plan.tip) {
            attach(&git, &intent.branch)?;
        } else {
            switch(&git, before, plan.tip, &intent.branch)?;
        }
        place.settled(&mut occupant)?;
        Ok(Tree::new(&self.repo, place, git, occupant, plan.continued, notes))
    }

    /// Clears up after a task that is over and whose worker died before it could: what is left in its
    /// trees is committed to their branches, and the trees freed.
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
        let Some(occupant) = place.occupant()?.filter(|o| o.task == task) else {
            return Ok(Vacated::Free);
        };
        if !fs::is_dir(&place.tree) {
            self.forget_missing(&place, &occupant)?;
            place.vacate()?;
            return Ok(Vacated::Free);
        }
        if occupant.phase == Phase::Preparing {
            return self.remove_half_prepared(&place, occupant);
        }
        let common = &self.repo.common;
        let mended = make::mend(common, &place.name, &place.tree, &occupant.branch)?;
        let git = make::open(&place.tree)?;
        if mended.emptied {
            refill(&git)?;
        }
        let mut tree = Tree::new(&self.repo, place, git, occupant, true, Vec::new());
        tree.collect(&super::CollectOrder::plain("what was left uncommitted"))?;
        let held = tree.holds_more();
        tree.release(false)?;
        Ok(if held { Vacated::Held } else { Vacated::Free })
    }
}

impl Forest {
    /// A switch of files was cut short, and nobody worked here since: what is in it belongs to nothing.
    fn remove_half_prepared(&self, place: &Place, occupant: Occupant) -> Result<Vacated> {
        let order = Removal {
            task: Some(&occupant.task),
            why: "its preparation was cut short",
            targets: &[],
            unmerged_too: true,
        };
        match self.remove_place(place, Some(occupant.clone()), &order)? {
            Removed::Yes { .. } => Ok(Vacated::Free),
            Removed::No(refusal) => {
                let note = Some(format!("half prepared, and not removed: {refusal}"));
                place.occupy(&Occupant { phase: Phase::Held, note, ..occupant })?;
                Ok(Vacated::Held)
            }
        }
    }
}

type Settled = (Place, Repository, Before, Vec<String>);

enum Returned {
    To(Box<Tree>),
    Nothing(Option<String>),
}

fn preparing(order: &Order<'_>, branch: &str, base: &str, since_ms: u64) -> Occupant {
    Occupant {
        queue: order.queue.into(),
        task: order.task.into(),
        token: order.token.into(),
        branch: branch.into(),
        base: base.into(),
        phase: Phase::Preparing,
        since_ms,
        note: None,
    }
}

fn held(order: &Order<'_>, note: String) -> Occupant {
    Occupant {
        phase: Phase::Held,
        note: Some(note),
        task: String::new(),
        ..preparing(order, "", "", 0)
    }
}

/// What git calls the worktree.
pub(super) fn admin_name(place: &Place) -> String {
    format!("swarm-{}", place.name)
}

/// A directory name for a repository among others: its own, and digits that tell namesakes apart.
fn own_name(repo: &Repo) -> String {
    let name = repo.root().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = repo.common.as_os_str().as_encoded_bytes();
    let digits = Oid::hash_object(git2::ObjectType::Blob, path);
    let digits = digits.map_or_else(|_| String::new(), |oid| oid.to_string());
    format!("{}-{}", plain_host(&name), digits.get(..8).unwrap_or("0"))
}

/// A name that is safe in a path and in a ref.
fn plain_host(host: &str) -> String {
    let plain: String =
        host.chars().take(40).map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let trimmed = plain.trim_matches('-');
    if trimmed.is_empty() { "host".into() } else { trimmed.into() }
}
