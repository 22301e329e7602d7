//! The one place where a tree or a branch of ours is removed, after its state is safe.
//!
//! In this order: the lock, what forbids it, a salvage of everything that no ref reaches, made durable; then the
//! directory gets another name and is looked through again, so that what somebody wrote meanwhile is seen; only
//! then it goes. After a crash at any point the next removal goes on: `.leaving` is put back, `.gone` is garbage.
//! Ignored files are not saved. Stashes belong to the repository and stay.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::forget::{beside, clear, only_registered, salvage_of};
use super::holder::{Holder, TreePhase, TreeSlot};
use super::identity::{self, TreeIdentity};
use super::order::{RemovalRefusal, Removed};
use super::pool::TreePool;
use super::salvaged::{self, Salvage, tips_of, unreached};
use super::settings::GitSettings;
use super::{make, state};
use crate::git::command::Git;
use crate::git::compare::{Proof, TargetChanges, on_target};
use crate::git::error::{GitError, Result};
use crate::git::refs::{self, branch_tip};
use crate::git::submodule;
use crate::sys::dir::Dir;
use crate::sys::walk::DirWalk;
use crate::sys::{clock, fs, process};

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

impl TreePool {
    /// Removes the tree of this number. One in which a task lives only for whoever names that task and knows that
    /// it is over.
    pub fn remove_tree(&self, number: u32, order: &Removal<'_>) -> Result<Removed> {
        let Some(place) = self.places.take(number, "removing it")? else {
            return Ok(Removed::No(RemovalRefusal::Busy {
                holder: self.places.holder_token(number),
            }));
        };
        let holder = place.holder()?;
        if let Some(holder) = &holder {
            if holder.phase == TreePhase::Held {
                let why = holder.note.clone().unwrap_or_default();
                return Ok(Removed::No(RemovalRefusal::HoldsMore { what: why }));
            }
            if order.task != Some(holder.task.as_str()) {
                return Ok(Removed::No(RemovalRefusal::Occupied { task: holder.task.clone() }));
            }
        }
        self.remove_place(&place, holder, order)
    }

    /// The same, for who holds the place and knows that whoever lived there is gone.
    pub(super) fn remove_place(
        &self,
        place: &TreeSlot,
        holder: Option<Holder>,
        order: &Removal<'_>,
    ) -> Result<Removed> {
        if let Some(what) = self.resume(place)? {
            return Ok(Removed::No(RemovalRefusal::Replaced { what }));
        }
        let dir = match identity::check(&place.tree)? {
            TreeIdentity::Ours(dir) => Some(dir),
            TreeIdentity::Other(_) if only_registered(place)? => None,
            TreeIdentity::Other(what) => return Ok(Removed::No(RemovalRefusal::Replaced { what })),
            TreeIdentity::Gone => None,
        };
        let settings = self.settings()?;
        let opened = self.open(place, holder.as_ref(), dir.as_ref())?;
        let git = match opened {
            Ok(Some(git)) => git,
            Ok(None) => {
                clear(place)?;
                return Ok(Removed::Yes { proof: Proof::Ancestry, salvage: None });
            }
            Err(refusal) => return Ok(Removed::No(refusal)),
        };
        if let Some(refusal) = self.forbidden(place, &git, dir.as_ref())? {
            return Ok(Removed::No(refusal));
        }
        let mut salvage = Salvage {
            owner: order.task.unwrap_or(&place.name).to_owned(),
            queue: holder.as_ref().map(|o| o.queue.clone()).unwrap_or_default(),
            branch: holder.as_ref().map(|o| o.branch.clone()),
            base: holder.map(|o| o.base),
            ..salvage_of(place, order.why)
        };
        // A tree with no file in it was emptied by somebody; its deletions are not an agent's.
        let dir = dir.filter(|dir| fs::list(&dir.path()).is_ok_and(|names| !names.is_empty()));
        self.save_and_remove(place, &git, dir.as_ref(), &settings, &mut salvage)
    }

