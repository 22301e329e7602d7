//! The words of the program: what a task, a claim, a name and an outcome are.
//!
//! Pure: no I/O, no clock, no environment, no path that is opened. Everything above may use it and it
//! uses nothing of ours. Decisions live here as functions from values to values, so that they can be
//! tested without a disk.

pub mod admission;
pub mod choice;
pub mod config;
pub mod gate;
mod gate_bounds;
pub mod id;
pub mod identity;
pub mod lease;
pub mod limits;
pub mod live;
pub mod liveness;
pub mod name;
pub mod outcome;
pub mod overuse;
pub mod policy;
pub mod problem;
pub mod quantity;
pub mod reason;
pub mod record;
pub mod retry;
pub mod rule;
pub mod state;
pub mod task;
pub mod text;
pub mod time;
pub mod time_bounds;
pub mod trust;
pub mod usage;
