//! Forgetting a tree whose directory is gone or saved: git's registration, our records, and its place.
//!
//! Invariant: what git's own files of it name and no ref reaches is saved first; what is not ours stays.

use std::path::PathBuf;

use super::holder::{Holder, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::salvaged::{self, Salvage};
use super::settings::GitSettings;
use super::{make, state};
use crate::git::command::Git;
use crate::git::error::Result;
use crate::git::repo::Repo;
use crate::sys::dir::DirOpening;
use crate::sys::{clock, fs};

/// Lets git forget a tree whose directory somebody removed, and frees its place; what only git's own files of it named
/// is saved. The caller holds the place.
pub(super) fn forget_missing(repo: &Repo, place: &TreeSlot, holder: &Holder) -> Result<()> {
    // What cannot be read any more cannot be saved, and must not stop the task.
    save_missing(repo, place, holder).ok();
    make::forget(&repo.common, &place.tree)?;
    clear(place)
}

fn save_missing(repo: &Repo, place: &TreeSlot, holder: &Holder) -> Result<()> {
    let Some(admin) = make::admins_for(&repo.common, &place.tree).into_iter().next() else {
        return Ok(());
    };
    let git = make::open(&admin)?;
    let Ok(state) = state::look(&git, &Git::bare(git.path()), None)? else { return Ok(()) };
    let mut salvage = Salvage {
        owner: holder.task.clone(),
        queue: holder.queue.clone(),
        base: Some(holder.base.clone()),
        ..salvage_of(place, "its directory was gone")
    };
    if let Some(papers) = state.save(&repo.git, &mut salvage)? {
        salvaged::write(&repo.git, &repo.common, &salvage, &papers)?;
    }
    Ok(())
}

pub(super) fn salvage_of(place: &TreeSlot, why: &str) -> Salvage {
    Salvage {
        schema: 1,
        path: Some(place.tree.to_string_lossy().into_owned()),
        at_ms: clock::now().0,
        why: why.to_owned(),
        ..Salvage::default()
    }
}

/// Whether a directory that nobody noted holds at most a `.git` file: its maker died right after.
pub(super) fn only_registered(place: &TreeSlot) -> Result<bool> {
    let DirOpening::Dir(dir) = identity::open(&place.tree)? else {
        return Ok(false);
    };
    if fs::exists(&beside(place, ".made")) {
        return Ok(false);
    }
    let names = fs::list(&dir.path())?;
    Ok(names.iter().all(|name| name == ".git") && !fs::is_dir(&dir.path().join(".git")))
}

/// Removes what is left of a tree that is saved, and frees its place. What is not ours stays.
pub(super) fn clear(place: &TreeSlot) -> Result<()> {
    let gone = beside(place, ".gone");
    if let TreeIdentity::Ours(_) = identity::check_at(&gone, &place.tree)? {
        fs::remove_tree(&gone)?;
    }
    let ours = matches!(identity::check(&place.tree)?, TreeIdentity::Ours(_));
    if ours || only_registered(place)? {
        // At most our own `.git` file is in it.
        fs::unlink(&place.tree.join(".git"))?;
        fs::rmdir(&place.tree)?;
    }
    place.vacate()?;
    GitSettings::forget(&place.tree)?;
    identity::forget(&place.tree)
}

pub(super) fn beside(place: &TreeSlot, suffix: &str) -> PathBuf {
    fs::with_suffix(&place.tree, suffix)
}