    fn save_and_remove(
        &self,
        place: &TreeSlot,
        git: &Repository,
        dir: Option<&Dir>,
        settings: &GitSettings,
        salvage: &mut Salvage,
    ) -> Result<Removed> {
        let command = match dir {
            Some(dir) => settings.git(git, dir),
            None => Git::bare(git.path()),
        };
        let state = match state::look(git, &command, dir)? {
            Ok(state) => state,
            Err(what) => return Ok(Removed::No(RemovalRefusal::HoldsMore { what })),
        };
        let files = state.files;
        let papers = state.save(&self.repo.git, salvage)?;
        let saved = match papers {
            Some(papers) => {
                Some(salvaged::write(&self.repo.git, &self.repo.common, salvage, &papers)?)
            }
            None => None,
        };
        if let Some(dir) = dir {
            let leaving = beside(place, ".leaving");
            // The lock makes it ours: this rename loses no race.
            let _ = fs::rename(&place.tree, &leaving)?;
            let moved = identity::check_at(&leaving, &place.tree)?;
            let same = matches!(moved, TreeIdentity::Ours(_))
                && state::files_of(git, &command, dir)?.ok() == files;
            if !same {
                // The lock makes it ours: this rename loses no race.
                let _ = fs::rename(&leaving, &place.tree)?;
                return Ok(Removed::No(RemovalRefusal::Changed));
            }
            // It was looked at under the lock.
            let _ = fs::rename(&leaving, &beside(place, ".gone"))?;
        }
        make::forget(&self.repo.common, &place.tree)?;
        clear(place)?;
        let proof = if saved.is_some() { Proof::Salvaged } else { Proof::Ancestry };
        Ok(Removed::Yes { proof, salvage: saved })
    }

    /// Goes on where an earlier removal was cut short; what stands there that is not the tree, in words.
    fn resume(&self, place: &TreeSlot) -> Result<Option<String>> {
        let (leaving, gone) = (beside(place, ".leaving"), beside(place, ".gone"));
        for aside in [&leaving, &gone] {
            if let TreeIdentity::Other(what) = identity::check_at(aside, &place.tree)? {
                return Ok(Some(format!("{what}, at {}", aside.display())));
            }
        }
        if fs::exists(&gone) && !fs::exists(&place.tree) {
            make::forget(&self.repo.common, &place.tree)?;
        }
        fs::remove_tree(&gone)?;
        if fs::exists(&leaving) && !fs::exists(&place.tree) {
            // The lock makes it ours: this rename loses no race.
            let _ = fs::rename(&leaving, &place.tree)?;
        }
        Ok(None)
    }

    /// The tree as a repository, by its administrative directory, which is there also where the files are not; `None`
    /// where neither is.
    fn open(
        &self,
        place: &TreeSlot,
        holder: Option<&Holder>,
        dir: Option<&Dir>,
    ) -> Result<std::result::Result<Option<Repository>, RemovalRefusal>> {
        let common = &self.repo.common;
        let head = self.head_for(holder);
        for admin in make::admins_for(common, &place.tree) {
            if !fs::exists(&admin.join("HEAD")) {
                let text = head
                    .map_or("ref: refs/heads/swarmdir-unborn\n".into(), |oid| format!("{oid}\n"));
                fs::write_with_umask(&admin.join("HEAD"), text.as_bytes())?;
            }
        }
        if let Some(dir) = dir
            && make::tied(common, &place.tree, &dir.path()).is_none()
        {
            if fs::is_dir(&dir.path().join(".git")) {
                return Ok(Err(RemovalRefusal::OwnRepository));
            }
            let Some(head) = head else { return Ok(Err(RemovalRefusal::OwnRepository)) };
            let mended = make::mend(&self.repo, &place.admin_name(), &place.tree, dir, head)?;
            return Ok(Ok(Some(mended.git)));
        }
        let admin = make::admins_for(common, &place.tree).into_iter().next();
        Ok(Ok(admin.map(|admin| make::open(&admin)).transpose()?))
    }

