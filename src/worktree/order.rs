//! What is asked of the trees, and what is written of who asked. Plain words, no doing.

use std::path::Path;

use super::holder::{Holder, TreePhase};

/// What a worker asks for.
#[derive(Clone, Debug)]
pub struct TreeRequest<'a> {
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

/// The record of a tree that is being made ready for this.
pub(super) fn preparing(
    order: &TreeRequest<'_>,
    branch: &str,
    base: &str,
    since_ms: u64,
) -> Holder {
    Holder {
        queue: order.queue.into(),
        task: order.task.into(),
        token: order.token.into(),
        branch: branch.into(),
        base: base.into(),
        phase: TreePhase::Preparing,
        since_ms,
        note: None,
    }
}

/// The record of a tree that is kept for people, and why.
pub(super) fn held(order: &TreeRequest<'_>, note: String) -> Holder {
    Holder {
        phase: TreePhase::Held,
        note: Some(note),
        task: String::new(),
        ..preparing(order, "", "", 0)
    }
}
