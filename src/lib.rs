//! swarmdir: a directory is the whole queue.

pub mod agent;
pub mod domain;
pub mod sys;
