//! The one place where a tree or a branch of ours is removed, after its state is safe.
//!
//! In this order: the lock, what forbids it, a salvage of everything that no ref reaches, made durable; then the
//! directory gets another name and is looked through again, so that what somebody wrote meanwhile is seen; only
//! then it goes. After a crash at any point the next removal goes on: `.leaving` is put back, `.gone` is garbage.
//! Ignored files are not saved. Stashes belong to the repository and stay.

use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid, Repository};

use super::forest::{Forest, admin_name};
use super::make;
use super::merged::{Changes, Proof, on_target};
use super::occupant::{Occupant, Phase, Place};
use super::patience::patiently;
use super::refusal::{Refusal, Removed};
use super::resolve::branch_tip;
use super::salvaged::{self, Salvage, tips_of, unreached};
use super::state;
use super::trouble::{Result, Trouble};
use crate::sys::{clock, fs, process, walk::Walk};

/// An index's lock as old as this was left by a git that was killed, milliseconds.
const STALE_LOCK_MS: u64 = 600_000;

/// What to remove, and why.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    /// Of which task, where it is known.
    pub task: Option<&'a str>,
    /// For people, kept with the salvage.
    pub why: &'a str,
    /// Commits that work may be on already, hex digits.
    pub targets: &'a [String],
    /// A branch may also go when its work is on no target: it is salvaged.
    pub unmerged_too: bool,
}

impl Forest {
    /// Removes the tree of this number. One in which a task lives only for whoever names that task and knows that
    /// it is over.
    pub fn remove_tree(&self, number: u32, order: &Removal<'_>) -> Result<Removed> {
        let Some(place) = self.places.take(number, "removing it")? else {
            return Ok(Removed::No(Refusal::Busy { holder: self.places.holder(number) }));
        };
        let occupant = place.occupant()?;
        if let Some(occupant) = &occupant {
            if occupant.phase == Phase::Held {
                let why = occupant.note.clone().unwrap_or_default();
                return Ok(Removed::No(Refusal::HoldsMore { what: why }));
            }
            if order.task != Some(occupant.task.as_str()) {
                return Ok(Removed::No(Refusal::Occupied { task: occupant.task.clone() }));
            }
        }
        self.remove_place(&place, occupant, order)
    }

    /// The same, for who holds the place and knows that whoever lived there is gone.
    pub(super) fn remove_place(
        &self,
        place: &Place,
        occupant: Option<Occupant>,
        order: &Removal<'_>,
    ) -> Result<Removed> {
        if !self.resume(place)? {
            place.vacate()?;
            return Ok(Removed::Yes { proof: Proof::Ancestry, salvage: None });
        }
        let there = !fs::list_if_any(&place.tree)?.is_empty();
        let git = match self.open(place, occupant.as_ref().map(|o| o.branch.as_str()))? {
            Ok(git) => git,
            Err(refusal) => return Ok(Removed::No(refusal)),
        };
        if let Some(refusal) = self.forbidden(place, &git)? {
            return Ok(Removed::No(refusal));
        }
        let mut salvage = Salvage {
            schema: 1,
            owner: order.task.unwrap_or(&place.name).to_owned(),
            queue: occupant.as_ref().map(|o| o.queue.clone()).unwrap_or_default(),
            branch: occupant.as_ref().map(|o| o.branch.clone()),
            base: occupant.map(|o| o.base),
            path: Some(place.tree.to_string_lossy().into_owned()),
            at_ms: clock::now().0,
            why: order.why.to_owned(),
            ..Salvage::default()
        };
        self.save_and_remove(place, &git, there, &mut salvage)
    }

    fn save_and_remove(
        &self,
        place: &Place,
        git: &Repository,
        there: bool,
        salvage: &mut Salvage,
    ) -> Result<Removed> {
        let state = match state::look(git, there.then_some(place.tree.as_path()))? {
            Ok(state) => state,
            Err(what) => return Ok(Removed::No(Refusal::HoldsMore { what })),
        };
        let files = state.files;
        let papers = state.save(&self.repo.git, salvage)?;
        let saved = match papers {
            Some(papers) => {
                Some(salvaged::write(&self.repo.git, &self.repo.common, salvage, &papers)?)
            }
            None => None,
        };
        if there {
            let leaving = beside(place, ".leaving");
            let _ours_under_the_lock = fs::rename(&place.tree, &leaving)?;
            if self.files_of(git, &leaving)? != files {
                let _put_back = fs::rename(&leaving, &place.tree)?;
                return Ok(Removed::No(Refusal::Changed));
            }
            let _checked = fs::rename(&leaving, &beside(place, ".gone"))?;
        }
        make::forget(&self.repo.common, &place.tree)?;
        fs::remove_tree(&beside(place, ".gone"))?;
        if !there {
            // At most our own `.git` file is in it.
            fs::remove_tree(&place.tree)?;
        }
        place.vacate()?;
        let proof = if saved.is_some() { Proof::Salvaged } else { Proof::Ancestry };
        Ok(Removed::Yes { proof, salvage: saved })
    }

