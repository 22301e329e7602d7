//! Whose branch it is: made once, at the pinned base, and known again after a crash.
//!
//! The order is intent, branch, work. The intent file (kept with the task, written durably first) names
//! the branch that is about to be made; a branch of that name is ours when its log begins with our mark
//! or, where there is no log, when it descends from the base. What somebody else made is never moved.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::holder::{Holder, read_json, replace_json};
use super::make::checked_out_at;
use super::order::TreeRequest;
use crate::git::error::{GitError, Result};
use crate::git::patience::{patiently, remove_stale_branch_lock};
use crate::git::refs::{branch_in_the_way, branch_tip, refuse_bad_branch};
use crate::git::repo::Repo;
use crate::sys::clock;

/// So many names are tried for a branch whose name is ours to choose.
const MAX_SUFFIX: u32 = 99;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct BranchIntent {
    pub(crate) branch: String,
    /// Where the task began, hex digits.
    pub(crate) base: String,
    /// Where the branch is made: at the base, or at the end of an earlier branch of the task.
    pub(crate) start: String,
    /// When it was written, milliseconds since 1970: no object of the branch is older.
    pub(crate) since_ms: u64,
}

#[derive(Debug)]
pub(crate) struct BranchPlan {
    pub(crate) intent: BranchIntent,
    pub(crate) tip: Oid,
    /// There are commits on it.
    pub(crate) continued: bool,
    pub(crate) notes: Vec<String>,
}

/// Finds the task's branch, or makes it. In `own`, the task's own tree (if it has one), it may be checked out.
pub(crate) fn plan(repo: &Repo, order: &TreeRequest<'_>, own: Option<&Path>) -> Result<BranchPlan> {
    let epoch = order.token.split('.').next().unwrap_or_default();
    let wanted = match order.fresh {
        true => format!("{}-e{epoch}", order.branch),
        false => order.branch.to_owned(),
    };
    refuse_bad_branch(&wanted)?;
    let intent: Option<BranchIntent> = read_json(order.intent)?;
    let mine = |name: &str| name == wanted || name.starts_with(&format!("{wanted}-"));
    let Some(intent) = intent.filter(|intent| !order.fresh || mine(&intent.branch)) else {
        return choose(repo, order, &wanted, order.base_oid, Vec::new());
    };
    let base = oid(repo, &intent.base)?;
    let Some(tip) = branch_tip(&repo.git, &intent.branch) else {
        let start = oid(repo, &intent.start)?;
        let continued = start != base;
        // Who wrote the intent may have been killed with the lock in his hand.
        remove_stale_branch_lock(&repo.common, &intent.branch)?;
        return match create(repo, order.task, &intent.branch, start)? {
            Creation::Made => Ok(BranchPlan { tip: start, continued, intent, notes: Vec::new() }),
            Creation::Exists | Creation::Blocked(_) => {
                choose(repo, order, &wanted, &intent.base, Vec::new())
            }
        };
    };
    if !is_ours(&repo.git, order.task, &intent.branch, tip, base) {
        return choose(repo, order, &wanted, &intent.base, Vec::new());
    }
    if let Some(at) = checked_out_at(&repo.common, &intent.branch, own.unwrap_or(Path::new(""))) {
        return beside(repo, order, intent, tip, &at, epoch);
    }
    Ok(BranchPlan { tip, continued: tip != base, intent, notes: Vec::new() })
}

/// The branch is ours, but somebody looks at it in a checkout: a new one begins where it ends.
fn beside(
    repo: &Repo,
    order: &TreeRequest<'_>,
    intent: BranchIntent,
    tip: Oid,
    at: &Path,
    epoch: &str,
) -> Result<BranchPlan> {
    let name = format!("{}-e{epoch}", intent.branch);
    let next = BranchIntent { branch: name, start: tip.to_string(), ..intent.clone() };
    replace_json(order.intent, &next, order.sync)?;
    match create(repo, order.task, &next.branch, tip)? {
        Creation::Made => {
            let note = format!(
                "the branch {} is checked out at {at:?}; work goes on as {}",
                intent.branch, next.branch
            );
            let continued = next.base != tip.to_string();
            Ok(BranchPlan { tip, continued, intent: next, notes: vec![note] })
        }
        Creation::Exists | Creation::Blocked(_) => {
            replace_json(order.intent, &intent, order.sync)?;
            Err(GitError::BranchCheckedOut { branch: intent.branch, at: at.to_owned() })
        }
    }
}

