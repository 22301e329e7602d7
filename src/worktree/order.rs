//! What is asked of a trees, and what comes of it. Plain words, no doing.

use std::path::Path;

use super::tree::Tree;

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// The task's id.
    pub task: &'a str,
    /// The attempt: `e.W`.
    pub token: &'a str,
    /// The queue's random id.
    pub queue: &'a str,
    /// The branch to make.
    pub branch: &'a str,
    /// The task chose the branch's name itself: that one or none.
    pub branch_is_fixed: bool,
    /// The pinned base, hex digits.
    pub base_oid: &'a str,
    /// A file of the task's own in which we keep which branch we made; missing at first.
    pub intent: &'a Path,
    /// An earlier attempt cannot be continued (it was lost on another machine): a new branch and tree.
    pub fresh: bool,
    /// Make records durable before acting on them.
    pub sync: bool,
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

/// What comes of clearing up after a task that nobody works on any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Vacated {
    /// Its tree is free now, or it had none.
    Free,
    /// Another process holds it.
    Busy,
    /// Something in it cannot be committed; it is kept for people.
    Held,
}