    /// Lets git forget a tree whose directory somebody removed; what only git's own files of it named is saved. The
    /// caller holds the place.
    pub(super) fn forget_missing(&self, place: &Place, occupant: &Occupant) -> Result<()> {
        // What cannot be read any more cannot be saved, and must not stop the task.
        let _saved = self.save_missing(place, occupant);
        make::forget(&self.repo.common, &place.tree)
    }

    fn save_missing(&self, place: &Place, occupant: &Occupant) -> Result<()> {
        let Ok(git) = self.open(place, Some(&occupant.branch))? else { return Ok(()) };
        let Ok(state) = state::look(&git, None)? else { return Ok(()) };
        let mut salvage = Salvage {
            schema: 1,
            owner: occupant.task.clone(),
            queue: occupant.queue.clone(),
            base: Some(occupant.base.clone()),
            path: Some(place.tree.to_string_lossy().into_owned()),
            at_ms: clock::now().0,
            why: "its directory was gone".into(),
            ..Salvage::default()
        };
        if let Some(papers) = state.save(&self.repo.git, &mut salvage)? {
            salvaged::write(&self.repo.git, &self.repo.common, &salvage, &papers)?;
        }
        Ok(())
    }

    /// The files once more, where they are now.
    fn files_of(&self, git: &Repository, root: &Path) -> Result<Option<Oid>> {
        let again = Repository::open(git.path())
            .and_then(|again| again.set_workdir(root, false).map(|()| again))
            .map_err(Trouble::git("look again through a tree", root))?;
        let mut index = super::stage::read_index(&again, &mut Vec::new())?;
        Ok(state::files(&again, &mut index, root)?.ok())
    }

    /// Goes on where an earlier removal was cut short; false where nothing is left to remove.
    fn resume(&self, place: &Place) -> Result<bool> {
        let (leaving, gone) = (beside(place, ".leaving"), beside(place, ".gone"));
        if fs::is_dir(&gone) && !fs::exists(&place.tree) {
            make::forget(&self.repo.common, &place.tree)?;
        }
        fs::remove_tree(&gone)?;
        if fs::is_dir(&leaving) && !fs::exists(&place.tree) {
            let _put_back = fs::rename(&leaving, &place.tree)?;
        }
        let admin = make::admins_for(&self.repo.common, &place.tree);
        Ok(fs::is_dir(&place.tree) || !admin.is_empty())
    }

    /// The tree as a repository, by its administrative directory: that is there also where the files are not.
    fn open(
        &self,
        place: &Place,
        branch: Option<&str>,
    ) -> Result<std::result::Result<Repository, Refusal>> {
        let common = &self.repo.common;
        let admins = make::admins_for(common, &place.tree);
        if fs::is_dir(&place.tree) && !make::is_tied(common, &place.tree) {
            if fs::is_dir(&place.tree.join(".git")) {
                return Ok(Err(Refusal::OwnRepository));
            }
            if admins.is_empty() {
                fs::unlink(&place.tree.join(".git"))?;
                make::tie(common, &admin_name(place), &place.tree, &self.head_for(branch))?;
            }
        }
        let Some(admin) = make::admins_for(common, &place.tree).into_iter().next() else {
            return Ok(Err(Refusal::OwnRepository));
        };
        if !fs::exists(&admin.join("HEAD")) {
            fs::write_with_umask(&admin.join("HEAD"), self.head_for(branch).as_bytes())?;
        }
        let opened = Repository::open(&admin);
        Ok(Ok(opened.map_err(Trouble::git("open the worktree", &place.tree))?))
    }

    /// Where HEAD of a tree that git forgot may have been: at its branch, else where the repository's own is.
    fn head_for(&self, branch: Option<&str>) -> String {
        let git = &self.repo.git;
        let tip = branch.and_then(|branch| branch_tip(git, branch));
        let own = || git.head().ok()?.peel_to_commit().ok().map(|commit| commit.id());
        match tip.or_else(own) {
            Some(oid) => format!("{oid}\n"),
            None => "ref: refs/heads/swarmdir-unborn\n".into(),
        }
    }

