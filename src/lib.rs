//! swarmdir: a directory is the whole queue.

pub mod cli;
pub mod domain;
pub mod form;
pub mod sys;
pub mod taskfile;
