//! swarmdir: a directory is the whole queue.

pub mod domain;
pub mod sys;
pub mod worktree;
