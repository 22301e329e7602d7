//! Whose fault a failed attempt is, what it costs the task, and when it is tried again.

pub mod policy;
pub(crate) mod retry_delay;
pub mod rules;
