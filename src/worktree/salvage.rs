//! A free tree must be what HEAD says before it is used again; if it is not, what is there is saved first.
//!
//! Somebody may have worked in it by hand since it was released, or a release was cut short. The state is
//! committed under `refs/swarmdir/salvage/`, where nobody prunes it, and only then cleared away.

use git2::{Oid, Repository};

use super::occupant::Place;
use super::patience::{patiently, remove_stale_locks};
use super::scan::scan;
use super::stage::{read_index, stage};
use super::switch::{Before, sweep};
use super::trouble::Result;
use super::{heads, make};
use crate::sys::clock;

/// What was found in a free tree.
pub(crate) enum Found {
    /// It can be used.
    Usable(Repository, Before, Vec<String>),
    /// It holds what no commit can hold, and stays as it is.
    Unusable(String),
}

/// Looks through the tree of a free place.
pub(crate) fn prepare(common: &std::path::Path, place: &Place) -> Result<Found> {
    let root = &place.tree;
    if !make::is_tied(common, root) {
        return Ok(Found::Unusable("it is no worktree of this repository any more".into()));
    }
    let git = make::open(root)?;
    remove_stale_locks(&git, None)?;
    let mut notes = Vec::new();
    let mut index = read_index(&git, &mut notes)?;
    let dirt = scan(&git, &index, root);
    sweep(root, &dirt.special, &dirt.empty);
    let Some(head) = head_and_tree(&git) else {
        return Ok(Found::Unusable("its HEAD names no commit".into()));
    };
    if !dirt.is_clean() {
        let refused = stage(&git, &mut index, root, &dirt, &mut notes)?;
        if !refused.is_empty() || dirt.holds_more() {
            return Ok(Found::Unusable(notes.join("; ")));
        }
    }
    let tree = patiently("save what is in a free tree", root, || index.write_tree())?;
    if tree == head.1 {
        // Only time stamps differed. Writing the index keeps the next look short.
        if !dirt.is_clean() {
            patiently("write the index", root, || index.write())?;
        }
        return Ok(Found::Usable(git, Before::Head, Vec::new()));
    }
    let pinned = pin(&git, &place.name, head.0, tree)?;
    patiently("write the index", root, || index.write())?;
    let note = format!("{root:?} held changes that nobody committed; they are saved as {pinned}");
    Ok(Found::Usable(git, Before::Unknown, vec![note]))
}

fn head_and_tree(git: &Repository) -> Option<(Oid, Oid)> {
    let commit = git.head().ok()?.peel_to_commit().ok()?;
    Some((commit.id(), commit.tree_id()))
}

fn pin(git: &Repository, name: &str, parent: Oid, tree: Oid) -> Result<String> {
    let full = format!("refs/swarmdir/salvage/{name}-{}", clock::stamp(clock::now()));
    patiently("save what is in a free tree", git.path(), || {
        let who = heads::signature(git)?;
        let (parent, tree) = (git.find_commit(parent)?, git.find_tree(tree)?);
        let message = format!("swarmdir: what was found in the free tree {name}\n");
        let commit = git.commit(None, &who, &who, &message, &tree, &[&parent])?;
        git.reference(&full, commit, true, "swarmdir: salvage").map(|_| ())
    })?;
    Ok(full)
}
