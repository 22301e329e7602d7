//! How an attempt ended, and where its task goes.
//!
//! Names: `failure`, `settings`, `task`, `time`, `time_bounds`.

pub mod disposition;
pub(crate) mod overuse;
