//! swarmdir: a directory is the whole queue.

pub mod agent;
pub mod cli;
pub mod coordinator;
pub mod doctor;
pub mod domain;
pub mod form;
pub mod queue;
pub mod shape;
pub mod status;
pub mod sys;
pub mod taskfile;
pub mod tending;
pub mod worker;
pub mod worktree;
