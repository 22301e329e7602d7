//! The trees of one repository on one host: finding the right one for a task, or making it.
//!
//! The order of `enter` is: the tree that the task lives in already; else a free one, looked through;
//! else a new one. At every point the record on disk says what a successor has to do after a crash.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::branch::{self, BranchPlan};
use super::fill::{self, fill, switch};
use super::holder::{Holder, TreePhase, TreeSlot, TreeSlots};
use super::holder::{OpenTree, TreeContent};
use super::identity::{self, TreeIdentity};
use super::order::{TreeRequest, preparing};
use super::settings::GitSettings;
use super::tree::Tree;
use super::{forget, heads, make};
use crate::domain::capacity::decision::ReusableTrees;
use crate::git::error::{GitError, Result};
use crate::git::head;
use crate::git::patience::remove_stale_locks;
use crate::git::repo::Repo;
use crate::sys::dir::Dir;
use crate::sys::fs;

/// The most trees on one host; far above what a machine can run.
const MAX_TREES: u32 = 100_000;

/// The trees of one repository on one host.
pub struct TreePool {
    pub(super) repo: Repo,
    pub(super) places: TreeSlots,
    /// The operator named the directory; otherwise it is ours, and no link is followed to it.
    chosen: bool,
}

impl TreePool {
    /// The trees in `trees_dir`, or beside the repository. In a directory that the operator chose, each
    /// repository has a directory of its own, since several may share it.
    pub fn new(repo: Repo, trees_dir: Option<PathBuf>, host: &str) -> TreePool {
        let chosen = trees_dir.is_some();
        let dir = trees_dir.map_or_else(
            || repo.default_trees_dir(),
            |dir| without_links(&dir).join(own_name(&repo)),
        );
        TreePool { repo, places: TreeSlots { dir, host: plain_host(host) }, chosen }
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
    pub fn holders(&self) -> Result<Vec<Holder>> {
        let numbers = self.places.numbers()?;
        numbers.into_iter().filter_map(|n| self.places.holder(n).transpose()).collect()
    }

    /// The trees that a task may go on in, or move into.
    pub fn reusable(&self) -> Result<ReusableTrees> {
        let mut trees = ReusableTrees::default();
        for number in self.places.numbers()? {
            match self.places.holder(number)? {
                Some(holder) => drop(trees.tasks.insert(holder.task)),
                None => trees.free |= fs::is_dir(&self.places.path(number, "")),
            }
        }
        Ok(trees)
    }

    /// Gives the task its tree.
    pub fn enter(&self, order: &TreeRequest<'_>) -> Result<Entered> {
        self.make_dir()?;
        let settings = self.settings()?;
        let mut notes = Vec::new();
        let ours = branch::intended(order.intent)?.filter(|_| !order.fresh);
        if let Some(number) = self.find(order.queue, order.task, ours.as_deref())?
            && !order.fresh
        {
            let Some(place) = self.places.take(number, order.token)? else {
                return Ok(Entered::Busy { holder: self.places.holder_token(number) });
            };
            match self.return_to(place, order, &settings)? {
                Returned::To(tree) => return Ok(Entered::Tree(tree)),
                Returned::Nothing(note) => notes.extend(note),
            }
        }
        let mut plan = branch::plan(&self.repo, order, None)?;
        notes.append(&mut plan.notes);
        let found = match self.free_place(order, &settings, &mut notes)? {
            Some(found) => found,
            None => self.new_place(order, &plan)?,
        };
        self.settle(found, order, plan, settings, notes).map(|tree| Entered::Tree(Box::new(tree)))
    }

    /// The directory of the trees. Within the checkout of another repository (a submodule's, say) that is told to
    /// leave it alone: git does not look for rules above a tree itself.
    fn make_dir(&self) -> Result<()> {
        let dir = &self.places.dir;
        match fs::look(dir)? {
            Some(meta) if meta.is_symlink() && !self.chosen => {
                return Err(GitError::TreesAreALink { path: dir.clone() });
            }
            Some(_) => return Ok(()),
            None => fs::mkdirs(dir)?,
        }
        let outer = dir.parent().and_then(|above| Repo::discover(above).ok());
        if outer.is_some_and(|outer| outer.checkout().is_some_and(|top| dir.starts_with(top))) {
            fs::write(&dir.join(".gitignore"), b"*\n")?;
        }
        Ok(())
    }

    /// git's configuration now, and what of it has no say.
    pub(super) fn settings(&self) -> Result<GitSettings> {
        GitSettings::read(&self.repo.common, &self.places.dir)
    }

    /// The tree in which this task lives, though not one that is kept for people. A task that started
    /// afresh may have left an older tree behind: `branch` tells them apart.
    pub(super) fn find(
        &self,
        queue: &str,
        task: &str,
        branch: Option<&str>,
    ) -> Result<Option<u32>> {
        for number in self.places.numbers()? {
            let mine = |o: &Holder| {
                let here = o.queue == queue && o.task == task && o.phase != TreePhase::Held;
                here && branch.is_none_or(|branch| o.branch == branch)
            };
            if self.places.holder(number)?.is_some_and(|holder| mine(&holder)) {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    fn return_to(
        &self,
        place: TreeSlot,
        order: &TreeRequest<'_>,
        settings: &GitSettings,
    ) -> Result<Returned> {
        let Some(holder) = place.holder()?.filter(|o| o.task == order.task) else {
            return Ok(Returned::Nothing(None));
        };
        let dir = match identity::check(&place.tree)? {
            TreeIdentity::Ours(dir) => dir,
            TreeIdentity::Gone => {
                let began = holder.phase != TreePhase::Preparing;
                forget::forget_missing(&self.repo, &place, &holder)?;
                let note = "the tree of the last attempt was gone".to_owned();
                return Ok(Returned::Nothing(Some(note).filter(|_| began)));
            }
            TreeIdentity::Other(_)
                if holder.phase == TreePhase::Preparing && forget::only_registered(&place)? =>
            {
                forget::forget_missing(&self.repo, &place, &holder)?;
                return Ok(Returned::Nothing(None));
            }
            TreeIdentity::Other(what) => {
                let note = place.replaced(&what);
                place.occupy(&Holder {
                    phase: TreePhase::Held,
                    note: Some(note.clone()),
                    ..holder
                })?;
                return Ok(Returned::Nothing(Some(note)));
            }
        };
        if holder.phase == TreePhase::Preparing {
            // No agent was in it: prepare it again, from whatever state the switch was left in.
            let mut plan = branch::plan(&self.repo, order, Some(&place.tree))?;
            let notes = std::mem::take(&mut plan.notes);
            let mended = make::mend(&self.repo, &place.admin_name(), &place.tree, &dir, plan.tip)?;
            remove_stale_locks(&mended.git, None)?;
            let found = OpenTree { place, dir, git: mended.git, before: TreeContent::Unknown };
            let tree = self.settle(found, order, plan, settings.clone(), notes)?;
            return Ok(Returned::To(Box::new(tree)));
        }
        let mut settings = settings.clone();
        settings.recall(&place.tree)?;
        let (git, mut notes) = self.mended(&place, &dir, &holder, &settings)?;
        notes.extend(heads::check(&git, &holder)?);
        let holder = Holder { token: order.token.into(), ..holder };
        place.occupy(&holder)?;
        let found = OpenTree { place, dir, git, before: TreeContent::Unknown };
        let tree = Tree::new(&self.repo, found, holder, settings, true, notes)?;
        Ok(Returned::To(Box::new(tree)))
    }

    /// A tree in which an agent had a free hand, tied to its repository again; and what was wrong, for people.
    pub(super) fn mended(
        &self,
        place: &TreeSlot,
        dir: &Dir,
        holder: &Holder,
        settings: &GitSettings,
    ) -> Result<(Repository, Vec<String>)> {
        let head = branch::tip_or_base(&self.repo, holder)?;
        let mended = make::mend(&self.repo, &place.admin_name(), &place.tree, dir, head)?;
        remove_stale_locks(&mended.git, None)?;
        if mended.emptied {
            let head = head::read(&mended.git).at.unwrap_or(head);
            fill(&settings.git(&mended.git, dir), head)?;
        }
        Ok((mended.git, mended.notes))
    }

    fn new_place(&self, order: &TreeRequest<'_>, plan: &BranchPlan) -> Result<OpenTree> {
        let intent = &plan.intent;
        // Trees that somebody lives in are not even tried: a lock on one, however short, would turn its
        // own task away.
        let taken = self.places.numbers()?;
        let used = |n: &u32| taken.contains(n) && self.places.is_used(*n);
        for number in (1..MAX_TREES).filter(|number| !used(number)) {
            let Some(place) = self.places.take(number, order.token)? else { continue };
            if place.holder()?.is_some() || fs::exists(&place.tree) {
                continue;
            }
            // The record comes first: a tree without one would be taken for a free one.
            place.occupy(&preparing(order, &intent.branch, &intent.base, intent.since_ms))?;
            make::forget(&self.repo.common, &place.tree)?;
            let name = place.admin_name();
            let (dir, git) = make::register(&self.repo, &name, &place.tree, plan.tip)?;
            return Ok(OpenTree { place, dir, git, before: TreeContent::Nothing });
        }
        Err(GitError::BadName { name: self.places.host.clone(), why: "it has too many trees" })
    }

    fn settle(
        &self,
        found: OpenTree,
        order: &TreeRequest<'_>,
        plan: BranchPlan,
        settings: GitSettings,
        notes: Vec<String>,
    ) -> Result<Tree> {
        let intent = plan.intent;
        let mut holder = preparing(order, &intent.branch, &intent.base, intent.since_ms);
        found.place.occupy(&holder)?;
        let git = settings.git(&found.git, &found.dir);
        let head = head::read(&found.git).at;
        match (found.before, head) {
            (TreeContent::Head, Some(head)) if head == plan.tip => Ok(()),
            (TreeContent::Head, Some(head)) => switch(&git, head, plan.tip),
            (TreeContent::Nothing, _) => fill::fill_empty(&git, plan.tip),
            _ => fill(&git, plan.tip),
        }
        .map_err(|error| settings.explain(error))?;
        make::unlock(&found.git)?;
        fill::enter(&found.git, &intent.branch)?;
        settings.remember(&found.place.tree)?;
        found.place.settled(&mut holder)?;
        Tree::new(&self.repo, found, holder, settings, plan.continued, notes)
    }
}

/// What comes of entering.
#[must_use]
pub enum Entered {
    /// The tree, ours until it is released or this process ends.
    Tree(Box<Tree>),
    /// Another process still holds this task's tree.
    Busy {
        /// What it wrote about itself: its token.
        holder: String,
    },
}

enum Returned {
    To(Box<Tree>),
    Nothing(Option<String>),
}

/// The path without symbolic links, as far as it exists.
fn without_links(path: &Path) -> PathBuf {
    match (fs::canonical(path), path.parent(), path.file_name()) {
        (Ok(path), _, _) => path,
        (Err(_), Some(above), Some(name)) => without_links(above).join(name),
        _ => path.to_owned(),
    }
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