    /// What speaks against removing it, beside what cannot be saved.
    fn forbidden(&self, place: &Place, git: &Repository) -> Result<Option<Refusal>> {
        let admin = git.path();
        if let Some(reason) = fs::read_if_any(&admin.join("locked"))? {
            let reason = String::from_utf8_lossy(&reason).trim().to_owned();
            return Ok(Some(Refusal::Locked { reason }));
        }
        let lock = admin.join("index.lock");
        if let Some(meta) = fs::look(&lock)? {
            let made_ms = u64::try_from(fs::mtime_ns(&meta) / 1_000_000).unwrap_or(0);
            if clock::now().0.saturating_sub(made_ms) < STALE_LOCK_MS {
                return Ok(Some(Refusal::GitRuns));
            }
            fs::unlink(&lock)?;
        }
        if !fs::list_if_any(&admin.join("modules"))?.is_empty() {
            let what = "submodules whose commits may be nowhere else".into();
            return Ok(Some(Refusal::HoldsMore { what }));
        }
        let users = process::standing_in(&place.tree);
        if !users.is_empty() {
            return Ok(Some(Refusal::InUse { processes: users }));
        }
        Ok(repository_below(&place.tree)?.map(|at| Refusal::HoldsMore {
            what: format!("a repository among ignored files: {}", at.display()),
        }))
    }

    /// Removes a branch of ours that is checked out nowhere.
    pub fn remove_branch(&self, branch: &str, order: &Removal<'_>) -> Result<Removed> {
        let (git, common) = (&self.repo.git, &self.repo.common);
        let failed = |error| Trouble::git("remove a branch", common)(error);
        let Some(tip) = branch_tip(git, branch) else {
            return Ok(Removed::Yes { proof: Proof::Ancestry, salvage: None });
        };
        if let Some(at) = make::checked_out_at(common, branch, Path::new("")) {
            return Ok(Removed::No(Refusal::CheckedOut { at }));
        }
        let targets: Vec<Oid> =
            order.targets.iter().filter_map(|hex| Oid::from_str(hex).ok()).collect();
        let proof = on_target(git, tip, &targets, &mut Changes::default()).map_err(failed)?;
        if proof.is_none() && !order.unmerged_too {
            return Ok(Removed::No(Refusal::Unmerged));
        }
        let full = format!("refs/heads/{branch}");
        let log = fs::read_if_any(&common.join("logs").join(&full))?.unwrap_or_default();
        let mut tips = state::commits_in(git, &log);
        tips.push(tip);
        let alone = unreached(git, &tips, Some(&full)).map_err(failed)?;
        let alone = tips_of(git, &alone).map_err(failed)?;
        let mut saved = None;
        if !alone.is_empty() {
            let salvage = Salvage {
                schema: 1,
                owner: order.task.unwrap_or(branch).to_owned(),
                branch: Some(branch.to_owned()),
                at_ms: clock::now().0,
                why: order.why.to_owned(),
                head: Some(tip.to_string()),
                others: alone.iter().filter(|oid| **oid != tip).map(Oid::to_string).collect(),
                ..Salvage::default()
            };
            saved = Some(salvaged::write(git, common, &salvage, &vec![(b"log".to_vec(), log)])?);
        }
        let _held = self.repo.metadata_lock()?;
        let gone = patiently("remove a branch", common, || {
            let mut reference = match git.find_reference(&full) {
                Ok(reference) => reference,
                Err(error) if error.code() == ErrorCode::NotFound => return Ok(true),
                Err(error) => return Err(error),
            };
            if reference.target() != Some(tip) {
                return Ok(false);
            }
            // It fails where somebody moved the branch since it was looked up.
            match reference.delete() {
                Err(error) if error.code() == ErrorCode::Modified => Ok(false),
                other => other.map(|()| true),
            }
        })?;
        Ok(match gone {
            true => Removed::Yes { proof: proof.unwrap_or(Proof::Salvaged), salvage: saved },
            false => Removed::No(Refusal::Changed),
        })
    }
}

fn beside(place: &Place, suffix: &str) -> PathBuf {
    let mut path = place.tree.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// A repository somewhere below a tree, ignored or not.
fn repository_below(root: &Path) -> Result<Option<PathBuf>> {
    if !fs::is_dir(root) {
        return Ok(None);
    }
    let mut walk = Walk::below(root);
    while let Some(found) = walk.step(root) {
        let found = found?;
        if found.depth > 1 && found.path.file_name().is_some_and(|name| name == ".git") {
            return Ok(found.path.parent().map(Path::to_owned));
        }
    }
    Ok(None)
}
