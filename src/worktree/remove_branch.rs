//! Removing a branch of ours, with its work on a target or salvaged.

use std::path::Path;

use git2::Oid;

use super::pool::TreePool;
use super::refusal::{RemovalRefusal, Removed};
use super::remove::Removal;
use super::salvaged::{self, Salvage, tips_of, unreached};
use super::{make, state};
use crate::git::error::{GitError, Result};
use crate::git::merged::{Proof, TargetChanges, on_target};
use crate::git::refs;
use crate::git::resolve::branch_tip;
use crate::sys::{clock, fs};

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
