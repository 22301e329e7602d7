//! All that a tree holds beside its branch: HEAD, index, files, and git's own papers about it.
//!
//! Looking changes nothing of the tree; the objects it writes are nobody's until a salvage names them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use git2::{Index, Oid, Repository, RepositoryState};

use super::make::with_files;
use super::salvaged::{AdminFiles, Salvage, commit_tree, entry, tips_of, unreached};
use super::stage::{read_index, stage, tell};
use super::survey::survey;
use crate::git::command::Git;
use crate::git::error::{GitError, Result};
use crate::git::head::{self, Head};
use crate::git::patience::patiently;
use crate::sys::dir::Dir;
use crate::sys::{fs, walk::DirWalk};

/// Files above this size are not kept; git writes none so large.
const PAPER_MAX: u64 = 16 << 20;
const STAGES: u16 = 0x3000;
const INTENT_TO_ADD: u16 = 1 << 13;
const DOING: &str = "look through a tree";

#[derive(Debug)]
pub(crate) struct TreeState {
    pub(crate) head: Head,
    /// What is staged, as a tree; unresolved paths are in `conflicts`.
    index: Option<Oid>,
    conflicts: Option<Oid>,
    /// The files, as a tree; `None` where the directory is gone.
    pub(crate) files: Option<Oid>,
    papers: AdminFiles,
    others: Vec<Oid>,
    busy: bool,
}

/// Looks through a tree. The inner error is why what it holds fits into no commit. `files`: how to call git for it, and
/// its directory; `None` where that is gone.
pub(crate) fn look(
    repo: &Repository,
    git: &Git,
    files: Option<&Dir>,
) -> Result<std::result::Result<TreeState, String>> {
    let admin = repo.path();
    let head = head::read(repo);
    let (mut index_tree, mut conflicts) = (None, None);
    if fs::exists(&admin.join("index")) {
        let copy = IndexCopy::of(admin)?;
        let index = read_index(git, &copy.0, &mut Vec::new())?;
        let (resolved, sides) = staged(repo, &index)?;
        (index_tree, conflicts) = (Some(resolved), sides);
    }
    let files = match files.map(|dir| files_of(repo, git, dir)).transpose()? {
        Some(Err(why)) => return Ok(Err(why)),
        Some(Ok(tree)) => Some(tree),
        None => None,
    };
    let papers = papers(admin)?;
    let others = commits_named_in(repo, &papers);
    let busy = repo.state() != RepositoryState::Clean;
    Ok(Ok(TreeState { head, index: index_tree, conflicts, files, papers, others, busy }))
}

/// The files of a tree as they are, untracked ones too; ignored ones not. The tree's own index stays as it is.
pub(crate) fn files_of(
    repo: &Repository,
    git: &Git,
    dir: &Dir,
) -> Result<std::result::Result<Oid, String>> {
    let admin = repo.path();
    let copy = IndexCopy::of(admin)?;
    let git = git.clone().with_index(&copy.0);
    let mut notes = Vec::new();
    let index = read_index(&git, &copy.0, &mut notes)?;
    let found = survey(&with_files(admin, dir)?, admin, &index, dir);
    let (tree, refused) = stage(&git, None, &found, &[], &mut notes)?;
    if refused.is_empty() && !found.holds_more() {
        return Ok(Ok(tree));
    }
    tell(&found, &mut notes);
    Ok(Err(notes.join("; ")))
}

/// A copy of a tree's index, to work with; it goes when it is dropped.
struct IndexCopy(PathBuf);

impl IndexCopy {
    fn of(admin: &Path) -> Result<IndexCopy> {
        let (index, copy) = (admin.join("index"), admin.join("index.copy"));
        fs::unlink(&copy)?;
        if fs::exists(&index) {
            fs::copy_with_time(&index, &copy)?;
        }
        Ok(IndexCopy(copy))
    }
}

impl Drop for IndexCopy {
    fn drop(&mut self) {
        // One that stays is replaced by the next look, and git knows nothing of it.
        fs::unlink(&self.0).ok();
    }
}

