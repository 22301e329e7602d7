//! A tree that is ours by its lock and open by a descriptor, before it is given its files or removed.

use git2::Repository;

use super::holder::TreeSlot;
use crate::sys::dir::Dir;

/// A place with its tree, and what is in that.
pub(super) struct OpenTree {
    pub(super) place: TreeSlot,
    pub(super) dir: Dir,
    pub(super) git: Repository,
    pub(super) before: TreeContent,
}

/// What is in a tree before it is given its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TreeContent {
    Nothing,
    /// Exactly what HEAD says, as far as git sees.
    Head,
    /// Anything: a switch was cut short.
    Unknown,
}
