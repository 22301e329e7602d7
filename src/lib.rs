//! swarmdir: a directory is the whole queue.

pub mod domain;
pub mod queue;
pub mod sys;
