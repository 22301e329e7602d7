//! Whose fault a failed attempt is, what it costs the task, and when it is tried again.
//!
//! Names: `task`, `time`.

pub mod fault;
pub mod policy;
pub(crate) mod retry_delay;
pub mod rules;
