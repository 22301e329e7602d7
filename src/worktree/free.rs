//! Trees that nobody works in: whether a free one is as new, exactly what HEAD says, with nothing in it that the next task
//! would stumble over; and clearing up after a task that is over and whose worker died before it could.
//!
//! Somebody may have worked in a free one by hand since it was released, an agent may have left a sparse checkout, a release
//! may have been cut short. What is not as new is removed the usual way, which saves what nothing else holds. What is left
//! of a task is committed to its branch; what was only half prepared belongs to nothing, and is removed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{Repository, RepositoryState};

use super::collect::CollectOrder;
use super::fill::sweep;
use super::forget;
use super::holder::{Holder, OpenTree, TreeContent, TreePhase, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::make::{self, with_files};
use super::order::{Removed, TreeRequest, Vacated, held};
use super::pool::TreePool;
use super::remove::Removal;
use super::settings::GitSettings;
use super::stage::read_index;
use super::survey::survey;
use super::tree::Tree;
use crate::git::command::Git;
use crate::git::error::Result;
use crate::git::patience::remove_stale_locks;
use crate::git::submodule;
use crate::sys::dir::Dir;
use crate::sys::fs;

/// Names in a tree's administrative directory that a new one does not have.
const ODD: [&str; 4] = ["config.worktree", "info/sparse-checkout", "info/attributes", "locked"];

enum FreeTree {
    AsNew(Dir, Repository),
    /// It was not, and is gone; what it held, for people.
    Removed(Option<String>),
    /// It is not, and has to stay; why.
    Kept(String),
}

impl TreePool {
    /// A free tree that is as new. One that is not is removed, saved where that is needed; one that cannot be removed
    /// is kept for people.
    pub(super) fn free_place(
        &self,
        order: &TreeRequest<'_>,
        settings: &GitSettings,
        notes: &mut Vec<String>,
    ) -> Result<Option<OpenTree>> {
        for number in self.places.numbers()? {
            if self.places.holder(number)?.is_some() {
                continue;
            }
            let Some(place) = self.places.take(number, order.token)? else { continue };
            // It may have been taken and left again since we looked.
            if place.holder()?.is_some() || !fs::exists(&place.tree) {
                continue;
            }
            let kept = match self.judge(&place, settings) {
                Ok(FreeTree::AsNew(dir, git)) => {
                    return Ok(Some(OpenTree { place, dir, git, before: TreeContent::Head }));
                }
                Ok(FreeTree::Removed(saved)) => {
                    notes.extend(saved);
                    continue;
                }
                Ok(FreeTree::Kept(why)) => why,
                // A power cut left half an object, say: what is there is its owner's to look at, and no
                // reason to turn every task away.
                Err(error) if error.is_git() && !error.disk_full() => error.to_string(),
                Err(error) => return Err(error),
            };
            place.occupy(&held(order, kept))?;
        }
        Ok(None)
    }

    fn judge(&self, place: &TreeSlot, settings: &GitSettings) -> Result<FreeTree> {
        let dir = match identity::check(&place.tree)? {
            TreeIdentity::Ours(dir) => dir,
            TreeIdentity::Gone => return Ok(FreeTree::Removed(None)),
            TreeIdentity::Other(what) => return Ok(FreeTree::Kept(place.replaced(&what))),
        };
        let Some(admin) = make::tied(&self.repo.common, &place.tree, &dir.path()) else {
            return Ok(FreeTree::Kept("it is no worktree of this repository any more".into()));
        };
        let git = make::open(&admin)?;
        let Some(flaw) = flaw(&git, &settings.git(&git, &dir), &dir)? else {
            return Ok(FreeTree::AsNew(dir, git));
        };
        let order = Removal { task: None, why: &flaw, targets: &[], unmerged_too: false };
        Ok(match self.remove_place(place, None, &order)? {
            Removed::Yes { salvage: Some(saved), .. } => {
                let tree = &place.tree;
                let note = format!(
                    "the free tree {tree:?} was removed ({flaw}); what it held is saved as {saved}"
                );
                FreeTree::Removed(Some(note))
            }
            Removed::Yes { .. } => FreeTree::Removed(None),
            Removed::No(refusal) => FreeTree::Kept(format!("{flaw}; not removed: {refusal}")),
        })
    }
}

/// What is not as new in it, in words; `None`: it can be used.
pub(crate) fn flaw(repo: &Repository, git: &Git, dir: &Dir) -> Result<Option<String>> {
    let admin = repo.path();
    remove_stale_locks(repo, None)?;
    if let Some(odd) = ODD.iter().find(|name| fs::exists(&admin.join(name))) {
        return Ok(Some(format!("git keeps {odd} for it")));
    }
    if repo.state() != RepositoryState::Clean {
        return Ok(Some("an operation of git's was in progress".into()));
    }
    if repo.head().is_err() {
        return Ok(Some("its HEAD names no commit".into()));
    }
    let mut notes = Vec::new();
    let index = read_index(git, &admin.join("index"), &mut notes)?;
    let files = with_files(admin, dir)?;
    let found = survey(&files, admin, &index, dir);
    if found.holds_more() || !found.index_is_plain() || !notes.is_empty() {
        return Ok(Some("its index, or a repository in it, is not as git left it".into()));
    }
    if !submodule::are_all(admin, found.filled.len())? {
        return Ok(Some("git keeps repositories of submodules for it".into()));
    }
    for path in &found.filled {
        empty_submodule(dir, path)?;
    }
    fs::remove_tree(&admin.join("modules"))?;
    sweep(dir, &found.special, &found.empty);
    // What is not tracked the survey has seen.
    let status = [
        "status",
        "--porcelain",
        "-z",
        "--untracked-files=no",
        "--no-renames",
        "--ignore-submodules=all",
    ];
    // It may note in the index what it compared: files as young as the index would be read again by every command.
    let git = git.clone().offline().with("GIT_OPTIONAL_LOCKS", "1");
    let differs = git.run("look through a free tree", &status, b"")?;
    let differs = found.untracked || !differs.is_empty();
    Ok(differs.then(|| "it held changes that nobody committed".into()))
}

/// A submodule's files go, its directory stays, as in a new tree.
fn empty_submodule(dir: &Dir, path: &[u8]) -> Result<()> {
    let at = dir.at(Path::new(OsStr::from_bytes(path)), false);
    let Some(at) = at.ok().flatten() else { return Ok(()) };
    fs::remove_tree(at.path())?;
    fs::mkdirs_with_umask(at.path())?;
    Ok(())
}

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