    /// Where HEAD of a tree that git forgot may have been: at its branch, else where the repository's own is.
    fn head_for(&self, holder: Option<&Holder>) -> Option<Oid> {
        let git = &self.repo.git;
        let tip = holder.and_then(|holder| branch_tip(git, &holder.branch));
        tip.or_else(|| git.head().ok()?.peel_to_commit().ok().map(|commit| commit.id()))
    }

    /// What speaks against removing it, beside what cannot be saved.
    fn forbidden(
        &self,
        place: &TreeSlot,
        git: &Repository,
        dir: Option<&Dir>,
    ) -> Result<Option<RemovalRefusal>> {
        let admin = git.path();
        let being_made = place.holder()?.is_some_and(|o| o.phase == TreePhase::Preparing);
        if let Some(reason) = fs::read_if_any(&admin.join("locked"))?.filter(|_| !being_made) {
            let reason = String::from_utf8_lossy(&reason).trim().to_owned();
            return Ok(Some(RemovalRefusal::Locked { reason }));
        }
        let lock = admin.join("index.lock");
        if let Some(meta) = fs::look(&lock)? {
            let made_ms = u64::try_from(fs::mtime_ns(&meta) / 1_000_000).unwrap_or(0);
            if clock::now().0.saturating_sub(made_ms) < STALE_LOCK_MS {
                return Ok(Some(RemovalRefusal::GitRuns));
            }
            fs::unlink(&lock)?;
        }
        let Some(dir) = dir else {
            let modules = !fs::list_if_any(&admin.join("modules"))?.is_empty();
            let what = || "submodules whose commits may be nowhere else".into();
            return Ok(modules.then(|| RemovalRefusal::HoldsMore { what: what() }));
        };
        let users = process::standing_in(&place.tree);
        if !users.is_empty() {
            return Ok(Some(RemovalRefusal::InUse { processes: users }));
        }
        let submodules = submodule::published(&admin.join("index"), admin, dir)?;
        if !submodule::are_all(admin, submodules.len())? {
            let what = "submodules whose commits may be nowhere else".into();
            return Ok(Some(RemovalRefusal::HoldsMore { what }));
        }
        Ok(repository_below(&dir.path(), &submodules)?.map(|at| RemovalRefusal::HoldsMore {
            what: format!("a repository within the tree: {}", at.display()),
        }))
    }
}

/// A repository somewhere below a tree, ignored or not, but for these.
fn repository_below(root: &Path, known: &[Vec<u8>]) -> Result<Option<PathBuf>> {
    let mut walk = DirWalk::below(root);
    while let Some(found) = walk.step(root) {
        let found = found?;
        if found.depth > 1 && found.path.file_name().is_some_and(|name| name == ".git") {
            let at = found.path.parent().unwrap_or(&found.path);
            if !known.iter().any(|known| known == at.as_os_str().as_bytes()) {
                return Ok(Some(at.to_owned()));
            }
        }
    }
    Ok(None)
}

impl TreePool {
    /// Removes a branch of ours that is checked out nowhere.
    pub fn remove_branch(&self, branch: &str, order: &Removal<'_>) -> Result<Removed> {
        let (git, common) = (&self.repo.git, &self.repo.common);
        let failed = |error| GitError::git("remove a branch", common)(error);
        let Some(tip) = branch_tip(git, branch) else {
            return Ok(Removed::Yes { proof: Proof::Ancestry, salvage: None });
        };
        if let Some(at) = make::checked_out_at(common, branch, Path::new("")) {
            return Ok(Removed::No(RemovalRefusal::CheckedOut { at }));
        }
        let targets: Vec<Oid> =
            order.targets.iter().filter_map(|hex| Oid::from_str(hex).ok()).collect();
        let proof = on_target(git, tip, &targets, &mut TargetChanges::default()).map_err(failed)?;
        if proof.is_none() && !order.unmerged_too {
            return Ok(Removed::No(RemovalRefusal::Unmerged));
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
        let gone = refs::delete("remove a branch", common, &full, Some(tip))?;
        Ok(match gone {
            true => Removed::Yes { proof: proof.unwrap_or(Proof::Salvaged), salvage: saved },
            false => Removed::No(RemovalRefusal::Changed),
        })
    }
}
