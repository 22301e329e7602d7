//! Names that people write, and the refs behind them: what a base means, whether a branch may be called so, where one is,
//! and deleting a ref. It may not know what they stand for.
//!
//! Invariant: what is told as gone is gone, whoever held git's locks meanwhile.

use std::path::Path;

use git2::{BranchType, ErrorCode, ObjectType, Oid, Reference, Repository};

use super::error::{GitError, Result};
use super::patience::patiently;
use super::repo::Repo;

/// Deletes the ref of this name, if it is at `tip` (wherever it is, without one). False: it is elsewhere by now.
pub(crate) fn delete(
    doing: &'static str,
    common: &Path,
    name: &str,
    tip: Option<Oid>,
) -> Result<bool> {
    patiently(doing, common, || {
        // Opened for each try: libgit2 forgets a packed ref before it writes, and where it cannot write, since somebody
        // packs refs, it takes the ref for gone from then on.
        let git = Repository::open_bare(common)?;
        let mut reference = match git.find_reference(name) {
            Ok(reference) => reference,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if tip.is_some() && reference.target() != tip {
            return Ok(false);
        }
        // It fails where somebody moved the ref since it was looked up.
        match reference.delete() {
            Err(error) if error.code() == ErrorCode::Modified => Ok(false),
            other => other.map(|()| true),
        }
    })
}

/// A commit to start from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedBase {
    /// The commit, as hex digits.
    pub oid: String,
    /// What it was called: the branch of HEAD, or what was asked for.
    pub name: String,
}

/// How different a branch's name may be to be suggested (0 to 1, 1: the same).
const NEAR: f64 = 0.75;

impl Repo {
    /// The commit that `base` means now: a branch, a remote's branch, a tag or a commit (also abbreviated
    /// or relative, as `main~2`); HEAD of the checkout for `None`.
    pub fn resolve(&self, base: Option<&str>) -> Result<ResolvedBase> {
        let Some(name) = base else { return self.head_base() };
        refuse_odd(name)?;
        // A branch comes before a tag of the same name, and before a commit that looks like it.
        let branch = self.git.find_branch(name, BranchType::Local);
        let found = match branch {
            Ok(branch) => branch.get().peel(ObjectType::Any),
            Err(_) => self.git.revparse_single(name),
        };
        let object = found.map_err(|error| match error.code() {
            ErrorCode::Ambiguous => GitError::AmbiguousBase { name: name.into() },
            ErrorCode::NotFound | ErrorCode::InvalidSpec => {
                GitError::UnknownBase { name: name.into(), near: self.near(name) }
            }
            _ => GitError::git("look up the base", &self.root)(error),
        })?;
        let kind = object.kind().map_or("unknown object", |kind| kind.str()).to_owned();
        let commit = object
            .peel_to_commit()
            .map_err(|_| GitError::NotACommit { name: name.into(), kind })?;
        Ok(ResolvedBase { oid: commit.id().to_string(), name: name.into() })
    }

    fn head_base(&self) -> Result<ResolvedBase> {
        let head = self.git.head().map_err(|error| match error.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => {
                GitError::Unborn { path: self.root.clone() }
            }
            _ => GitError::git("read HEAD", &self.root)(error),
        })?;
        let commit = head.peel_to_commit().map_err(GitError::git("read HEAD", &self.root))?;
        let name = String::from_utf8_lossy(head.shorthand_bytes()).into_owned();
        Ok(ResolvedBase { oid: commit.id().to_string(), name })
    }

    /// Whether a branch of this name can be made: a valid name that is free, and that no other branch's
    /// name is a directory of (or the other way round).
    pub fn check_branch_name(&self, name: &str) -> Result<()> {
        refuse_bad_branch(name)?;
        if self.git.find_reference(&format!("refs/heads/{name}")).is_ok() {
            return Err(GitError::BranchTaken { branch: name.into() });
        }
        match branch_in_the_way(&self.git, name) {
            Some(by) => Err(GitError::BranchBlocked { branch: name.into(), by }),
            None => Ok(()),
        }
    }

    fn near(&self, name: &str) -> Vec<String> {
        let branches = self.git.branches(None);
        let mut near: Vec<(f64, String)> = branches
            .into_iter()
            .flatten()
            .filter_map(|branch| {
                let (branch, _) = branch.ok()?;
                let known = std::str::from_utf8(branch.name_bytes().ok()?).ok()?.to_owned();
                let short = known.rsplit('/').next().unwrap_or_default();
                let likeness =
                    strsim::jaro_winkler(name, &known).max(strsim::jaro_winkler(name, short));
                (likeness >= NEAR).then_some((likeness, known))
            })
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.into_iter().map(|(_, name)| name).take(3).collect()
    }
}

/// Refuses what git or a shell could take for something else than a name.
fn refuse_odd(name: &str) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.starts_with('-') {
        "it begins with a dash"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return Ok(());
    };
    Err(GitError::BadName { name: name.into(), why })
}

/// Refuses what cannot be a branch's name at all.
pub(crate) fn refuse_bad_branch(name: &str) -> Result<()> {
    refuse_odd(name)?;
    let bad = |why| Err(GitError::BadName { name: name.into(), why });
    if name == "HEAD" {
        return bad("HEAD is no branch");
    }
    if name.starts_with("refs/") {
        return bad("a branch is named without refs/heads/");
    }
    if !Reference::is_valid_name(&format!("refs/heads/{name}")) {
        return bad("git allows no such branch name");
    }
    Ok(())
}

/// The branch whose name is a directory of this one, or the other way round.
pub(crate) fn branch_in_the_way(git: &Repository, name: &str) -> Option<String> {
    let above = name
        .match_indices('/')
        .map(|(at, _)| &name[..at])
        .find(|prefix| git.find_reference(&format!("refs/heads/{prefix}")).is_ok());
    if let Some(prefix) = above {
        return Some(prefix.to_owned());
    }
    let prefix = format!("refs/heads/{name}/");
    let below =
        git.references().ok()?.filter_map(std::result::Result::ok).find_map(|reference| {
            let full = String::from_utf8_lossy(reference.name_bytes()).into_owned();
            full.starts_with(&prefix).then_some(full)
        })?;
    below.strip_prefix("refs/heads/").map(str::to_owned)
}

/// Where a branch is now; `None` where there is no such branch, or no commit at it.
pub(crate) fn branch_tip(git: &Repository, name: &str) -> Option<Oid> {
    let reference = git.find_reference(&format!("refs/heads/{name}")).ok()?;
    reference.peel_to_commit().ok().map(|commit| commit.id())
}