/// Takes the first name that is free; a name that the task chose itself is that one or none.
fn choose(
    repo: &Repo,
    order: &TreeRequest<'_>,
    wanted: &str,
    base: &str,
    mut notes: Vec<String>,
) -> Result<BranchPlan> {
    let at = oid(repo, base)?;
    let mut stem = wanted.to_owned();
    let mut number = 1;
    while number <= MAX_SUFFIX {
        let branch = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
        number += 1;
        // Cheap, so that a taken name costs no durable write; the creation below is what decides.
        if branch_tip(&repo.git, &branch).is_some() {
            if order.branch_is_fixed {
                return Err(GitError::BranchTaken { branch });
            }
            continue;
        }
        let (base, start) = (base.to_owned(), base.to_owned());
        let intent = BranchIntent { branch, base, start, since_ms: clock::now().0 };
        replace_json(order.intent, &intent, order.sync)?;
        match create(repo, order.task, &intent.branch, at)? {
            Creation::Made => {
                return Ok(BranchPlan { tip: at, continued: false, intent, notes });
            }
            Creation::Exists if order.branch_is_fixed => {
                return Err(GitError::BranchTaken { branch: intent.branch });
            }
            Creation::Exists => {}
            Creation::Blocked(by) if order.branch_is_fixed || !stem.contains('/') => {
                return Err(GitError::BranchBlocked { branch: intent.branch, by });
            }
            Creation::Blocked(by) => {
                notes.push(format!("the branch {by} stands in the way of {}", intent.branch));
                stem = stem.replace('/', "-");
                number = 1;
            }
        }
    }
    Err(GitError::BranchTaken { branch: wanted.to_owned() })
}

enum Creation {
    Made,
    Exists,
    Blocked(String),
}

fn create(repo: &Repo, task: &str, branch: &str, at: Oid) -> Result<Creation> {
    let full = format!("refs/heads/{branch}");
    let held = repo.metadata_lock()?;
    let made = patiently("make the branch", &repo.root, || {
        match repo.git.reference(&full, at, false, &mark(task)) {
            Ok(_) => Ok(Creation::Made),
            Err(error) if error.code() == ErrorCode::Exists => Ok(Creation::Exists),
            Err(error) => match branch_in_the_way(&repo.git, branch) {
                Some(by) => Ok(Creation::Blocked(by)),
                None => Err(error),
            },
        }
    });
    drop(held);
    // A name that is taken by a directory of other branches is reported as existing, too.
    match made? {
        Creation::Exists if branch_tip(&repo.git, branch).is_none() => {
            let by = branch_in_the_way(&repo.git, branch);
            Ok(by.map_or(Creation::Exists, Creation::Blocked))
        }
        other => Ok(other),
    }
}

/// What the branch's log says when we made it.
pub(crate) fn mark(task: &str) -> String {
    format!("swarmdir: {task}")
}

/// Whether the branch that the intent names is the one that we made.
fn is_ours(git: &Repository, task: &str, branch: &str, tip: Oid, base: Oid) -> bool {
    let Ok(log) = git.reflog(&format!("refs/heads/{branch}")) else { return false };
    let ours = mark(task).into_bytes();
    if log.iter().any(|entry| entry.message_bytes().unwrap_or_default().starts_with(&ours)) {
        return true;
    }
    let first = log.len().checked_sub(1).and_then(|last| log.get(last));
    if first.is_some_and(|entry| entry.id_old().is_zero()) {
        return false;
    }
    tip == base || git.graph_descendant_of(tip, base).unwrap_or(false)
}

/// The branch that the intent file names.
pub(crate) fn intended(intent: &Path) -> Result<Option<String>> {
    Ok(read_json::<BranchIntent>(intent)?.map(|intent| intent.branch))
}

pub(crate) fn tip_or_base(repo: &Repo, holder: &Holder) -> Result<Oid> {
    match branch_tip(&repo.git, &holder.branch) {
        Some(tip) => Ok(tip),
        None => oid(repo, &holder.base),
    }
}

/// Reads hex digits, and sees that the commit is there.
pub(crate) fn oid(repo: &Repo, hex: &str) -> Result<Oid> {
    let unknown = || GitError::UnknownBase { name: hex.to_owned(), near: Vec::new() };
    let oid = Oid::from_str(hex).map_err(|_| unknown())?;
    repo.git.find_commit(oid).map_err(|_| unknown())?;
    Ok(oid)
}
