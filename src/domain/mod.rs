//! The words of the program: what a task, a claim, a name and an outcome are.
//!
//! Pure: no I/O, no clock, no environment, no path that is opened. Everything above may use it and it
//! uses nothing of ours. Decisions live here as functions from values to values, so that they can be
//! tested without a disk.
//!
//! Names: none.

pub mod account;
pub(crate) mod capacity;
pub mod event;
pub mod failure;
pub mod liveness;
pub mod outcome;
pub mod process;
pub mod settings;
pub mod task;
pub mod text;
pub mod time;
pub(crate) mod time_bounds;
pub(crate) mod trust;
