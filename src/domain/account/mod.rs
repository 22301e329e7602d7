//! An account that agents share: its circuit breaker, its usage window, what its agents cost.
//!
//! Names: `failure`, `time`, `time_bounds`.

mod bounds;
pub mod breaker;
pub mod usage;
pub(crate) mod window;
