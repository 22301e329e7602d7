//! A task: its name for ever, its file name in each state, what its file says, what is recorded beside it.
//!
//! Names: `account`, `process`, `settings`, `time`, `time_bounds`.

pub mod id;
pub mod name;
pub mod reason;
pub mod record;
pub mod spec;
pub mod state;