/// The index as it stands, without the files: what is resolved, and the sides of what is not.
fn staged(git: &Repository, index: &Index) -> Result<(Oid, Option<Oid>)> {
    patiently(DOING, git.path(), || {
        let (mut resolved, mut sides) = (Index::new()?, Index::new()?);
        for known in index.iter() {
            let stage = (known.flags & STAGES) >> 12;
            if stage == 0 && known.flags_extended & INTENT_TO_ADD == 0 {
                resolved.add(&entry(&known.path, known.id, known.mode))?;
            } else if stage > 0 {
                let path = [format!("{stage}/").as_bytes(), &known.path].concat();
                sides.add(&entry(&path, known.id, known.mode))?;
            }
        }
        let conflicts = (!sides.is_empty()).then(|| sides.write_tree_to(git)).transpose()?;
        Ok((resolved.write_tree_to(git)?, conflicts))
    })
}

/// The small files of a tree's administrative directory.
fn papers(admin: &Path) -> Result<AdminFiles> {
    let mut papers = Vec::new();
    let mut walk = DirWalk::below(admin);
    while let Some(found) = walk.step(admin) {
        let found = found?;
        let name = found.path.as_os_str().as_bytes();
        let index = name.starts_with(b"index") || name.ends_with(b".lock");
        if found.meta.is_file() && !index && found.meta.len() <= PAPER_MAX {
            papers.push((name.to_vec(), fs::read(&admin.join(OsStr::from_bytes(name)))?));
        }
    }
    Ok(papers)
}

/// Every commit that the papers name: what a rebase set aside, what HEAD's log remembers.
fn commits_named_in(git: &Repository, papers: &AdminFiles) -> Vec<Oid> {
    let mut commits: Vec<Oid> =
        papers.iter().flat_map(|(_, bytes)| commits_in(git, bytes)).collect();
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// The commits that are named in full in a text.
pub(crate) fn commits_in(git: &Repository, text: &[u8]) -> Vec<Oid> {
    let words = text.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() == 40);
    let oids = words.filter_map(|word| Oid::from_str(std::str::from_utf8(word).ok()?).ok());
    let commit = |oid: Oid| Some(git.find_object(oid, None).ok()?.peel_to_commit().ok()?.id());
    oids.filter_map(commit).collect()
}

impl TreeState {
    /// Fills in what has to be saved, making commits of it; false where everything is reached by some ref.
    /// `shared` is the repository itself, whose refs stay.
    pub(crate) fn save(
        self,
        shared: &Repository,
        salvage: &mut Salvage,
    ) -> Result<Option<AdminFiles>> {
        let failed = |error| GitError::git("save a tree", shared.path())(error);
        let head = self.head.at;
        let mut tips = self.others.clone();
        tips.extend(head);
        let unreached = unreached(shared, &tips, None).map_err(failed)?;
        let tips = tips_of(shared, &unreached).map_err(failed)?;
        let base = match head {
            Some(oid) => shared.find_commit(oid).map_err(failed)?.tree_id(),
            None => Index::new().and_then(|mut none| none.write_tree_to(shared)).map_err(failed)?,
        };
        let kept = |what: &str, tree: Option<Oid>| {
            let tree = tree.filter(|tree| *tree != base);
            let made = tree.map(|tree| commit_tree(shared, what, tree, head)).transpose();
            made.map(|oid| oid.map(|oid| oid.to_string())).map_err(failed)
        };
        salvage.index = kept("what was staged", self.index)?;
        salvage.files = kept("what was uncommitted", self.files)?;
        salvage.conflicts = kept("both sides of what was not merged", self.conflicts)?;
        salvage.missing = self.files.is_none();
        salvage.head = head.map(|oid| oid.to_string());
        salvage.others =
            tips.iter().filter(|oid| Some(**oid) != head).map(Oid::to_string).collect();
        if let Some(branch) = &self.head.branch {
            let name = String::from_utf8_lossy(branch).into_owned();
            salvage.branch = Some(name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
        }
        let differs = salvage.index.is_some() || salvage.files.is_some();
        let needed = differs || self.busy || salvage.conflicts.is_some() || !tips.is_empty();
        Ok(needed.then_some(self.papers))
    }
}
